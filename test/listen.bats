load helper
load certificates

# The program that binds its sockets itself, by --listen.

me=$(id -un)

# listen OPTION...: it serves as they say; its log is the file `background`, its process $listener.
listen() {
    : >background
    in_background "$SMTP_HANDLER" --user "$me" --domain example.org --log stderr "$@" -- "${delivery[@]}"
    listener=${started[-1]}
    eventually grep -q '^listening on ' background
}

# address N: what the Nth line says that we listen on.
address() { sed -n 's/^listening on //p' background | sed -n "${1}p"; }

# client FILE-DESCRIPTOR: connects it to the first port and waits for the greeting, left in $greeting.
client() {
    eval "exec $1<>/dev/tcp/127.0.0.1/$(address 1 | sed 's/.*://')"
    read -r greeting <&"$1"
}

send_to() {
    echo x | curl --silent --show-error --crlf --url "smtp://$1" --mail-from s@example.net --mail-rcpt user@example.org --upload-file -
}

# greeting_at PATH: what a client of the Unix socket gets.
greeting_at() {
    python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1]); print(s.recv(100).decode())' "$1"
}

is_gone() { ! kill -0 "$listener"; }

# fails STATUS TEXT OPTION...: it ends at once with that status, that line, and nothing else.
fails() {
    local status=$1 text=$2 ended=0
    shift 2
    timeout 100 "$SMTP_HANDLER" "$@" >said 2>&1 </dev/null || ended=$?
    without_pages <said | diff - <(echo "smtp-handler: $text")
    [ "$ended" = "$status" ]
}

