load helper

# wrong STATUS TEXT OPTION...: the handler ends with STATUS, says TEXT on standard error in one
# line, and 421 to the client that waits.
wrong() {
    local status=$1 text=$2
    shift 2
    status_got=0
    printf 'QUIT\r\n' | "$SMTP_HANDLER" "$@" >replies 2>errors || status_got=$?
    [ "$status_got" = "$status" ] || { echo "status $status_got"; cat errors; return 1; }
    without_pages <errors | diff -u <(echo "smtp-handler: $text") -
    from_wire <replies | grep -qE '^421 4.3.5 [^ ]+ Service not available, local configuration error$'
    [ "$(wc -l <replies)" = 1 ]
}

@test "a wrong option is named, and the client gets 421" {
    wrong 64 'unknown option --wrong' --wrong true
    wrong 64 'unknown option -x' -x true
    wrong 64 'option max-errors: '\''many'\'' is not a number from 1 to 1000000000' --max-errors many true
    wrong 64 'option max-errors: '\''0'\'' is not a number from 1 to 1000000000' --max-errors=0 true
    wrong 64 'option max-recipients: '\''1001'\'' is not a number from 1 to 1000' --max-recipients 1001 true
    wrong 64 'option max-size: '\''12T'\'' is not a number of octets such as 26214400, 25600K, 25M or 1G' --max-size 12T true
    wrong 64 'option max-size: '\''18446744073709551615G'\'' is not a number of octets such as 26214400, 25600K, 25M or 1G' --max-size 18446744073709551615G true
    wrong 64 'option hostname: '\''a b'\'' is not a domain name' --hostname 'a b' true
    wrong 64 'option newlines: '\''loose'\'' is not strict, normalize, lenient or auto' --newlines loose true
    wrong 64 'option one-recipient takes no value: it is on if it is there' --one-recipient=yes true
    wrong 64 'option spool needs a value' --spool
    wrong 64 'no delivery command'
    wrong 64 'no delivery command' --
}

@test "of an unknown option the nearest one is named" {
    wrong 64 'unknown option --max-siz (did you mean --max-size?)' --max-siz 5K true
    wrong 64 'unknown option --max_size (did you mean --max-size?)' --max_size=5K true
    wrong 64 'unknown option --MAX-SIZE (did you mean --max-size?)' --MAX-SIZE 5K true
    wrong 64 'unknown option --max-szie (did you mean --max-size?)' --max-szie 5K true
    wrong 64 'unknown option --domains (did you mean --domain?)' --domains example.org true
    wrong 64 'unknown option --ltmp (did you mean --lmtp?)' --ltmp true
    wrong 64 'unknown option --hlp (did you mean --help?)' --hlp
    wrong 64 'unknown option --command' --command true
    wrong 64 'unknown option --port' --port 25 true
    wrong 64 'unknown option --e' --e true
}

@test "an unknown macro is refused at the start" {
    wrong 64 'unknown {nonsense} in the delivery command' true '{nonsense}'
    wrong 64 '{recipients} must be an argument by itself' true 'to={recipients}'
    wrong 64 "{sender} in the delivery command's own name" '{sender}'
}

