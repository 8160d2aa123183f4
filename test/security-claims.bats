load helper
load peers
load tls
load keeper
load attack
load credentials

# What smtp-handler-security(7) claims: a test for each sentence, called by how that begins.
# What it says is looked for in processes that run.

setup_file() {
    make_pairs mx
}

# Each sentence on a line of its own.
sentences() {
    mandoc -T ascii -O width=1000 "$top/manual/smtp-handler-security.7" | sed 's/.\x08//g' | awk '
        /^[A-Z]/ { inside = !/^(NAME|EXAMPLES|DIAGNOSTICS|SEE ALSO|SMTP-HANDLER.*)$/; next }
        !inside { next }
        /^ *$/ || /^ *o   / { print "" }
        { sub(/^ *(o   )?/, ""); printf "%s ", $0 }' |
        sed -E 's/\. +([A-Z]|(smtp-handler|tls-relay|password-check) )/.\n\1/g' | grep '[a-z]'
}

# each_is_tested SENTENCES TITLES: fails, and says for which, if a sentence has no title, or a title no sentence.
each_is_tested() {
    awk '
        function bare(text) { text = tolower(text); gsub(/[^a-z0-9]/, "", text); return text }
        NR == FNR { sentences[NR] = $0; next }
        {
            begun = 0
            for (number in sentences)
                if (NF >= 4 && index(bare(sentences[number]), bare($0)) == 1) {
                    tested[number] = 1
                    begun++
                }
            if (begun != 1) {
                print "not how one sentence begins, with four words or more: " $0
                bad = 1
            }
        }
        END {
            for (number in sentences)
                if (!(number in tested)) {
                    print "no test is called by: " sentences[number]
                    bad = 1
                }
            exit bad
        }' "$@"
}

@test "each sentence has a test, and each test here a sentence" {
    sentences >claimed
    [ "$(wc -l <claimed)" -gt 30 ]
    sed -n 's/^@test "\(.*\)" {$/\1/p' "$BATS_TEST_FILENAME" | grep -vxF "$BATS_TEST_DESCRIPTION" >titles
    each_is_tested claimed titles
    # It can fail.
    sed 5d titles >fewer
    run each_is_tested claimed fewer
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output = 'no test is called by: '* ]]
    echo 'Nobody has ever said this' >>titles
    run each_is_tested claimed titles
    [ "$status" = 1 ]
    [ "$output" = 'not how one sentence begins, with four words or more: Nobody has ever said this' ]
}

# What is no other user's affair is root's.
look_inside() {
    needs_root 'look into them'
}

# The handler that the server just started has one session, and nothing is left of that which looked for its port.
has_one_session() {
    [ "$(pgrep -c -P "${started[-1]}")" = 1 ] && runner=$(pgrep -P "${started[-1]}") && frontend=$(pgrep -P "$runner")
}

# visit: a client of the server just started, as descriptor 5; its $runner, and $frontend.
visit() {
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    read -r greeting <&5
    eventually has_one_session
}

# on_pipes [COMMAND...] -- [OPTION...]: a handler between pipes, started by COMMAND.
on_pipes() {
    local command=()
    while [ "$1" != -- ]; do
        command+=("$1")
        shift
    done
    rm -f heard # of the one before
    mkfifo client replies
    cat <replies >heard 3>&- &
    "${command[@]}" "$SMTP_HANDLER" --domain example.org --log stderr "${@:2}" "${delivery[@]}" <client >replies 2>>log 3>&- &
    started+=($!)
    exec 5>client
    eventually grep -q '^220 ' heard
    rm client replies
    frontend=$!
    while child=$(pgrep -P "$frontend"); do frontend=$child; done
    runner=$(ps -o ppid= "$frontend" | tr -d ' ')
}

# on_socket -- [OPTION...]: one under tcpserver, the connection being its input.
on_socket() {
    start_handler "${@:2}"
    visit
}

# start_listener [OPTION...]: one that listens, as under inetd with wait; "${as[@]}" starts it, if set.
start_listener() {
    port=$(free_port)
    in_background python3 -c 'import os, socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(listening.fileno(), 0)
os.execvp(sys.argv[2], sys.argv[2:])' "$port" "${as[@]}" "$SMTP_HANDLER" --domain example.org --log stderr "$@" -- "${delivery[@]}"
    eventually is_listening "$port"
}

by_listener() {
    start_listener "${@:2}"
    visit
}

# in_each_way CHECK [OPTION...]: the check holds for a session of each kind.
in_each_way() {
    for way in on_pipes on_socket by_listener; do
        echo "$way"
        "$way" -- "${@:2}"
        "$1"
        exec 5>&-
        end_started
        started=()
    done
}

# Makes $SMTP_HANDLER one whose processes write their system calls to traces/.
trace_all() {
    mkdir traces
    untraced=$SMTP_HANDLER
    printf '#!/bin/sh\nASAN_OPTIONS=detect_leaks=0 exec strace -D -ff -q -s 300 -o %s/traces/of %s %s "$@"\n' "$PWD" \
        '-e trace=%process,%file,%network,read,write,memfd_create,prctl,prlimit64,landlock_restrict_self,close_range' \
        "$untraced" >traced
    chmod +x traced
    SMTP_HANDLER=$PWD/traced
}

# All that were traced have ended.
all_have_ended() { ls traces/of.* && ! grep -LE '^\+\+\+ ' traces/of.* | grep .; }

# traces_of PATTERN: of the processes that made such a call.
traces_of() { grep -lE "$1" traces/of.*; }

# A whole session, traced: with TLS, a password, and a message that is too long for memory.
trace_session() {
    needs_root 'follow processes that hide'
    echo "alice:$(hashed secret)" >passwords
    delivery=(sh -c 'cat >/dev/null; id -u')
    trace_all
    serve --auth "$PASSWORD_CHECK $PWD/passwords"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
reply = client.send_message("Subject: test\r\n\r\n" + "body\r\n" * 250000)
assert reply == "250 2.0.0 %d" % os.getuid(), reply
client.expect("221", "QUIT")
assert client.is_over()
END
    eventually all_have_ended
    SMTP_HANDLER=$untraced
    frontend=$(traces_of '^(write|sendto)\(1, "250-')
    runner=$(traces_of "^(clone|fork).* = ${frontend#*.}$")
    relay=$(traces_of '^execve\("[^"]*/tls-relay"')
    password=$(traces_of '^execve\("[^"]*/password-check"')
    judge=$(traces_of '^read\([0-9]*, "alice:')
    run_command=$(traces_of '^execve\("[^"]*/sh", \["sh", "-c", "cat ')
}

