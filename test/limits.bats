load helper

long() { printf "%${1}s" '' | tr ' ' "${2:-x}"; }

@test "a command line may have 2048 octets, its end included, and no more" {
    raw_conversation < <(printf 'NOOP %s\r\nNOOP %s\r\nNOOP\r\n' "$(long 2041)" "$(long 2042)") 4<<'SERVER'
220 mx.test ESMTP smtp-handler
250 2.0.0 Ok
500 5.5.2 Line too long
250 2.0.0 Ok
SERVER
}

@test "a line of many megabytes is read away in little memory, and answered once" {
    { printf 'NOOP '; head -c 50000000 /dev/zero | tr '\0' x; printf '\r\nNOOP\r\nQUIT\r\n'; } >client
    (
        case $SMTP_HANDLER in *sanitize*) ;; *) ulimit -v 100000 ;; esac
        handler <client >replies
    )
    from_wire <replies | diff - <(printf '%s\n' '220 mx.test ESMTP smtp-handler' '500 5.5.2 Line too long' '250 2.0.0 Ok' '221 2.0.0 mx.test closing connection')
}

@test "the twentieth error ends the session with 421" {
    { echo HELO c; yes BAD | head -25; echo QUIT; } | sed 's/$/\r/' | handler >replies
    from_wire <replies >said
    [ "$(grep -c '^500 5.5.2' said)" = 20 ]
    [ "$(tail -1 said)" = '421 4.7.0 mx.test Too many errors' ]
    grep -q 'connection .*errors=20 ended=limit' log
}

@test "refused recipients count as errors, a delivered message forgives them" {
    {
        echo HELO c
        for _ in 1 2; do
            echo 'MAIL FROM:<>'
            echo 'RCPT TO:<a@example.com>'
            echo 'RCPT TO:<a@example.org>'
            printf 'DATA\nx\n.\n'
        done
        echo BAD
        echo BAD
        echo QUIT
    } | sed 's/$/\r/' | handler --max-errors 2 >replies
    from_wire <replies | cut -c1-3 | tail -3 | diff - <(printf '500\n500\n421\n')
    [ "$(kept_count)" = 2 ]
}

@test "recipients beyond the maximum get 452, the others their message" {
    conversation --max-recipients 2 <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<>
RCPT TO:<a@example.org>
RCPT TO:<b@example.org>
RCPT TO:<c@example.org>
DATA
.
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    kept_environment 1 | grep -A1 '^RECIPIENTS=' | diff - <(printf 'RECIPIENTS=a@example.org\nb@example.org\n')
}

@test "a thousand recipients reach the command, as arguments too" {
    delivery=("$commands/keep" '{recipients}')
    { printf 'HELO c\nMAIL FROM:<>\n'; seq -f 'RCPT TO:<user%g@example.org>' 1001; printf 'DATA\n.\n'; } |
        sed 's/$/\r/' | handler >replies
    [ "$(grep -c '^250 2.1.5' replies)" = 1000 ]
    [ "$(grep -c '^452 4.5.3' replies)" = 1 ]
    kept_arguments 1 | diff - <(seq -f '<user%g@example.org>' 1000)
}

@test "as many recipients as fit are taken when each is as long as can be, at least 100" {
    long=$(long 60).$(long 60).$(long 60)
    { printf 'HELO c\nMAIL FROM:<>\n'; seq -f "RCPT TO:<$(long 50)%04g@$long.example.org>" 1000; printf 'DATA\n.\n'; } |
        sed 's/$/\r/' | handler --domain "$long.example.org" --max-errors 10000 >replies
    [ "$(grep -c '^250 2.1.5' replies)" -ge 100 ]
    [ "$(grep -c '^452 4.5.3' replies)" -gt 0 ]
    grep -q '^250 2.0.0 Delivered' replies
}

@test "after the maximum of messages MAIL gets 421" {
    conversation --max-messages 1 <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<>
RSET
MAIL FROM:<>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.0.0 Ok
421 4.7.0 mx.test Too many messages in one connection
SERVER
}

@test "a message too large gets 552 at its end, and the session goes on" {
    long=$(long 100)
    conversation --max-size 104 --no-trace <<CLIENT 4<<'SERVER'
HELO c
MAIL FROM:<>
RCPT TO:<a@example.org>
DATA
$long
..
.
MAIL FROM:<>
RCPT TO:<a@example.org>
DATA
$long
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
552 5.3.4 Message too large, id ID
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
    [ "$(kept_count)" = 1 ]
}

@test "a spool that fills up gets 452 at the message's end, and the session goes on" {
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
      head -c 3000000 /dev/zero | tr '\0' x
      printf '\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nsmall\r\n.\r\nQUIT\r\n'; } >client
    (
        ulimit -f 2000 # KiB, for the spool's file
        handler --spool "$BATS_TEST_TMPDIR" <client >replies
    )
    from_wire <replies | without_ids | tail -6 | diff - <(cat <<'EOF'
452 4.3.1 No room for the message, try again later, id ID
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
EOF
)
    [ "$(kept_count)" = 1 ]
    grep -q 'trouble text="spool: ' log
}

@test "a spool that cannot be made gets 452, and the log says why, once" {
    mkdir spool
    # shellcheck disable=SC2094 # the client waits for a reply
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
      eventually grep -q '^354 ' replies
      rmdir spool
      head -c 2000000 /dev/zero | tr '\0' x
      printf '\r\n.\r\nQUIT\r\n'; } | handler --spool "$PWD/spool" >replies
    grep -q '^452 4.3.1 No room' replies
    [ "$(kept_count)" = 0 ]
    [ "$(grep -o 'trouble text=.*' log)" = 'trouble text="spool: No such file or directory"' ]
}

@test "memory that fills up gets 452, too" {
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
      head -c 500000 /dev/zero | tr '\0' x
      printf '\r\n.\r\nQUIT\r\n'; } >client
    (
        ulimit -f 200
        handler <client >replies
    )
    from_wire <replies | tail -2 | head -1 | grep '^452 4.3.1'
    [ "$(kept_count)" = 0 ]
}

@test "a large message leaves nothing in the spool directory" {
    mkdir spool
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
      head -c 5000000 /dev/zero | tr '\0' x
      printf '\r\n.\r\n'; } | handler --spool spool >replies
    grep -q '^250 2.0.0 Delivered' replies
    [ "$(kept 1 | tail -1 | wc -c)" = 5000001 ]
    [ -z "$(ls -A spool)" ]
}

@test "--max-size 0 sets no limit" {
    { printf 'EHLO c\r\nMAIL FROM:<> SIZE=99999999999\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
      head -c 30000000 /dev/zero | tr '\0' x
      printf '\r\n.\r\n'; } | handler --max-size 0 >replies
    grep -q '^250-SIZE 0' replies
    grep -q '^250 2.0.0 Delivered' replies
}

@test "large messages go where \$RUNTIME_DIRECTORY, \$TMPDIR or else /var/tmp lets them" {
    large() {
        { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
          head -c 2000000 /dev/zero | tr '\0' x
          printf '\r\n.\r\n'; } | env "$@" "$SMTP_HANDLER" --domain example.org --newlines strict --log none \
            sh -c 'readlink -f /proc/self/fd/0' | from_wire | tail -1
    }
    mkdir one two
    large RUNTIME_DIRECTORY="$PWD/one:$PWD/two" TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/one/"
    large TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/two/"
    large RUNTIME_DIRECTORY=/nowhere TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/two/"
    large TMPDIR=/nowhere | grep -F '250 2.0.0 /var/tmp/'
    large TMPDIR=relative | grep -F '250 2.0.0 /var/tmp/'
}