@test "a macro within a script for an interpreter is refused: the client would write the script" {
    # refused MACRO VARIABLE INTERPRETER WORD...: of the command, at start and by --check.
    refused() {
        local text="$1 within a script for $3: the client would write it; use \"\$$2\" in a script file"
        wrong 64 "$text" "${@:4}"
        check "${@:4}"
        [ "$status" = 64 ]
        grep -qxF "smtp-handler: $text" <<<"$output"
    }
    refused '{sender}' SENDER sh sh -c 'echo {sender}'
    refused '{local}' LOCAL sh sh -c 'cat >x-{local}'
    refused '{user}' RECIPIENT_USER /bin/sh /bin/sh -ec 'cat >"{user}"'
    refused '{sender}' SENDER bash bash -o pipefail -c '{sender}'
    refused '{sender}' SENDER bash bash -c -o pipefail 'echo {sender}'
    refused '{sender}' SENDER dash timeout 60 dash -e -c 'echo {sender}'
    refused '{sender}' SENDER su su -s /bin/true joe -c 'echo {sender}'
    refused '{sender}' SENDER python3.11 env python3.11 -c 'print("{sender}")'
    refused '{sender}' SENDER perl perl -MSocket '-neprint("{sender}")'
    printf 'command sh -c "echo {helo}"\n' >c.conf
    run "$SMTP_HANDLER" --check --config c.conf
    [ "$status" != 0 ]
    grep -qF '{helo} within a script for sh: the client would write it; use "$CLIENT_HELO" in a script file' <<<"$output"
    # What a script gets as an argument is no part of it.
    for command in "sh|-c|:|sh|{sender}" "sh|-c|-e|:|sh|{sender}" "sh|-e|/dev/null|-c|{sender}" \
        "env|true|-c|{sender}" "env|echo|--command={sender}" "su|joe|-c|:|x|{sender}"; do
        IFS='|' read -ra words <<<"$command"
        "$SMTP_HANDLER" "${words[@]}" </dev/null
    done
}

@test "a command that is missing or not executable is named, and what mends it" {
    touch plain
    wrong 78 'delivery command /proc/nowhere/command: no such program' /proc/nowhere/command
    wrong 78 'delivery command plain/command: no such program' plain/command
    wrong 78 'delivery command no-such-command: no such program in PATH' no-such-command
    wrong 78 'delivery command ./plain: not executable (chmod +x)' ./plain
    wrong 78 "delivery command $PWD: Is a directory" "$PWD"
    wrong 78 'delivery command /dev/null: Permission denied' /dev/null
    # shellcheck disable=SC2088 # it is meant as it stands
    wrong 78 'delivery command ~/bin/ticket: no such program; no shell replaces ~ or $' '~/bin/ticket'
    # shellcheck disable=SC2016 # it is meant as it stands
    wrong 78 'delivery command $HOME/bin/ticket: no such program; no shell replaces ~ or $' '$HOME/bin/ticket'
    mkdir first second
    touch first/program
    PATH=$PWD/first:$PWD/second:$PATH wrong 78 'delivery command program: not executable (chmod +x)' program
    printf '#!/bin/sh\n' | tee start.sh >second/program
    chmod 755 start.sh second/program
    wrong 78 'delivery command start.sh: no such program in PATH; for the one in this directory write ./ in front' start.sh
    printf 'QUIT\n' | PATH=$PWD/first:$PWD/second:$PATH "$SMTP_HANDLER" program >replies
    grep -q '^221 ' replies
}

@test "a limit of processes that is reached is said so" {
    cp "$SMTP_HANDLER" handler
    chmod 755 . handler
    refute as_another prlimit --nproc=1 ./handler true </dev/null >replies 2>errors
    diff - errors <<<'smtp-handler: fork: too many processes (TasksMax= of the unit, or ulimit -u)'
}

