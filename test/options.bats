load helper

# wrong STATUS TEXT OPTION...: the handler ends with STATUS, says TEXT on standard error in one
# line, and 421 to the client that waits.
wrong() {
    local status=$1 text=$2
    shift 2
    status_got=0
    printf 'QUIT\r\n' | "$SMTP_HANDLER" "$@" >replies 2>errors || status_got=$?
    [ "$status_got" = "$status" ] || { echo "status $status_got"; cat errors; return 1; }
    diff -u - errors <<<"smtp-handler: $text"
    from_wire <replies | grep -qE '^421 4.3.5 [^ ]+ Service not available, set up wrongly$'
    [ "$(wc -l <replies)" = 1 ]
}

@test "a wrong option is named, and the client hears 421" {
    wrong 64 'unknown option --wrong' --wrong true
    wrong 64 'unknown option -x' -x true
    wrong 64 'option max-errors: '\''many'\'' is not a number from 1' --max-errors many true
    wrong 64 'option max-errors: '\''0'\'' is not a number from 1' --max-errors=0 true
    wrong 64 'option max-recipients: '\''1001'\'' is not a number from 1 to 1000' --max-recipients 1001 true
    wrong 64 'option max-size: '\''12T'\'' is not a number of octets, K, M or G allowed' --max-size 12T true
    wrong 64 'option max-size: '\''18446744073709551615G'\'' is not a number of octets, K, M or G allowed' --max-size 18446744073709551615G true
    wrong 64 'option hostname: '\''a b'\'' is not a domain name' --hostname 'a b' true
    wrong 64 'option newlines: '\''loose'\'' is not strict, lenient or auto' --newlines loose true
    wrong 64 'option one-recipient takes no value' --one-recipient=yes true
    wrong 64 'option spool needs a value' --spool
    wrong 64 'no delivery command; see --help'
    wrong 64 'no delivery command; see --help' --
}

@test "a macro that means nothing is refused at the start" {
    wrong 64 'unknown {nonsense} in the delivery command' true '{nonsense}'
    wrong 64 '{recipients} must be an argument by itself' true 'to={recipients}'
    wrong 64 "{sender} in the delivery command's own name" '{sender}'
}

@test "a command that is not there or not executable is named" {
    touch plain
    wrong 78 'delivery command /nowhere/command: no such program' /nowhere/command
    wrong 78 'delivery command no-such-command: no such program' no-such-command
    wrong 78 'delivery command ./plain: Permission denied' ./plain
    wrong 78 "delivery command $PWD: no such program" "$PWD"
    mkdir first
    touch first/program
    PATH=$PWD/first:$PATH wrong 78 'delivery command program: Permission denied' program
}

@test "files and directories that cannot be used are named" {
    wrong 78 'nowhere: No such file or directory' --config nowhere true
    wrong 78 'nowhere: No such file or directory' --recipients nowhere true
    wrong 78 '.: Is a directory' --config . true
    wrong 78 '.: Is a directory' --recipients . true
    mkfifo pipe
    { echo a@b >pipe; } 3>&- 4>&- &
    case $SMTP_HANDLER in
    */static/*) wrong 78 'pipe: Invalid seek' --recipients pipe true ;; # as musl says it
    *) wrong 78 'pipe: Illegal seek' --recipients pipe true ;;
    esac
    wrong 78 'spool nowhere: No such file or directory' --spool nowhere true
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
    wrong 78 "config:3: option max-errors: '' is not a number from 1" --config config true
    printf 'config other\n' >config
    wrong 78 'config:1: unknown option config' --config config true
    printf 'command "open\n' >config
    wrong 78 'config:1: command: an open quote, no word or too many' --config config
    printf 'command true {nonsense}\n' >config
    wrong 78 'unknown {nonsense} in the delivery command' --config config
    printf 'max-errors 5\n' >config
    wrong 78 'no delivery command; see --help' --config config
    printf 'one-recipient yes\n' >config
    wrong 78 'config:1: option one-recipient takes no value' --config config true
    head -c 40000 /dev/zero | tr '\0' '#' >config
    wrong 78 'config: longer than 32768 octets' --config config true
    printf 'spool /\0\n' >config
    wrong 78 'config: not a text file' --config config true
}

@test "--check says ok, or what is wrong, and serves nothing" {
    printf '@example.org\njoe@example.org\n' >list
    [ "$("$SMTP_HANDLER" --check --recipients list --spool . true </dev/null)" = ok ]
    printf 'joe@example.org\njoe@\n' >list
    run "$SMTP_HANDLER" --check --recipients list true
    [ "$status" = 78 ]
    [ "$output" = "list:2: 'joe@' is neither local@domain nor @domain" ]
    run "$SMTP_HANDLER" --check /nowhere/command
    [ "$status" = 78 ]
    [ "$output" = 'delivery command /nowhere/command: no such program' ]
    run "$SMTP_HANDLER" --check --spool /proc true
    [ "$status" = 78 ]
    [ "${output#spool /proc: }" != "$output" ]
    echo 'joe@[127.0.0.1]' >list
    run "$SMTP_HANDLER" --check --recipients list true
    [ "$status" = 78 ]
    echo nonsense >config
    run "$SMTP_HANDLER" --check --config config true
    [ "$status" = 78 ]
    [ "$output" = 'config:1: unknown option nonsense' ]
    # A wrong option beside it: no client waits for what only looks.
    printf 'QUIT\r\n' | "$SMTP_HANDLER" --check --wrong true >said 2>&1 || [ $? = 64 ]
    [ "$(cat said)" = 'unknown option --wrong' ]
    refute "$SMTP_HANDLER" --check true >/dev/full
    refute "$SMTP_HANDLER" --version >/dev/full
}

@test "--help names every option, --version the version" {
    "$SMTP_HANDLER" --help >help
    for option in config hostname domain recipients recipient-delimiter max-size max-recipients \
        max-messages max-errors command-timeout data-timeout delivery-timeout session-timeout \
        min-rate lmtp one-recipient newlines line-ending no-trace spool log check help version; do
        grep -qE -- "^  --$option( |\$)" help
    done
    "$SMTP_HANDLER" --version | grep -qE '^smtp-handler [0-9.]+$'
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

@test "--check looks for the interpreter of a script, too" {
    printf '#!/nowhere/python3 -u\n' >script
    printf '#! /bin/sh\n' >good
    chmod 755 script good
    run "$SMTP_HANDLER" --check ./script
    [ "$status" = 78 ]
    [ "$output" = 'delivery command ./script: its interpreter /nowhere/python3: No such file or directory' ]
    [ "$("$SMTP_HANDLER" --check ./good)" = ok ]
}

@test "--check on a client's connection, as before a unit's command, says nothing but 421 where all is not well" {
    python3 - "$SMTP_HANDLER" <<'PYTHON'
import socket, subprocess, sys
def check(*arguments):
    client, server = socket.socketpair()
    status = subprocess.run([sys.argv[1], "--check", *arguments], stdin=server, stdout=server, stderr=subprocess.PIPE)
    server.close()
    return status.returncode, client.recv(1000)[:10], status.stderr
assert check("true") == (0, b"", b"")
assert check("--max-size", "big", "true")[:2] == (64, b"421 4.3.5 ")
status, said, log = check("/nowhere")
assert (status, said) == (78, b"421 4.3.5 ") and b"/nowhere: no such program" in log, log
PYTHON
}