@test "--listen with port 0 says which port it has got, and serves it" {
    listen --listen 127.0.0.1:0
    grep -Eqx 'listening on 127\.0\.0\.1:[1-9][0-9]*' background
    for _ in 1 2; do send_to "$(address 1)"; done
    [ "$(kept_count)" = 2 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=127.0.0.1
    eventually sh -c '[ "$(grep -c "message result=accepted .*client=127.0.0.1" background)" = 2 ]'
}

@test "--listen may be repeated: IPv4, IPv6 on the same port, and a Unix socket" {
    port=$(free_port)
    listen --listen "127.0.0.1:$port" --listen="[::1]:$port" --listen ./socket
    diff background - <<END
listening on 127.0.0.1:$port
listening on [::1]:$port
listening on ./socket
END
    send_to "127.0.0.1:$port"
    send_to "[::1]:$port"
    kept_environment 2 | grep -qx CLIENT_ADDRESS=::1
    greeting_at socket | grep -q ^220
}

@test "an IPv6 address takes no client of IPv4, so that both may be given" {
    port=$(free_port)
    listen --listen "0.0.0.0:$port" --listen "[::]:$port"
    send_to "127.0.0.1:$port"
    send_to "[::1]:$port"
    [ "$(kept_count)" = 2 ]
}

@test "nothing of --listen is left to sessions, whatever descriptors are closed" {
    delivery=(sh -c 'tr "\0" " " <"/proc/$PPID/cmdline" >"$KEPT/words"; ls -l /proc/$PPID/fd >"$KEPT/descriptors"')
    "$SMTP_HANDLER" --listen 127.0.0.1:0 --no-sandbox --max-errors 7 "--user=$me" --domain example.org --log stderr -- "${delivery[@]}" \
        <&- >&- 2>background 3>&- &
    started+=($!)
    eventually grep -q '^listening on ' background
    send_to "$(address 1)"
    grep -q -- ' --max-errors 7 --domain example.org --log stderr -- sh -c ' "$KEPT/words"
    [ "$(grep -c socket: "$KEPT/descriptors")" = 3 ] # the connection, twice, and the frontend's
}

@test "a port that is taken is named, with the status 71" {
    listen --listen 127.0.0.1:0
    taken=$(address 1)
    fails 71 "listen $taken: Address already in use" --listen ./socket --listen "$taken" --user "$me" true
    [ ! -e socket ]
    fails 71 'listen nowhere/socket: No such file or directory' --listen nowhere/socket --user "$me" true
    fails 71 'listen ./: Address already in use' --listen ./ --user "$me" true
    fails 71 'listen 192.0.2.1:2525: Cannot assign requested address' --listen 192.0.2.1:2525 --user "$me" true
}

@test "a Unix socket that nobody listens on makes room; one that is in use, or another file, does not" {
    listen --listen "$PWD/socket"
    fails 71 "listen $PWD/socket: Address already in use" --listen "$PWD/socket" --user "$me" true
    greeting_at socket | grep -q ^220
    kill -KILL "$listener"
    wait "$listener" || true
    [ -S socket ]
    listen --listen "$PWD/socket"
    greeting_at socket | grep -q ^220
    kill "$listener"
    wait "$listener"
    [ ! -e socket ]
    listen --listen "$PWD/socket"
    rm socket
    echo precious >socket
    kill "$listener"
    wait "$listener"
    fails 71 "listen $PWD/socket: Address already in use" --listen "$PWD/socket" --user "$me" true
    grep -qx precious socket
}

@test "of those that start at once on one Unix socket one listens, and the others say that it is in use" {
    cat >race.py <<'END'
import os, socket, subprocess, sys, time
def stale():
    if os.path.exists("socket"):
        os.unlink("socket")
    socket.socket(socket.AF_UNIX).bind("socket")
def begin(number, *before):
    said = open("said%d" % number, "w+")
    return subprocess.Popen([*before, *sys.argv[1:]], stdin=subprocess.DEVNULL, stderr=said), said
def heard(said):
    said.seek(0)
    return said.read()
def one_listens(processes):
    """Waits until all have decided."""
    until = time.monotonic() + 60
    while not all(process.poll() is not None or "listening on ./socket" in heard(said) for process, said in processes):
        assert time.monotonic() < until
        time.sleep(0.02)
    serving = [process for process, said in processes if process.poll() is None]
    said = [heard(said) for process, said in processes]
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect("./socket")
    assert client.recv(3) == b"220"
    client.close()
    for process in serving:
        process.terminate()
    for process, said_by_it in processes:
        assert process.wait(60) == (0 if process in serving else 71), heard(said_by_it)
    assert len(serving) == 1, said
    assert [text for text in said if "in use" in text] == [
        "smtp-handler: listen ./socket: Address already in use; see smtp-handler(8), LISTENING\n"] * (len(processes) - 1), said
    assert not [name for name in os.listdir() if name.startswith("socket")]
def late(call):
    return ("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=/^%s(at)?$" % call,
            "-e", "inject=/^%s(at)?$:delay_enter=300000" % call)
stale()
one_listens([begin(i) for i in range(50)])
for call in "unlink", "bind", "listen":
    stale()
    one_listens([begin(i, *late(call)) for i in range(3)])
END
    python3 race.py "$SMTP_HANDLER" --user "$me" --log none --listen ./socket true
}

@test "what is no address is refused, with an example of one" {
    for wrong in localhost:25 127.0.0.1 127.0.0.1: :25 25 127.0.0.1:65536 127.0.0.1:smtp ::1:25 '[::1]' '[127.0.0.1]:25' \
        1.2.3:25 127.0.0.1:+25 '[::1:25' "/$(printf %0108d 0)" '' 127.0.0.1:25:25; do
        fails 64 "option listen: '$wrong' is not ADDRESS:PORT, as 127.0.0.1:2525 or [::1]:25, or a path with /; up to 16 times" \
            --listen "$wrong" true
    done
    # shellcheck disable=SC2046 # words
    timeout 100 "$SMTP_HANDLER" $(printf -- '--listen ./%d ' {1..17}) true >said 2>&1 || [ $? = 64 ]
    grep -q "'./17' is not" said
    fails 64 'option user needs --listen; otherwise the caller of smtp-handler chooses the user' --user "$me" true
}

# cannot_work TEXT OPTION...: it ends with 78 and that line, and leaves nothing bound.
cannot_work() {
    local text=$1
    shift
    fails 78 "$text" --listen "127.0.0.1:$port" --listen ./socket --user "$me" "$@"
    [ ! -e socket ]
    refute is_listening "$port"
}

@test "what could not work is said before a client comes, and nothing stays bound" {
    port=$(free_port)
    cannot_work 'delivery command /proc/nowhere/command: no such program' /proc/nowhere/command
    cannot_work 'option recipients: /proc/nowhere: No such file or directory' --recipients /proc/nowhere true
    cannot_work 'option tls-cert: /proc/nowhere: No such file or directory' --tls-cert /proc/nowhere --tls-key /proc/nowhere true
    cannot_work 'option auth: password program /proc/nowhere: no such program' --auth /proc/nowhere true
    echo 'max-size big' >config
    cannot_work "config:1: option max-size: 'big' is not a number of octets such as 26214400, 25600K, 25M or 1G" --config config true
}

@test "SIGTERM to who listens itself lets a running delivery end and be answered, and frees the port at once" {
    delivery=(sh -c 'touch "$KEPT/running"; until [ -e "$KEPT/go" ]; do sleep 0.02; done')
    listen --listen 127.0.0.1:0 --listen ./socket
    client 8
    client 9
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\n' >&9
    eventually test -e "$KEPT/running"
    taken=$(address 1) draining=$listener
    kill "$listener"
    grep -q '^421 4.3.2' <&8
    eventually test ! -e socket
    listen --listen "$taken" --listen ./socket # the next may begin meanwhile, and keeps its file
    touch "$KEPT/go"
    from_wire <&9 | tail -2 | cut -c1-9 | diff - <(printf '250 2.0.0\n421 4.3.2\n')
    wait "$draining"
    greeting_at socket | grep -q ^220
}

# admitted FILE-DESCRIPTOR: a client is let in there.
admitted() { client "$1" && grep -q '^220 ' <<<"$greeting"; }

@test "SIGHUP makes who listens itself read its options again, on the same sockets" {
    echo 'max-connections 1' >config
    listen --listen 127.0.0.1:0 --config config
    client 7
    client 8
    grep -q '^421' <<<"$greeting"
    echo 'max-connections 2' >config
    kill -HUP "$listener"
    eventually admitted 8
    [ "$(grep -c '^listening on ' background)" = 1 ]
}

@test "who listens itself exits after --idle-exit" {
    listen --listen 127.0.0.1:0 --idle-exit 1
    client 9
    exec 9>&-
    eventually is_gone
    wait "$listener"
}

@test "--check binds nothing of --listen" {
    listen --listen 127.0.0.1:0
    [ "$("$SMTP_HANDLER" --check --user "$me" --listen "$(address 1)" --listen ./socket true | tail -1)" = ok ]
    [ ! -e socket ]
}

# bats test_tags=libsystemd
@test "--listen beside a socket that was handed in is an error" {
    said='smtp-handler: option listen: a socket was handed to us, too; see smtp-handler(8), LISTENING'
    port=$(free_port)
    in_background systemd-socket-activate -l "127.0.0.1:$port" "$SMTP_HANDLER" --listen 127.0.0.1:0 --user "$me" true
    eventually is_listening "$port"
    wait "${started[-1]}" || [ $? = 64 ]
    grep -qx "$said" background
    : >background
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --listen 127.0.0.1:0 --user "$me" true
    eventually is_listening "$port"
    eventually grep -qx "$said" background
}

@test "--listen serves beside a pipe, a file or a pair of sockets on standard input" {
    python3 - "$SMTP_HANDLER" "$me" <<'EOF'
import socket, subprocess, sys
ours, theirs = socket.socketpair()
for stdin in (subprocess.PIPE, theirs, open(sys.argv[1])):
    with subprocess.Popen([sys.argv[1], "--listen", "127.0.0.1:0", "--user", sys.argv[2], "true"],
                          stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        where = server.stderr.readline().replace("listening on ", "").strip().rsplit(":", 1)
        assert socket.create_connection(where, 60).recv(3) == b"220"
        server.terminate()
        assert server.stdout.read() == ""
EOF
}

@test "root must say who serves" {
    needs_root 'become another user'
    mend='listen as root: say who serves with --user NAME, or that root does with --user root'
    fails 64 "$mend" --listen ./socket true
    [ ! -e socket ]
    timeout 100 "$SMTP_HANDLER" --check --listen ./socket true >said 2>&1 || [ $? = 64 ]
    grep -qF "$mend" said
    fails 64 'option user: no such user: nobody-at-all' --listen ./socket --user nobody-at-all true
    me=root listen --listen 127.0.0.1:0
    send_to "$(address 1)"
}

@test "only root can become another user; who it is already needs no --user" {
    another=()
    [ "$(id -u)" != 0 ] || another=(setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups)
    "${another[@]}" "$SMTP_HANDLER" --listen 127.0.0.1:0 --user root true >said 2>&1 || [ $? = 64 ]
    grep -qx 'smtp-handler: option user: only root can become root; see smtp-handler(8), LISTENING' said
    for options in '' "--user $("${another[@]}" id -un)"; do
        : >background
        # shellcheck disable=SC2086 # two words
        in_background "${another[@]}" "$SMTP_HANDLER" --listen 127.0.0.1:0 $options true
        eventually grep -q '^listening on ' background
    done
}

@test "--user gives up root behind the bind, for good, and takes all groups of the user" {
    needs_root 'become another user'
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
    chown daemon kept
    cat >run <<'END'
ip link set lo up
"$1" --listen 127.0.0.1:25 --user daemon --domain example.org --log stderr sh -c '
    grep -hE "^(Uid|Gid|Groups|CapPrm|CapEff):" /proc/self/status "/proc/$PPID/status" | tr -s "\t " " " >"$KEPT/rights"
    echo "$HOME $USER $LOGNAME" >"$KEPT/names"' 2>log &
until grep -q "^listening" log; do kill -0 $!; sleep 0.02; done
echo x | curl --silent --show-error --crlf --url smtp://127.0.0.1 --mail-from s@example.net --mail-rcpt user@example.org --upload-file -
grep Uid /proc/$!/status >listener
kill $!
wait $!
END
    HOME=/root unshare -n sh -e run "$SMTP_HANDLER"
    user=$(id -u daemon) group=$(id -g daemon)
    for _ in 1 2; do
        printf '%s\n' "Uid: $user $user $user $user" "Gid: $group $group $group $group" "Groups: $(id -G daemon) " \
            'CapPrm: 0000000000000000' 'CapEff: 0000000000000000'
    done | diff - "$KEPT/rights"
    tr '\t' ' ' <listener | grep -qx "Uid: $user $user $user $user"
    [ "$(cat "$KEPT/names")" = "$(getent passwd daemon | cut -d: -f6) daemon daemon" ]
}

@test "--user takes a number, of a user that nobody knows, too" {
    needs_root 'become another user'
    delivery=(sh -c 'cat >/dev/null; echo "$(id -u) $(id -G) $HOME"')
    for expected in '4000000000 4000000000 /' "$(id -u daemon) $(id -G daemon) $(getent passwd daemon | cut -d: -f6)"; do
        me=${expected%% *} listen --listen 127.0.0.1:0
        client 9
        one_message | sed 's/$/\r/' >&9
        from_wire <&9 | grep -qx "250 2.0.0 $expected"
    done
    fails 64 'option user: no such user: 4294967295' --listen 127.0.0.1:0 --user 4294967295 true
}

@test "a key or configuration that root alone can read is refused at the start, since each session reads it as the user" {
    needs_root 'become another user'
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
    self_signed mx mx.test
    chmod 600 mx.key
    fails 78 "option tls-key: $PWD/mx.key: Permission denied (as the user nobody)" --listen 127.0.0.1:0 --user nobody --tls-cert "$PWD/mx.crt" \
        --tls-key "$PWD/mx.key" true
    echo 'domain example.org' >config
    chmod 600 config
    fails 78 "$PWD/config: Permission denied (as the user nobody)" --listen 127.0.0.1:0 --user nobody --config "$PWD/config" true
    chown nobody mx.key config
    delivery=(true)
    me=nobody listen --listen 127.0.0.1:0 --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key" --config "$PWD/config"
    client 9
    printf 'EHLO c\r\nQUIT\r\n' >&9
    grep -q STARTTLS <&9
}