@test "files and directories that cannot be used are named" {
    wrong 78 'option config: nowhere: No such file or directory' --config nowhere true
    wrong 78 'option recipients: nowhere: No such file or directory' --recipients nowhere true
    wrong 78 '.: Is a directory' --config . true
    wrong 78 'option recipients: .: Is a directory' --recipients . true
    mkfifo pipe # which nobody writes to
    case $SMTP_HANDLER in
    */static/*) wrong 78 'option recipients: pipe: Invalid seek' --recipients pipe true ;; # as musl says it
    *) wrong 78 'option recipients: pipe: Illegal seek' --recipients pipe true ;;
    esac
    wrong 78 'option spool: nowhere: No such file or directory' --spool nowhere true
}

@test "a configuration file sets options, the command line wins" {
    cat >config <<EOF
# a comment
hostname  file.example
domain one.example
domain two.example
  max-size 2M

one-recipient
command "$commands/keep" "two words" plain {sender} ""
EOF
    printf 'EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<x@two.example>\nRCPT TO:<y@one.example>\nDATA\n.\n' >client
    "$SMTP_HANDLER" --config config <client >replies 2>log
    from_wire <replies | grep -qx '250-SIZE 2097152'
    from_wire <replies | grep -q '^220 file.example'
    from_wire <replies | grep -q '^452 4.5.3'
    kept_arguments 1 | diff - <(printf '<two words>\n<plain>\n<a@b>\n<>\n')
    "$SMTP_HANDLER" --config config --hostname line.example --domain three.example true <client >replies 2>log
    from_wire <replies | grep -q '^220 line.example'
    from_wire <replies | grep -c '^550 5.7.1' | grep -qx 2
    [ "$(kept_count)" = 1 ]
}

@test "a wrong line of a configuration file is named by its number" {
    printf 'max-errors 5\nnonsense 5\n' >config
    wrong 78 'config:2: unknown option nonsense' --config config true
    printf '\n\nmax-errors\n' >config
    wrong 78 "config:3: option max-errors: '' is not a number from 1 to 1000000000" --config config true
    printf 'config other\n' >config
    wrong 78 'config:1: option config is for the command line alone' --config config true
    printf 'command "open\n' >config
    wrong 78 'config:1: option command: a double quote is left open' --config config
    printf 'command # none\n' >config
    wrong 78 'config:1: option command: no program is named' --config config
    { printf command; printf ' word%s' {1..65}; echo; } >config
    wrong 78 'config:1: option command: more than 64 words' --config config
    printf 'command true {nonsense}\n' >config
    wrong 78 'config:1: unknown {nonsense} in the delivery command' --config config
    printf 'max-errors 5\n' >config
    wrong 78 'config: no delivery command; add a line: command PROGRAM' --config config
    printf 'one-recipient yes\n' >config
    wrong 78 'config:1: option one-recipient takes no value: it is on if it is there' --config config true
    head -c 40000 /dev/zero | tr '\0' '#' >config
    wrong 78 'config: longer than 32768 octets' --config config true
    printf 'spool /\0\n' >config
    wrong 78 'config: not a text file' --config config true
}

@test "--check says ok, or what is wrong, and serves nothing" {
    printf '@example.org\njoe@example.org\n' >list
    "$SMTP_HANDLER" --check --domain example.org --recipients list --spool . true </dev/null | tail -1 | grep -qx ok
    printf 'joe@example.org\njoe@\n' >list
    check --domain example.org --recipients list true
    [ "$status" = 78 ]
    [ "$output" = "smtp-handler: list:2: 'joe@' is neither local@domain nor @domain" ]
    check /proc/nowhere/command
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: delivery command /proc/nowhere/command: no such program' ]
    check --spool /proc true
    [ "$status" = 78 ]
    [ "${output#smtp-handler: option spool: /proc: }" != "$output" ]
    [ "${output%No such file or directory}" = "$output" ]
    echo 'joe@[127.0.0.1]' >list
    check --recipients list true
    [ "$status" = 78 ]
    echo nonsense >config
    check --config config true
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: config:1: unknown option nonsense' ]
    # A wrong option beside it: no client waits for what only looks.
    printf 'QUIT\r\n' | "$SMTP_HANDLER" --check --wrong true >replies 2>said || [ $? = 64 ]
    refute grep '^421' replies
    [ "$(cat said)" = 'smtp-handler: unknown option --wrong; see --help or smtp-handler.conf(5)' ]
    refute "$SMTP_HANDLER" --check true >/dev/full
    refute "$SMTP_HANDLER" --version >/dev/full
}

@test "--help names every option, --version the version" {
    "$SMTP_HANDLER" --help >help
    for option in config hostname domain recipients policy recipient-check recipient-delimiter max-size \
        max-recipients max-messages max-errors greet-delay strict-pipelining resolve listen user command-timeout data-timeout \
        delivery-timeout filter-timeout session-timeout filter milter \
        min-rate lmtp one-recipient never-refuse message-key newlines line-ending no-trace spool log check help version; do
        grep -qE -- "^  --$option( |\$)" help
    done
    "$SMTP_HANDLER" --version | grep -qE '^smtp-handler [0-9.]+$'
    "$SMTP_HANDLER" -h | diff - help
    "$SMTP_HANDLER" --lmtp -h | diff - help
    "$SMTP_HANDLER" -V | diff - <("$SMTP_HANDLER" --version)
}

@test "--help is in groups, within 80 columns, with an example that works" {
    "$SMTP_HANDLER" --help >help
    refute grep -E '.{80}' help
    refute grep -E ' $' help
    sed '/^A file of options/,$d' help | grep -E '^[A-Z].*:$' | diff - <(printf '%s:\n' 'In general' 'Who receives' Limits Listening Time \
        Delivery 'TLS, users and proxies' Messages 'Running it')
    # Each group begins with an option, and each option stands in one.
    awk 'BEGIN { RS = "" } NR > 2 && /^[A-Z][^\n]*:\n  --/ { print }' help | grep -c '^  --' >grouped
    diff grouped <(grep -c '^  --' help)
    sed -n '/^A file of options/,/^smtp-handler(8)/s/^  //p' help | sed "s|/usr/local/bin/ticket|$commands/keep|" >config
    printf 'EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<x+y@example.org>\nDATA\n.\n' | "$SMTP_HANDLER" --config config >replies
    from_wire <replies | grep -qx '250-SIZE 52428800'
    kept_arguments 1 | diff - <(printf '<--queue>\n<x>\n')
}

@test "--log none says nothing, --log stderr a line for each message and connection" {
    one_message | "$SMTP_HANDLER" --domain example.org --log none true >replies 2>errors
    [ ! -s errors ]
    one_message | "$SMTP_HANDLER" --domain example.org --log stderr true >replies 2>errors
    grep -c '^smtp-handler: message ' errors | grep -qx 1
    grep -c '^smtp-handler: connection ' errors | grep -qx 1
    [ "$(wc -l <errors)" = 2 ]
}

@test "a closed standard error is no trouble, and the log never enters a message" {
    delivery=("$commands/keep")
    one_message | "$SMTP_HANDLER" --domain example.org --log stderr --no-trace "$commands/keep" >replies 2>&-
    kept 1 | diff - <(printf 'Subject: test\n\nbody\n')
    one_message | "$SMTP_HANDLER" --domain example.org --no-trace "$commands/keep" >replies 2>&-
    kept 2 | diff - <(printf 'Subject: test\n\nbody\n')
}

@test "client strings cannot forge a line of the log" {
    printf 'HELO c\nMAIL FROM:<"a\\" result=accepted"@b>\nRCPT TO:<x@elsewhere.example>\n' | sed 's/$/\r/' | handler >replies
    [ "$(grep -c result= log)" = 1 ]
    grep -qF 'from="\"a\\\" result=accepted\"@b"' log
}

@test "--check goes on after the first error, and says all on standard error, with the pages that help" {
    printf 'max-errors none\nlmtp\nnonsense 5\ncommand /proc/nowhere/command\n' >config
    status=0
    "$SMTP_HANDLER" --max-size big --min-rate none --check --config config --spool nowhere --recipients list \
        --tls starttls >said 2>errors || status=$?
    [ "$status" = 64 ]
    refute grep -x ok said
    diff - errors <<'END'
smtp-handler: option max-size: 'big' is not a number of octets such as 26214400, 25600K, 25M or 1G; see --help or smtp-handler.conf(5)
smtp-handler: option min-rate: 'none' is not a number from 0 to 1000000000; see --help or smtp-handler.conf(5)
smtp-handler: config:1: option max-errors: 'none' is not a number from 1 to 1000000000; see smtp-handler.conf(5)
smtp-handler: config:3: unknown option nonsense; see smtp-handler.conf(5)
smtp-handler: config:4: delivery command /proc/nowhere/command: no such program; see smtp-handler-command(7), DIAGNOSTICS
smtp-handler: option recipients: list: No such file or directory; see smtp-handler.conf(5), RECIPIENTS
smtp-handler: option spool: nowhere: No such file or directory; see smtp-handler.conf(5)
smtp-handler: option tls: no certificate is given; see smtp-handler.conf(5), TLS
END
}

@test "--check gives the same answer whatever standard input is" {
    options=(--check --proxy-protocol --proxy-networks 192.0.2.1 true)
    echo | "$SMTP_HANDLER" "${options[@]}" >pipe
    tail -1 pipe | grep -qx ok
    for input in /dev/null pipe /; do
        "$SMTP_HANDLER" "${options[@]}" <"$input" | diff pipe -
    done
    "$SMTP_HANDLER" "${options[@]}" <&- | diff pipe -
    python3 -c 'import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
subprocess.run(sys.argv[1:], stdin=server, check=True)' "$SMTP_HANDLER" "${options[@]}" | diff pipe -
}

@test "--check says what is in force, as lines of a configuration file" {
    cat >config <<'CONF'
domain one.example
domain two.example
max-size = 2M # no more
lmtp
recipient-delimiter "#"
xclient 192.0.2.1,192.0.2.2
command "sh" -c "cat >/dev/null" {sender} "" a#b
CONF
    TMPDIR=$PWD check --config config --hostname mx.test
    [ "$status" = 0 ]
    [ -z "$output" ]
    grep -E '^#?(hostname|domain|max-size|max-errors|lmtp|dsn|recipients|recipient-delimiter|xclient|spool|command)( |$)' checked |
        diff - <(cat <<END
hostname mx.test
domain one.example
domain two.example
#recipients
recipient-delimiter "#"
max-size 2M
max-errors 20
lmtp
#dsn
xclient 192.0.2.1,192.0.2.2
spool $PWD
command sh -c "cat >/dev/null" {sender} "" "a#b"
END
        )
    tail -1 checked | grep -qx ok
    sed '$d' checked >again
    cp checked first
    TMPDIR=/tmp check --config again
    diff first checked
    "$SMTP_HANDLER" --check --hostname mx.test true '{local}' >checked
    for line in 'domain mx.test' 'domain localhost' one-recipient 'newlines auto'; do grep -qx "$line" checked; done
}

@test "--check warns of options that do nothing beside the others, with their lines" {
    printf 'max-connections 10\ntls-key x\ntls-client-ca y\ncommand true\n' >config
    check --config config
    diff - <(echo "$output") <<'END'
smtp-handler: warning: config:2: tls-key without tls-cert: TLS is not offered
smtp-handler: warning: config:3: tls-client-ca without TLS: nobody is asked
smtp-handler: warning: config:1: max-connections-per-source 20 is more than max-connections 10: one client may have them all
END
    tail -1 checked | grep -qx ok
    check --max-connections 10 --max-connections-per-source 10 true
    [ -z "$output" ]
}

@test "--check tells of a script that the kernel would not start" {
    # script OCTETS [TEXT]: --check says TEXT of a script of these, or nothing.
    script() {
        printf '%b' "$1" >script
        chmod 755 script
        check "$PWD/script"
        local said=${output#smtp-handler: }
        said=${said#warning: }
        [ "${said#"delivery command $PWD/script: "}" = "${2-}" ] || { echo "$output"; return 1; }
    }
    script '#!/proc/nowhere/python3 -u\n' \
        'its interpreter /proc/nowhere/python3: no such program'
    [ "$status" = 78 ]
    script '#!/bin/sh\r\necho\r\n' \
        'its interpreter /bin/sh\x0d: no such program; its lines end with CR LF'
    [ "$status" = 78 ]
    script '#!/usr/bin/env pyton3\n' \
        'its interpreter pyton3: no such program in PATH'
    [ "$status" = 78 ]
    script '#!/usr/bin/env -S A=b pyton3 -u\n' \
        'its interpreter pyton3: no such program in PATH'
    script '#!/bin/sh -e\r\n' \
        'its interpreter gets the \x0d of the first line; let lines end with LF'
    [ "$status" = 0 ]
    tail -1 checked | grep -qx ok
    grep -q 'warning: ' <<<"$output"
    script 'cat >/dev/null\n' \
        'a script without #!, which the kernel does not run; begin it with #!/bin/sh'
    [ "$status" = 78 ]
    script '' 'an empty file'
    [ "$status" = 78 ]
    script '#! /bin/sh\n'
    printf '#!\n' >script
    check "$PWD/script"
    [ "$output" = "smtp-handler: delivery command $PWD/script: no interpreter behind #!" ]
    script '#!/usr/bin/env -S A=b sh -e\n'
    check /bin/true
    [ -z "$output" ]
    printf '#!/proc/nowhere/sh\n' >script
    check --auth "$PWD/script" true
    grep -qx "smtp-handler: password program $PWD/script: its interpreter /proc/nowhere/sh: no such program" <<<"$output"
}

@test "--check warns of words of a command that only a shell would understand" {
    # odd WORD TEXT: it says TEXT of it, as a warning, with the line of the file.
    odd() {
        printf '\ncommand cat %s\n' "$1" >config
        check --config config
        [ "$status" = 0 ]
        [ "$output" = "smtp-handler: warning: config:2: delivery command: argument $1: $2" ]
        tail -1 checked | grep -qx ok
    }
    for word in '|' '>' '>>' '>/tmp/x' '2>&1' '&&' ';' '<' 'a;' '`date`' '$(date)'; do
        odd "$word" 'no shell reads it; write sh -c "..."'
    done
    for word in '{SENDER}' '$SENDER' '${RECIPIENT}' '{Local}' '--from=$sender' 'x{SENDER}' '$RECIPIENT_USER'; do
        odd "$word" 'it is handed on as it stands; write a macro, such as {sender}; within a script for a shell "$SENDER" is right'
    done
    odd "'a'" 'single quotes are handed on; double quotes keep blanks'
    # What a shell reads, and what is no attribute, is as it should be.
    check bash -c -o pipefail 'echo "$SENDER" | cat'
    [ -z "$output" ]
    check sh -ec 'echo "$SENDER" | cat > file' sh '{sender}' '$HOME' '{NAME}' 'a|b' '{sender}{local}' '$SENDERS' '' -c
    [ -z "$output" ]
    mkdir bin
    cp /bin/true bin/ticket
    printf 'command bin/ticket\n' >config
    check --config config
    [ "$output" = 'smtp-handler: warning: config:1: delivery command bin/ticket: not an absolute path; it counts from the directory in which we are started' ]
    printf 'command %s\n' "$MAILDIR_DELIVER" >config
    check --config config
    [ "$status" = 78 ]
    [ "$output" = "smtp-handler: config:1: delivery command $MAILDIR_DELIVER: it needs the directory of a Maildir" ]
}

@test "--check on a client's connection, as before a unit's command, says nothing but 421 if something is wrong" {
    python3 - "$SMTP_HANDLER" <<'PYTHON'
import socket, subprocess, sys
def check(*arguments):
    client, server = socket.socketpair()
    status = subprocess.run([sys.argv[1], "--check", *arguments], stdin=server, stdout=server, stderr=subprocess.PIPE)
    server.close()
    return status.returncode, client.recv(1000)[:10], status.stderr
assert check("true") == (0, b"", b"")
assert check("--max-size", "big", "true")[:2] == (64, b"421 4.3.5 ")
status, said, log = check("/proc/nowhere")
assert (status, said) == (78, b"421 4.3.5 ") and b"/proc/nowhere: no such program" in log, log
PYTHON
}

@test "--check warns of a Maildir that the client would choose" {
    local argument
    for argument in '{local}' '{recipient}' '{sender}' '{local}@{domain}'; do
        printf '\ncommand %s %s\n' "$MAILDIR_DELIVER" "$argument" >config
        check --config config
        [ "$status" = 0 ]
        [ "$output" = "smtp-handler: warning: config:2: delivery command: argument $argument: the client would choose any directory; write DIRECTORY/{user}" ]
    done
    for argument in '{user}' '{domain}' '/x/{local}' '{local}/Maildir' Maildir; do
        check "$MAILDIR_DELIVER" "$argument"
        [ -z "$output" ]
    done
}