has_two_processes() {
    [ "$(pgrep -P "$runner")" = "$frontend" ]
    refute pgrep -P "$frontend"
}

@test "Two processes serve a connection, and with TLS a third" {
    in_each_way has_two_processes
    mapfile -t pairs < <(pair mx)
    on_socket -- "${pairs[@]}"
    has_two_processes
    printf 'EHLO client.test\r\nSTARTTLS\r\n' >&5
    eventually relays
    [ "$(pgrep -P "$runner" | sort)" = "$(printf '%s\n' "$frontend" "$(relays)" | sort)" ]
    refute pgrep -P "$frontend,$(relays)"
}

@test "The frontend reads what the client sends and writes the replies; it alone understands commands" {
    trace_session
    for command in EHLO AUTH MAIL RCPT DATA QUIT; do
        grep -qE "^(read|recv[a-z]*)\([0-9]+, \"$command" "$frontend"
        refute grep -E "^(read|recv[a-z]*)\([0-9]+, \"$command" "$runner"
    done
    for code in 250- 220 250 354 221; do
        grep -qE "^(write|send[a-z]*)\([0-9]+, \"$code" "$frontend"
        refute grep -E "^(write|send[a-z]*)\([0-9]+, \"$code" "$runner"
    done
    # What the client sends in plaintext nobody else reads at all.
    [ "$(traces_of '^(read|recv[a-z]*)\(0, "EHLO')" = "$frontend" ]
    refute grep -E '^(read|recv[a-z]*)\(0,|^(write|send[a-z]*)\(1,' "$runner"
}

@test "The runner, which the superserver started and which started the frontend, does all that touches the machine" {
    trace_session
    sed -nE 's/^(clone|clone3|fork|vfork)\(.* = ([0-9]+)$/traces\/of.\2/p' "$runner" | sort >its
    printf '%s\n' "$frontend" "$relay" "$password" "$run_command" | sort | diff - its
    [ "$(traces_of '^memfd_create')" = "$runner" ]
    [ "$(traces_of '^open.*O_TMPFILE')" = "$runner" ]
    [ "$(traces_of '"smtp-handler: message ')" = "$runner" ]
    sed '1,/PR_SET_SECCOMP/d' "$frontend" | refute grep -vE '^(read|recv[a-z]*|write|sendto|shutdown|exit_group)\(|^\+'
    for way in on_socket by_listener; do
        "$way" --
        [ "$(readlink "/proc/$runner/exe")" = "$(readlink -f "$SMTP_HANDLER")" ]
        [ "$(ps -o ppid= "$runner")" -eq "${started[-1]}" ]
        [ "$(ps -o ppid= "$frontend")" -eq "$runner" ]
        exec 5>&-
    done
}

@test "They exchange records of one size each way over a pair of sockets" {
    trace_session
    grep -c '^socketpair(AF_UNIX, SOCK_SEQPACKET' "$runner" | grep -qx 1
    [ "$(grep -E '^send(to|msg)\(3,' "$frontend" | sed 's/.* = //' | sort -u | wc -l)" = 1 ]
    [ "$(grep -E '^send(to|msg)\(3,' "$runner" | sed 's/.* = //' | sort -u | wc -l)" = 1 ]
    distrusted short 'request of another size'
    distrusted long 'request of another size'
    distrusted unknown 'unknown operation'
}


# confined_before CALL TRACE: a process that makes such a call had confined itself by then.
confined_before() {
    sed -E "/$1/q" "$2" >by_then
    tail -n 1 by_then | grep -E "$1"
    for part in 'PR_SET_NO_NEW_PRIVS, 1' 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE' landlock_restrict_self RLIMIT_NPROC RLIMIT_CORE \
        RLIMIT_NOFILE RLIMIT_FSIZE RLIMIT_CPU 'PR_SET_SECCOMP, SECCOMP_MODE_FILTER'; do
        grep -E "$part.* = 0$" by_then
    done
}

frontend_is_confined_before() {
    printf '%sEHLO client.test\r\nQUIT\r\n' "$proxy_header" >&5
    eventually grep -q '^+++ ' "traces/of.$frontend"
    confined_before '^(read|recv[a-z]*)\(0,' "traces/of.$frontend"
    [ "$(traces_of '^(read|recv[a-z]*)\(0, "(EHLO|PROXY)')" = "traces/of.$frontend" ]
    rm traces/*
}

@test "Before it reads its first octet the frontend has" {
    needs_root 'follow processes that hide'
    local proxy_header=
    trace_all
    in_each_way frontend_is_confined_before
    proxy_header=$'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
    start_handler --proxy-protocol # whose greeting waits for that
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    eventually has_one_session
    frontend_is_confined_before
}

# descriptors PROCESS: what it has, a line each.
descriptors() {
    find "/proc/$1/fd" -type l -printf '%f %l\n' | sed 's/[0-9]*\]//' | sort -n
}

is_sanitized() {
    case $SMTP_HANDLER in *sanitize*) ;; *) return 1 ;; esac
}

has_four_descriptors() {
    descriptors "$frontend" >its
    [ "$(cut -d ' ' -f 1 its | xargs)" = '0 1 2 3' ]
    is_sanitized || grep -qx '2 /dev/null' its
    grep -qx '3 socket:\[' its
    [ "$(readlink "/proc/$frontend/fd/0")" = "$(readlink "/proc/$runner/fd/0")" ]
    [ "$(readlink "/proc/$frontend/fd/1")" = "$(readlink "/proc/$runner/fd/1")" ]
    [ "$(limit 'Max open files')" = '8 8' ]
}

# limit NAME: soft and hard, of the frontend.
limit() {
    sed -n "s/^$1 *\\([^ ]*\\) *\\([^ ]*\\) .*/\\1 \\2/p" "/proc/$frontend/limits"
}

@test "no descriptors but the client's two, the runner's and /dev/null as standard error, and room for four more" {
    look_inside
    in_each_way has_four_descriptors
    serve
    client <<'END'
import time
client = Client(port)
client.starttls()
client.begin_message()
client.send(b"body\r\n" * 250000)
children = subprocess.check_output(["pgrep", "-P", str(handler_of(relay()))]).split()
frontend, = [int(child) for child in children if int(child) != relay()]
def spooled():
    descriptors = {name: os.readlink("/proc/%d/fd/%s" % (frontend, name)) for name in os.listdir("/proc/%d/fd" % frontend)}
    return descriptors if any("(deleted)" in end and "memfd" not in end for end in descriptors.values()) else None
for _ in range(1000):
    if spooled():
        break
    time.sleep(0.02)
descriptors = spooled()
others = [end for name, end in descriptors.items() if int(name) > 3]
assert 2 <= len(others) <= 4, descriptors
assert all("socket:" in end or "(deleted)" in end for end in others), descriptors
END
}

# ledger: the address at which the frontend has a page of a listener's, and its rights.
ledger() { sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* \(....\) .*memfd:ledger.*/\1 \2/p' "/proc/$frontend/maps"; }

# crowded: what the page says.
crowded() {
    python3 - "$frontend" "$(ledger | cut -d ' ' -f 1)" <<'END'
import sys
with open("/proc/%s/mem" % sys.argv[1], "rb") as memory:
    memory.seek(int(sys.argv[2], 16))
    print(int.from_bytes(memory.read(4), "little"))
END
}

says_crowded() { [ "$(crowded)" = 1 ]; }

@test "if a listener started it, a page of memory that it can read: whether most connections are taken" {
    look_inside
    on_pipes --
    [ -z "$(ledger)" ]
    exec 5>&-
    by_listener -- --max-connections 4
    [ "$(ledger | cut -d ' ' -f 2)" = r--s ]
    grep -A 1 memfd:ledger "/proc/$frontend/smaps" | grep -qx 'Size: *4 kB'
    [ "$(crowded)" = 0 ]
    exec 6<>"/dev/tcp/127.0.0.1/$port" 7<>"/dev/tcp/127.0.0.1/$port"
    eventually says_crowded
    exec 6>&- 7>&-
}

# left_to_it: the system calls, of all that there are, that do not end the frontend.
left_to_it() {
    local name number
    printf '#include <sys/syscall.h>\n' | cc -E -dM - | sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$/\1 \2/p' >calls
    [ "$(wc -l <calls)" -gt 250 ]
    while read -r name number; do
        NUMBER=$number attacks call >/dev/null
        grep -q 'ended by signal 31' log || echo "$name"
    done <calls
}

@test "a filter of system calls (seccomp(2)), deny by default, that leaves it to read, write, send octets to the other end, receive, wait, close, tell the time and end" {
    left_to_it | sort >left
    printf '%s\n' read write send recv recvfrom recvmsg poll ppoll restart_syscall rt_sigpending rt_sigreturn sigreturn \
        close shutdown clock_gettime gettimeofday exit exit_group | grep -xF -f <(cut -d " " -f 1 calls) | sort | diff - left
    seen_through 'send elsewhere'
    grep -q 'ended by signal 31' log
    in_each_way has_filter
}

has_filter() { grep -qx $'Seccomp:\t2' "/proc/$frontend/status"; }

has_no_new_privs_nor_core() {
    grep -qx $'NoNewPrivs:\t1' "/proc/$frontend/status"
    [ "$(limit 'Max core file size')" = '0 0' ]
}

@test "no_new_privs, and no core dump; other processes of its user can neither trace it nor look into its memory" {
    in_each_way has_no_new_privs_nor_core
    on_pipes as_another --
    for name in mem maps environ fd/0; do
        refute as_another head -c 1 "/proc/$frontend/$name"
    done
    as_another timeout 60 strace -qq -o /dev/null -p "$frontend" 2>&1 | grep -q 'not permitted'
    exec 5>&-
    # Of another they can.
    on_pipes as_another -- --no-sandbox
    as_another head -c 1 "/proc/$frontend/maps" | grep .
    exec 5>&-
}

@test "limits: no processes, no more memory than it has, no file longer than --max-size and the trace fields" {
    on_pipes -- --max-messages 10 --max-size 100000000
    [ "$(limit 'Max processes')" = '0 0' ]
    [ "$(limit 'Max file size')" = '100003216 100003216' ]
    [ "$(limit 'Max cpu time')" = '100 100' ]
    is_sanitized || [ "$(limit 'Max data size')" = '0 0' ]
    is_sanitized || [ "$(limit 'Max stack size')" = '1048576 1048576' ]
    exec 5>&-
    on_pipes -- --max-size 0 --session-timeout 100
    [ "$(limit 'Max cpu time')" = '130 130' ]
    exec 5>&-
    on_pipes as_another prlimit --fsize=4096:8192 --cpu=5:6 -- --require-sandbox
    [ "$(limit 'Max file size')" = '4096 8192' ]
    [ "$(limit 'Max cpu time')" = '5 6' ]
    exec 5>&-
    under_filter
    grep -q 'connection .* unconfined=rlimits ' log
}

# without_seccomp: what runs a command that can have no filter of its own.
without_seccomp() {
    cat >without_seccomp.py <<'END'
import ctypes, os, platform, struct, sys
PRCTL, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = {"x86_64": 157, "aarch64": 167}[platform.machine()], 38, 22
LOAD, IF_EQUAL, RETURN, ALLOW, EINVAL = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050016
rules = ((LOAD, 0, 0, 0), (IF_EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, 16), (IF_EQUAL, 0, 1, PR_SET_SECCOMP),
         (RETURN, 0, 0, EINVAL), (RETURN, 0, 0, ALLOW))
octets = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(octets))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and prctl(PR_SET_SECCOMP, 2, program) == 0
os.execv(sys.argv[1], sys.argv[1:])
END
    chmod +x "$PWD/without_seccomp.py"
    printf '#!/bin/sh\nexec python3 %s/without_seccomp.py %s "$@"\n' "$PWD" "$attacked" >unfiltered
    chmod +x unfiltered
    attacked=$PWD/unfiltered
}

@test "Landlock, as far as the kernel has it: no file, no connection, no signal to others" {
    local version forbidden=(open create execute)
    traced -f -o trace -e trace=landlock_create_ruleset "$SMTP_HANDLER" true </dev/null
    version=$(sed -n 's/.*CREATE_RULESET_VERSION) = //p' trace)
    [ "$version" -lt 4 ] || forbidden+=(connect)
    [ "$version" -lt 6 ] || forbidden+=(signal)
    without_seccomp
    for attack in "${forbidden[@]}"; do
        seen_through "$attack"
        grep -q FAILED heard || { echo "$attack: $(cat log)"; return 1; }
    done
    # It is not the limits that forbid it.
    attacks open --no-sandbox
    grep -q SUCCEEDED heard
    attacked=$top/build/attack/smtp-handler
    on_old_kernel
    grep -q 'connection .* unconfined=Landlock ' log
}

@test "So an attacker who takes it over, by any fault in a parser, can talk to that client, and ask the runner for what any client may ask for" {
    export ATTACK
    local SMTP_HANDLER=$attacked
    attacks wish --dsn
    [ "$(cat heard)" = SUCCEEDED ]
    [ "$(cat delivered)" = x ]
    rm delivered
    for ATTACK in open create execute connect 'send elsewhere' fork trace signal 'map code' 'read parent' 'pass the runner' \
        'pass memory' 'flood with descriptors' 'guess passwords' 'pretend to be a proxy' 'deliver elsewhere'; do
        seen_through "$ATTACK"
        [ ! -s heard ]
    done
    for way in start_handler start_listener; do
        for ATTACK in open create execute connect; do
            "$way"
            [ -z "$(cat <"/dev/tcp/127.0.0.1/$port")" ]
            eventually grep -q 'ended by signal 31' background
            end_started
            started=()
            rm background
        done
    done
    [ ! -e captured ]
}

@test "The runner treats each record as hostile" {
    distrusted 'deliver at once' 'operation out of order'
    distrusted 'deliver nothing' 'operation out of order'
    distrusted 'acknowledge nothing' 'nothing to acknowledge' --done-list list
    for attack in 'forge helo' 'forge envid' 'forge ret' 'forge UTF-8 sender'; do
        distrusted "$attack" 'malformed sender' --dsn
    done
    for attack in 'forge lines' 'make long' 'name two' 'name no literal' 'forge notify' 'forge orcpt' 'forge UTF-8 recipient'; do
        distrusted "$attack" 'malformed recipient' --dsn
    done
    PROTO=TCP TCPREMOTEIP=192.0.2.1 distrusted 'forge proxy' 'malformed client' --xclient 192.0.2.1
    distrusted 'be certain' 'refused address called acceptable'
    distrusted 'claim success' 'message accepted without a delivery'
    distrusted 'ask for PRDR' 'PRDR not offered'
}

@test "It decides on senders and recipients and keeps them, so that no message goes to a recipient whom it did not accept" {
    distrusted 'deliver elsewhere' 'operation out of order'
    distrusted 'be certain' 'refused address called acceptable'
    distrusted 'deliver to all' 'delivery to the wrong recipients'
    distrusted flood 'too many messages'
    distrusted 'name several' 'too many recipients' --max-recipients 1
    a_try 1
    behind_tls 'defer forever' --auth ./program
    grep -q 'protocol violation by the frontend: AUTH not allowed; see smtp-handler-security(7), DIAGNOSTICS"' log
    [ "$(wc -l <tries)" = 3 ]
    behind_tls 'send behind TLS' --submission --auth ./program
    grep -q 'protocol violation by the frontend: MAIL before AUTH; see smtp-handler-security(7), DIAGNOSTICS"' log
    behind_tls wish --tls required
    grep -q 'protocol violation by the frontend: MAIL before TLS; see smtp-handler-security(7), DIAGNOSTICS"' log
    distrusted 'pretend to be a proxy' 'XCLIENT not permitted'
}

@test "Only work that began within the session timeout prolongs a session, and a frontend that does not end within half a minute after that, or after SIGTERM, is killed" {
    local pids=() name
    # begin NAME ATTACK [OPTION...] COMMAND...
    begin() {
        mkdir "$1"
        (cd "$1" && ATTACK=$2 exec "$attacked" --log stderr "${@:3}" <<<$'QUIT\r' >heard 2>log) 3>&- &
        pids+=($!)
        started+=($!)
    }
    begin late stay --session-timeout 4 true
    begin stopped stay true
    begin working 'go on' --session-timeout 4 sh -c 'sleep 36; cat >delivered'
    eventually grep -q STAYING stopped/heard
    kill "${pids[1]}"
    SECONDS=0
    for pid in "${pids[@]}"; do wait "$pid" || [ $? = 70 ]; done
    [ "$SECONDS" -ge 29 ]
    for name in late stopped; do
        grep -q 'trouble text="the frontend does not end; see smtp-handler-security(7), DIAGNOSTICS"' $name/log
    done
    grep -q 'message result=accepted ' working/log
    grep -q 'protocol violation by the frontend: MAIL after the session timeout; see smtp-handler-security(7), DIAGNOSTICS"' working/log
    [ "$(cat working/delivered)" = x ]
}

@test "A message is delivered once, and only if as many octets are stored as are claimed" {
    distrusted 'claim more' 'message of another size'
    attacks 'deliver twice'
    grep -q 'protocol violation by the frontend: operation out of order; see smtp-handler-security(7), DIAGNOSTICS"' log
    [ "$(cat delivered)" = x ]
}

@test "A wrong record ends both processes; nothing is delivered then, and the log says" {
    # It does not end of itself: the pipe that both hold would stay open.
    attacks 'err and stay' | cat
    distrusted 'err and stay' 'unknown operation'
    distrusted 'claim more' 'message of another size'
}

@test "The frontend can forge only what the client could have sent" {
    export PROTO=TCP TCPREMOTEIP=192.0.2.1
    delivery=("$commands/keep")
    ATTACK=wish "$attacked" --log stderr --dsn "${delivery[@]}" <<<$'QUIT\r' >heard 2>log || [ $? = 70 ]
    [ "$(kept 1)" = x ]
    for variable in CLIENT_HELO=attacker ENVID=forged RET=FULL NOTIFY=NEVER 'ORCPT=rfc822;b@elsewhere.example' \
        CLIENT_ADDRESS=192.0.2.1; do
        kept_environment 1 | grep -qxF "$variable"
    done
    kept_environment 1 | refute grep -E '^(TLS_|CLIENT_USER|AUTH)'
    distrusted 'pretend to be a proxy' 'XCLIENT not permitted'
    distrusted 'claim success' 'message accepted without a delivery'
    distrusted 'forge log' 'operation out of order'
    refute grep FORGED log
}

@test "It can also tell the log of up to ten refusals that never were" {
    attacks 'forge refusals'
    [ "$(grep -c ' from=forged@example.org ' log)" = 10 ]
    distrusted 'flood with refusals' 'too many refusals'
    distrusted 'refuse lines' 'malformed refusal'
}

@test "With --done-list it may hide up to 3216 octets in front of its message from the digest" {
    NUMBER=3217 distrusted hide 'trace too large' --done-list list
    NUMBER=3216 attacks hide --done-list list
    [ "$(wc -c <delivered)" = 3217 ]
    # So the message itself, when it comes, is taken for one that was delivered.
    attacks wish --dsn --done-list list
    [ "$(wc -c <delivered)" = 3217 ]
    grep -q 'message result=accepted .*done=1' log
}

@test "With TLS, tls-relay reads what the client sends, before anybody knows who that is" {
    needs_root 'follow processes that hide'
    trace_all
    serve --tls implicit --auth false
    client <<'END'
client = Client(port, implicit=True)
client.expect("250", "EHLO client.test")
END
    eventually all_have_ended
    relay=$(traces_of '^(read|recv[a-z]*)\(0, "[^"]')
    grep -qE '^execve\("[^"]*/tls-relay"' "$relay"
}

@test "It is confined in the same way when it has loaded its keys, before the first octet of the client" {
    look_inside
    trace_session
    confined_before '^(read|recv[a-z]*)\(0,' "$relay"
    sed -n '1,/PR_SET_SECCOMP/p' "$relay" | grep 'open.*/mx\.key".* = [0-9]'
    sed '1,/PR_SET_SECCOMP/d' "$relay" | refute grep -vE '^(read|recv[a-z]*|write|sendto|shutdown|exit_group)\(|^\+'
    mapfile -t pairs < <(pair mx)
    on_socket -- "${pairs[@]}"
    printf 'EHLO client.test\r\nSTARTTLS\r\n' >&5
    eventually relays
    frontend=$(relays)
    eventually has_filter
    [ "$(descriptors "$frontend" | grep -v '^2 ' | sed 's/:.*//' | xargs)" = '0 socket 1 socket 3 socket 4 socket' ]
    [ "$(limit 'Max open files')" = '5 5' ]
    is_sanitized || [ "$(limit 'Max data size')" = '67108864 67108864' ]
    export ATTACK='map code'
    attacked_relay
    shake_hands | refute grep .
}

@test "It opens no file, may have ten minutes of processor time, and dies with the runner" {
    mapfile -t pairs < <(pair mx)
    on_socket -- "${pairs[@]}"
    printf 'EHLO client.test\r\nSTARTTLS\r\n' >&5
    eventually relays
    frontend=$(relays)
    eventually has_filter
    [ "$(limit 'Max cpu time')" = '600 600' ]
    kill -STOP "$frontend"
    kill -KILL "$runner"
    eventually no_relay_is_left
    for ATTACK in open create; do
        export ATTACK
        attacked_relay
        shake_hands | refute grep .
    done
    [ ! -e captured ]
}

@test "An attacker who takes it over has the key, and the plaintext of this one client, but nothing else of the machine" {
    trace_session
    # Its client is behind the key, and what that says goes through it; of another client's another relay has it.
    grep -q '^sendto(4, "MAIL FROM' "$relay"
    mapfile -t pairs < <(pair mx)
    serve
    client <<'END'
clients = [Client(port), Client(port)]
for one in clients:
    one.starttls()
pids = subprocess.check_output(["pgrep", "-f", "tls-relay .*" + os.environ["BATS_TEST_TMPDIR"] + "/"]).split()
assert len(pids) == 2, pids
if os.getuid() == 0:
    first, second = [{os.readlink("/proc/%d/fd/%s" % (int(pid), name)) for name in ("0", "1", "4")} for pid in pids]
    assert not first & second, (first, second)
END
    for ATTACK in open execute connect signal 'read parent'; do
        export ATTACK
        attacked_relay
        shake_hands | refute grep .
        eventually grep -q 'handshake client=' background
        rm background
    done
    [ ! -e captured ]
}

@test "A superserver that speaks UCSPI-TLS has a relay of its own, which we do not confine" {
    port=$(free_port)
    delivery=("$SMTP_HANDLER" --log stderr --require-sandbox true)
    in_background "$commands/ucspi-tls" "$port" "$certificates/mx.crt" "$certificates/mx.key" "${delivery[@]}"
    eventually grep -q listening background
    client "${started[-1]}" <<'END'
client = Client(port)
client.starttls()
with open("/proc/%s/status" % arguments[0]) as file:
    assert "Seccomp:\t0\n" in file.read()
assert subprocess.call(["pgrep", "-f", "tls-relay .*" + os.environ["BATS_TEST_TMPDIR"] + "/"]) == 1
client.expect("221", "QUIT")
END
    eventually grep -q 'connection .* ended=quit' background
    refute grep unconfined background
}

@test "A keeper reads nothing that a client sends: of each request it takes an octet and one or three descriptors" {
    needs_root 'follow processes that hide'
    start_keeper "$certificates"/mx.{crt,key}
    in_background traced -qq -o trace -s 100 -p "$(pgrep -f "tls-relay --keep $certificates/mx.crt")"
    eventually test -s trace
    start_handler --tls-relay "$PWD/keeper"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("250", "NOOP MARKER")
client.expect("221", "QUIT")
END
    eventually grep -q 'SIGCHLD' trace
    grep -q 'recvmsg(3, {.*msg_iov=\[{iov_base="\.", iov_len=1}\].*cmsg_type=SCM_RIGHTS' trace
    refute grep -E '^(recvmsg|recvfrom|recv|read)\([^3]' trace
    refute grep -E '^(recvfrom|recv|read)\(' trace
    refute grep MARKER trace
}

@test "It is confined before it loads a key: it may read the directories of its files and the libraries" {
    needs_root 'follow processes that hide'
    is_sanitized && skip 'a sanitizer does more than that'
    mkdir keys
    cp "$certificates"/mx.{crt,key} keys
    traced -y -o trace "$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay" --keep "$PWD"/keys/mx.{crt,key} 3</dev/null ||
        true
    # What may be read, or executed, is on this list; what the system lacks of it is not.
    sed -n 's/^landlock_add_rule(.*parent_fd=[0-9]*<\([^>]*\)>.*/\1/p' trace | sort -u >opened
    grep -qxF "$PWD/keys" opened
    refute grep -vxE "$PWD/keys|(/usr)?/lib(64|32)?(/.*ld-.*)?|/etc/ld.so.cache|.*/tls-relay" opened
    awk '/^landlock_restrict_self.* = 0/ { rules = 1 } /SECCOMP_(SET_)?MODE_FILTER.* = 0/ { filter = 1 }
        /^openat.*mx.key/ { exit !(rules && filter) }' trace
    for call in socket connect bind ptrace process_vm_readv kill pidfd_send_signal; do
        refute grep -qx "    \"$call\"," <(sed -n '/keeper\[\]/,/};/p; /relay\[\]/,/};/p' "$top/handler/filter.c")
    done
}

@test "A relay that it started is confined once more, and has no way back: it can neither ask, execute, signal nor look into its keeper" {
    needs_root 'look into a keeper'
    with_attacked_keeper <<'END'
for name in "ask the keeper", "execute itself", "signal", "kill", "open parent", "read parent", "trace":
    keeper, heard = attack(name)
    assert heard == "", (name, heard)
    eventually(lambda: "was ended by signal 31" in said())
    assert keeper.look() == b"R\0", name
    keeper.process.kill()
keeper = Keeper(*pair("mx"))
it, (kept,) = keeper.relay(), keeper.relays()
def filters(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(file.read().split("Seccomp_filters:")[1].split()[0])
assert filters(kept) == filters(keeper.process.pid) + 1
assert attack("ask by what it has", "--no-sandbox")[1] == "FAILED\n"
END
}

@test "password-check reads name and password, and the file of hashes, in a process of its own, which is confined when the file is open" {
    trace_session
    [ "$judge" != "$password" ]
    grep -q "^clone.* = ${judge#*.}$" "$password"
    [ "$(traces_of '^read\([0-9]*, "alice\\0')" = "$judge" ]
    grep -q '^open.*/passwords", O_RDONLY' "$password"
    refute grep -q '^open.*/passwords' "$judge"
    confined_before '^read\([0-9]*, "alice' "$judge"
    grep -qF 'RLIMIT_CPU, {rlim_cur=60, rlim_max=60}' "$judge"
    sed '1,/PR_SET_SECCOMP/d' "$judge" | refute grep -vE '^(read\(|write\(4, .* = 1$|exit_group\()|^\+'
    for attack in open create execute connect fork trace signal 'map code' 'read parent'; do
        run attack_password "$attack"
        [ "$status" = 111 ]
        grep -q 'ended by signal 31' said
    done
    [ ! -e captured ]
}

# The process that judges, of a password program that the test started, has begun.
judges() { frontend=$(pgrep -P "$(pgrep -of "^$PASSWORD_CHECK $PWD/slow")") && has_filter; }

@test "An attacker who takes it over can say that the password is right, and has the hashes, but can hand them to nobody" {
    printf 'alice:%s\n' "$(hashed other)" >users
    printf 'alice\0wrong\0now\0' | ATTACK=accept "$top/build/attack/helpers/password-check" users 3<&0 </dev/null
    look_inside
    echo "alice:$(hashed x | sed 's/\$6\$/&rounds=90000000$/')" >slow
    serve --auth "$PASSWORD_CHECK $PWD/slow"
    in_background python3 -c 'import sys; from client import *
client = Client(sys.argv[1])
client.starttls()
client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==")' "$port"
    eventually judges
    # Whatever it has open is for reading, or goes nowhere, but for an octet that tells of its sandbox.
    for file in /proc/"$frontend"/fd/*; do
        is_sanitized && [ "${file##*/}" = 2 ] || [ "${file##*/}" = 4 ] || [ "$(readlink "$file")" = /dev/null ] ||
            grep -qx 'flags:.*0' "/proc/$frontend/fdinfo/${file##*/}"
    done
    kill "$frontend"
}

@test "Another password program confines itself, or is not confined" {
    printf '#!/bin/sh\ngrep -x "Seccomp:.0" /proc/self/status >>judged && echo >written\n' >program
    chmod +x program
    serve --require-sandbox --auth ./program
    client <<'END'
client = Client(port)
client.starttls()
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.expect("221", "QUIT")
END
    [ -s judged ]
    [ -e written ]
    eventually grep -q 'connection .* ended=quit' background
    refute grep unconfined background
}

# with_password COMMAND...: it runs as another user and is to read a password from descriptor 3; it is $reader.
with_password() {
    [ -p password ] || mkfifo -m 666 password
    exec 7<>password # so that nobody waits
    printf 'alice\0secret\0now\0' >&7
    as_another "$@" 3<password 7>&- >>background 2>&1 </dev/null &
    started+=($!)
    eventually pgrep -P $! -x "${1##*/}" # no longer a shell that is to become it
    reader=$(pgrep -P $! -x "${1##*/}")
}

# What another process of the reader's user gets of the password.
spied() { as_another timeout 60 head -c 12 "/proc/$reader/fd/3" | tr '\0' ' '; }

spies_password() { [ "$(spied)" = 'alice secret' ]; }
spies_nothing() {
    [ -e "/proc/$reader" ] && ! as_another head -c 1 "/proc/$reader/maps" && ! as_another test -e "/proc/$reader/fd/3"
}

@test "Processes that COMMAND leaves behind run as the same user, and could open descriptor 3 of a password program" {
    trace_session
    refute grep -E '^set(re|res|fs)?[ug]id' "$run_command" "$password" # both are as the runner is
    with_password sleep 60
    eventually spies_password
}

@test "password-check forbids that (PR_SET_DUMPABLE) as soon as it runs" {
    echo "alice:$(hashed x | sed 's/\$6\$/&rounds=90000000$/')" >users
    chmod 644 users
    with_password "$PASSWORD_CHECK" users
    eventually spies_nothing
    trace_session
    sed '1,/PR_SET_DUMPABLE, SUID_DUMP_DISABLE/d' "$password" | grep -q '^open.*/passwords"'
}

# without_steps MODE: a password-check of that mode, none of whose own steps against being looked into does anything.
without_steps() {
    cp "$top/helpers/password-check" "judge$1"
    chmod "$1" "judge$1"
    strace -D -f -u nobody -qq -o /dev/null -e trace=prctl -e inject=prctl:retval=0 "./judge$1" users 3<password 7>&- &
    reader=$!
    started+=("$reader")
    eventually grep -q "^judge$1$" "/proc/$reader/comm"
}

@test "If that user may execute but not read it, as it is installed (mode 711), it is protected from its execution on" {
    look_inside
    chmod 711 "$BATS_RUN_TMPDIR"
    : >users
    mkfifo password
    exec 7<>password # in which nothing comes
    without_steps 711
    refute as_another head -c 1 "/proc/$reader/maps"
    without_steps 755
    as_another head -c 1 "/proc/$reader/maps"
    make -n -C "$top" install DESTDIR="$PWD/root" | grep -q 'install -m 711 .*password-check\|chmod 711 .*password-check'
}

@test "Another password program is open to them for its whole run, unless it does the same" {
    with_password sleep 60
    eventually spies_password
    with_password python3 -c 'import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
time.sleep(60)'
    eventually spies_nothing
}

@test "smtp-handler needs no privilege but its descriptors" {
    delivery=(sh -c 'cat >/dev/null; grep -h ^Cap[EP] /proc/self/status | tr -d "\n"')
    one_message | sed 's/$/\r/' | as_another setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
        "$SMTP_HANDLER" --domain example.org --newlines strict --require-sandbox --log stderr "${delivery[@]}" >replies 2>log
    grep -q '^250 2.0.0 CapPrm:.0*CapEff:.0*.$' replies
    refute grep -E 'trouble|unconfined' log
}

# For a shell: looks into the process $1, and says what can be seen.
looker='for name in mem maps environ fd/0; do
        (exec <"/proc/$1/$name") 2>/dev/null && echo "read $name" && return
    done
    timeout 60 strace -qq -o /dev/null -p "$1" 2>&1 | grep -q "not permitted" || echo "traced $1"'

@test "COMMAND runs as that user, too, but as soon as the runner and a listener have begun, only root can trace them, look into their memory or take their descriptors, and they leave no core dump" {
    [ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups)
    delivery=(sh -c "cat >/dev/null; look() { $looker; }; "'
        look $PPID; look $(ps -o ppid= $PPID); echo "looked, as $(id -u) as $(ps -o uid= $PPID)"')
    start_listener
    client <<'END'
import re
client = Client(port)
client.expect("250", "HELO client.test")
reply = client.send_message()
assert re.fullmatch(r"250 2.0.0 looked, as (\d+) as +\1", reply), reply
END
    # Nor is there a core, as of one that may be looked into, if the machine keeps them.
    ( ulimit -c "$(ulimit -H -c)" && python3 - "$SMTP_HANDLER" <<'END'
import os, resource, signal, subprocess, sys
def dumps(*options):
    process = subprocess.Popen([sys.argv[1], "--log", "none", *options, "true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGQUIT)
    status = os.waitpid(process.pid, 0)[1]
    return os.WCOREDUMP(status)
assert not dumps()
END
    )
}

@test "The message on standard input of COMMAND cannot be executed" {
    one_message | sed 's:^Subject.*:#!/bin/sh:; s:^body:echo executed:' >said
    sed 's/$/\r/' said >small
    awk '/^echo/ { for (i = 0; i < 200000; i++) print "# more" } { print }' said | sed 's/$/\r/' >large
    for size in small large; do
        delivery=(sh -c 'exec /proc/self/fd/0')
        handler --no-trace <$size >replies
        grep -q '^451 4.3.0 ' replies
        grep -q 'Permission denied' log
        delivery=(sh -c 'cat >copy; chmod +x copy; exec ./copy')
        handler --no-trace <$size | grep -q '^250 2.0.0 executed'
    done
}

@test "Only tls-relay loads a TLS key, and only the password program reads passwords, but these two, smtp-handler and COMMAND run as one user" {
    trace_session
    [ "$(traces_of '^open.*/mx\.key"')" = "$relay" ]
    [ "$(traces_of '^open.*/passwords"')" = "$password" ]
    [ "$(traces_of '"alice:')" = "$judge" ]
    refute traces_of '^set(re|res|fs)?[ug]id'
    mapfile -t pairs < <(pair mx)
    delivery=(sh -c 'cat >/dev/null; ps -o uid= -p "$PPID,$$,$(pgrep -d, -P "$PPID")" | sort -u | wc -l')
    serve
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message() == "250 2.0.0 1"
END
}

@test "From the first run of COMMAND on Landlock closes these files in CREDENTIALS_DIRECTORY to it, whatever the client did before, with or without TLS" {
    serve_credentials mx --xclient 127.0.0.1
    says_closed 'HELO c' 'EHLO c' 'XCLIENT HELO=c PROTO=SMTP' 'EHLO c|XCLIENT HELO=c PROTO=ESMTP'
    client <<'END'
client = Client(port)
client.starttls()
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
for _ in range(2):
    assert client.send_message() == "250 2.0.0 tls.crt token"
END
    serve_credentials mx --tls-cert "$PWD/credentials/tls.crt" --tls-key "$PWD/credentials/own"
    mv credentials/tls.key credentials/own
    sed -i 's/passwords token/passwords own token/' tell
    says_closed 'EHLO c' 'HELO c'
}

@test "It cannot read files either that are made later in the directories above them" {
    serve_credentials mx
    mkdir elsewhere
    cat >tell <<'END'
#!/bin/sh
cat >/dev/null
for name in credentials/token credentials/later later elsewhere/later; do
    cat "$0.d/../$name" 2>/dev/null >&2 && printf "$name "
done
exit 0
END
    mkdir tell.d
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
reply = client.send_message()
assert reply == "250 2.0.0 credentials/token", reply
for name in "credentials/later", "later", "elsewhere/later":
    open(name, "w").close()
reply = client.send_message()
assert reply == "250 2.0.0 credentials/token elsewhere/later", reply
END
}

# reads WHAT: a message's reply tells that the command can read these.
reads() {
    client "$1" <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
reply = client.send_message()
assert reply == "250 2.0.0 " + arguments[0], reply
END
}

# on_kernel INJECTION: as on one for which strace(1) injects so.
on_kernel() {
    printf '#!/bin/sh\nASAN_OPTIONS=detect_leaks=0 exec strace -D -f -qq -o /dev/null -e trace=%s -e inject=%s %s "$@"\n' "${1%%:*}" "$1" "$untraced" >kernel
    chmod +x kernel
    SMTP_HANDLER=$PWD/kernel
}

@test "This is done only if no_new_privs is set, as the units do" {
    untraced=$SMTP_HANDLER
    serve_credentials mx
    reads 'tls.crt token'
    sed -i 's/ setpriv --no-new-privs / /' start
    reads 'tls.crt tls.key passwords token'
    for injection in landlock_create_ruleset:retval=1:when=1 landlock_create_ruleset:error=ENOSYS; do
        on_kernel "$injection"
        serve_credentials mx
        reads 'tls.crt tls.key passwords token'
    done
    refute grep trouble background
    grep -h '^NoNewPrivileges=' "$top"/units/*.service | sort -u | grep -qx NoNewPrivileges=yes
}

@test "If the rules cannot be made, the message is deferred, with the trouble in the log" {
    untraced=$SMTP_HANDLER
    on_kernel landlock_add_rule:error=ENOMEM
    serve_credentials mx
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
reply = client.send_message()
assert reply.startswith("451 4.3.0"), reply
END
    grep -q 'trouble text="Landlock: Cannot allocate memory; see smtp-handler-security(7), KEYS AND PASSWORDS"' background
}

@test "A copy of a file is another file, and so is one in a lower layer of an overlay" {
    serve_credentials mx
    cp credentials/passwords credentials/token
    says_closed 'HELO c' # which finds the copy readable
    needs_root 'mount'
    mkdir -p lower/credentials merged
    cp credentials/passwords lower/credentials
    one_message | sed 's/$/\r/' >message
    # shellcheck disable=SC2016 # the shell's own
    unshare --mount sh -ec 'mount -t overlay overlay -o "lowerdir=$PWD/lower:$PWD/credentials" merged
        CREDENTIALS_DIRECTORY=$PWD/merged/credentials exec setpriv --no-new-privs "$0" --domain example.org \
            --auth "true $PWD/merged/credentials/passwords" sh -c "cat merged/credentials/passwords || cat lower/credentials/passwords"' \
        "$SMTP_HANDLER" <message >said 2>log
    grep '^250 2.0.0 alice:' said
    grep -q 'command .*text="cat: merged/credentials/passwords: Permission denied"' log
}

@test "Files elsewhere are not closed so: COMMAND can read a key that --tls-key names whenever tls-relay can" {
    mapfile -t pairs < <(pair mx)
    serve_credentials mx "${pairs[@]}"
    printf '#!/bin/sh\ncat >/dev/null; cat "$CREDENTIALS_DIRECTORY/tls.key" >&2 || cat %s >/dev/null && echo elsewhere\n' "${pairs[3]}" >tell
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message() == "250 2.0.0 elsewhere"
END
}

@test "A keeper behind --tls-relay can be of another user, as that of the units is: then neither smtp-handler nor COMMAND can read the key, whatever the kernel has" {
    needs_root 'become another user'
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
    cp "$certificates"/mx.{crt,key} .
    chmod 600 mx.key
    start_keeper "$PWD"/mx.{crt,key}
    chmod 666 keeper
    delivery=(sh -c "cat $PWD/mx.key >/dev/null && echo open")
    port=$(free_port)
    in_background setpriv --reuid nobody --clear-groups strace -D -f -qq -o /dev/null -e trace=landlock_create_ruleset \
        -e inject=landlock_create_ruleset:error=ENOSYS "$SMTP_HANDLER" --listen "127.0.0.1:$port" --domain example.org \
        --log stderr --tls-relay "$PWD/keeper" -- "${delivery[@]}"
    eventually is_listening "$port"
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("451"), "it could read the key"
END
    grep -q 'command .*mx.key: Permission denied' background
    grep -qx User=smtp-handler-tls "$top/units/tls-relay.service"
    grep -l '^LoadCredential=.*tls.key' "$top"/units/* | grep -qx "$top/units/tls-relay.service"
}

@test "But COMMAND can ask it for a handshake, as smtp-handler does, though never read the key" {
    start_keeper "$certificates"/mx.{crt,key}
    cat >ask <<'END'
import socket, sys
sys.path.insert(0, sys.argv[1])
from client import anyone
pairs = [socket.socketpair() for _ in range(3)]
at = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
at.connect("keeper")
socket.send_fds(at, [b"."], [its.fileno() for _, its in pairs])
client, control, _ = [ours for ours, _ in pairs]
for _, its in pairs:
    its.close()
assert control.recv(100)[:1] == b"R"
control.send(b"Y")
print(anyone().wrap_socket(client, server_hostname="mx.test").version())
END
    delivery=(python3 ask "$commands")
    start_handler --tls-relay "$PWD/keeper"
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message() == "250 2.0.0 TLSv1.3"
END
}

# relay_without_steps MODE: as without_steps, a tls-relay.
relay_without_steps() {
    cp "$top/helpers/tls-relay/tls-relay" "relay$1"
    chmod "$1" "relay$1"
    [ -p pair ] || mkfifo -m 666 pair # in which nothing comes
    strace -D -f -u nobody -qq -o /dev/null -e trace=prctl -e inject=prctl:retval=0 "./relay$1" pair pair 3>/dev/null &
    reader=$!
    started+=("$reader")
    eventually grep -q "^relay$1$" "/proc/$reader/comm"
}

@test "If that user may execute but not read tls-relay, as it is installed (mode 711), nothing which COMMAND left behind can look into it, also before it has begun" {
    look_inside
    chmod 711 "$BATS_RUN_TMPDIR"
    relay_without_steps 711
    refute as_another head -c 1 "/proc/$reader/maps"
    kill -KILL "$reader" # SIGTERM would not end it
    relay_without_steps 755
    as_another head -c 1 "/proc/$reader/maps"
    kill -KILL "$reader"
    make -n -C "$top" install DESTDIR="$PWD/root" | grep -q 'chmod 711 .*tls-relay'
}
