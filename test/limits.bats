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

@test "a line of many megabytes is discarded in little memory, and answered once" {
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
    grep -q 'connection .*errors=20 unexpected=BAD ended=limit' log
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

# codes: those of the replies on standard input, one beside the other, with how often each comes in a row.
codes() { cut -c1-3 | uniq -c | awk '{ print $2 "x" $1 }' | paste -sd ' '; }

# sent OPTION...: standard input as a client says it, with LF; the codes of the replies after the greeting and HELO.
sent() {
    { echo HELO c; cat; } | sed 's/$/\r/' | handler "$@" >replies
    from_wire <replies | sed 1,2d | codes
}

@test "a hundred idle commands, and as many as there may be errors, are allowed, and are no errors" {
    # HELO, which `sent` says, is the first.
    [ "$(yes NOOP | head -200 | sent)" = '250x119 421x1' ]
    grep -q 'connection .*errors=0 ended=limit' log
    for command in RSET 'HELO c' 'EHLO c' 'VRFY a' HELP; do
        yes "$command" | head -200 | sent >/dev/null
        from_wire <replies | tail -1 | grep -qx '421 4.7.0 mx.test Too many commands without a message'
        from_wire <replies | grep -c '^2[0-9]* ' | grep -qx 121
    done
    yes 'LHLO c' | head -200 | sed 's/$/\r/' | handler --lmtp | from_wire | grep -c '^250 ' | grep -qx 120
    { yes NOOP | head -50; yes RSET | head -49; echo 'VRFY a'; echo HELP; } | sent --max-errors 1 | grep -qx '250x99 252x1 421x1'
    # A command that is an error is not idle as well.
    { yes NOOP | head -118; yes VRFY | head -19; echo NOOP; } | sent | grep -qx '250x118 501x19 250x1 421x1'
    # Empty chunks are idle commands as well.
    { printf '%s\n' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>'; yes 'BDAT 0' | head -200; } | sent | grep -qx '250x121 421x1'
}

@test "a message resets the count of idle commands, delivered or not" {
    message() { printf '%s\n' 'MAIL FROM:<>' "RCPT TO:<$1@example.org>" DATA x .; }
    { yes NOOP | head -99; message a; yes NOOP | head -100; message a; yes NOOP | head -100; } | sent --max-errors 1 |
        grep -qx '250x101 354x1 250x103 354x1 250x101'
    delivery=(sh -c 'exit 75')
    { yes NOOP | head -99; message a; yes NOOP | head -101; } | sent --max-errors 1 | grep -qx '250x101 354x1 451x1 250x101 421x1'
}

@test "while a recipient waits for the message no error of RCPT ends the connection" {
    { echo 'MAIL FROM:<>'; echo 'RCPT TO:<a@example.org>'; yes 'RCPT TO:<a@example.com>' | head -50; printf '%s\n' DATA x . 'MAIL FROM:<>'
      yes 'RCPT TO:<a@example.com>' | head -50; } | sent | grep -qx '250x2 550x50 354x1 250x2 550x20 421x1'
    # Nor does a malformed RCPT end it.
    { echo 'MAIL FROM:<>'; echo 'RCPT TO:<a@example.org>'; yes 'RCPT TO:a' | head -50; printf '%s\n' DATA x . QUIT; } | sent | grep -qx '250x2 501x50 354x1 250x1 221x1'
    # Other errors do.
    { echo 'MAIL FROM:<>'; echo 'RCPT TO:<a@example.org>'; yes BAD | head -50; } | sent | grep -qx '250x2 500x20 421x1'
    # Errors of before the first one count, too.
    { echo 'MAIL FROM:<>'; yes 'RCPT TO:<a@example.com>' | head -19; echo 'RCPT TO:<a@example.org>'; yes 'RCPT TO:<a@example.com>' | head -19; echo BAD; } | sent |
        grep -qx '250x1 550x19 250x1 550x19 500x1 421x1'
    refute grep trouble log
}

@test "errors that were set aside count when the transaction is over without a message accepted" {
    refused() { printf '%s\n' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>'; yes 'RCPT TO:<a@example.com>' | head -"$1"; }
    { refused 30; echo RSET; echo NOOP; } | sent | grep -qx '250x2 550x30 250x1 421x1'
    { refused 12; echo RSET; refused 12; echo 'HELO c'; echo NOOP; } | sent | grep -qx '250x2 550x12 250x3 550x12 250x1 421x1'
    delivery=(sh -c 'exit 75')
    { refused 30; printf '%s\n' DATA x . NOOP; } | sent | grep -qx '250x2 550x30 354x1 451x1 421x1'
    { refused 30; printf '%s\n' 'BDAT 0 LAST' NOOP; } | sent | grep -qx '250x2 550x30 451x1 421x1'
    refute grep trouble log
}

@test "after --max-recipients RCPT commands of a transaction no recipient is looked up" {
    { echo 'MAIL FROM:<>'; echo 'RCPT TO:<a@example.org>'; yes 'RCPT TO:<a@example.com>' | head -100; echo 'RCPT TO:<b@example.org>'; printf '%s\n' DATA x .
      echo 'MAIL FROM:<>'; echo 'RCPT TO:<b@example.org>'; } | sent --max-recipients 10 | grep -qx '250x2 550x9 452x92 354x1 250x3'
    [ "$(grep -c '^smtp-handler: recipient .* status=5.7.1$' log)" = 9 ]
    { echo 'MAIL FROM:<>'; yes 'RCPT TO:<a@example.com>' | head -5; echo 'RCPT TO:<b@example.org>'; } | sent --max-recipients 5 | grep -qx '250x1 550x5 452x1'
    # 452 is no error, however often.
    { echo 'MAIL FROM:<>'; yes 'RCPT TO:<a@example.org>' | head -100; echo BAD; } | sent --max-recipients 5 --max-errors 2 | grep -qx '250x6 452x95 500x1'
    refute grep trouble log
}

@test "a recipient who cannot be looked up now is no error of the client" {
    { printf '%s\r\n' 'HELO c' 'MAIL FROM:<>'; yes 'RCPT TO:<later@b.test>' | head -30 | sed 's/$/\r/'; } >client
    session_driver every <client >whole
    [ "$(grep -c ^451 whole)" = 30 ]
    refute grep '^421' whole
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

@test "a thousand recipients reach the command, in variables and arguments" {
    delivery=("$commands/keep" '{recipients}')
    { printf 'HELO c\nMAIL FROM:<>\n'; seq -f 'RCPT TO:<user%g@example.org>' 1001; printf 'DATA\n.\n'; } |
        sed 's/$/\r/' | handler >replies
    [ "$(grep -c '^250 2.1.5' replies)" = 1000 ]
    [ "$(grep -c '^452 4.5.3' replies)" = 1 ]
    kept_arguments 1 | diff - <(seq -f '<user%g@example.org>' 1000)
}

@test "of 1,000 recipients of 511 octets, those with whom RECIPIENTS would pass 120 KiB get 452" {
    local domain
    domain=$(long 63).$(long 63).$(long 63).$(long 63)
    delivery=("$commands/keep" '{recipients}')
    seq -f "$(long 251)%04g@$domain" 1000 >recipients
    [ "$(head -1 recipients | wc -c)" = 512 ]
    { printf 'HELO c\nMAIL FROM:<>\n'; sed 's/.*/RCPT TO:<&>/' recipients; printf 'DATA\n.\n'; } |
        sed 's/$/\r/' | handler --domain "$domain" >replies
    from_wire <replies | sed -n '4,1003p' | uniq -c | tr -s ' ' |
        diff - <(printf ' 240 250 2.1.5 Recipient ok\n 760 452 4.5.3 Too many recipients\n')
    grep -q '^250 2.0.0 Delivered' replies
    kept_environment 1 | sed -n '/^RECIPIENTS=/,/^[A-QS-Z]/p' | sed -E 's/^RECIPIENTS=//; /=/d' | diff - <(head -240 recipients)
    kept_arguments 1 | diff - <(head -240 recipients | sed 's/.*/<&>/')
}

@test "a recipient for whom there is room is accepted behind one for whom there was not" {
    local domain
    domain=$(long 63).$(long 63).$(long 63).$(long 63)
    { printf 'HELO c\nMAIL FROM:<>\n'
      seq -f "RCPT TO:<$(long 251)%04g@$domain>" 239
      printf 'RCPT TO:<%s>\n' "$(long 252)@$domain" ab@c a@b d@e
      printf 'DATA\n.\n'; } | sed 's/$/\r/' | handler --domain '*' >replies
    from_wire <replies | sed -n '243,246p' | cut -c1-9 | diff - <(printf '%s\n' '250 2.1.5' '452 4.5.3' '250 2.1.5' '452 4.5.3')
    grep -q '^250 2.0.0 Delivered' replies
    kept_environment 1 | grep -c '@' | grep -qx 241
}

@test "after --max-messages MAIL gets 421" {
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
452 4.3.1 Insufficient system storage, try again later, id ID
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
    grep -q '^452 4.3.1 Insufficient' replies
    [ "$(kept_count)" = 0 ]
    [ "$(grep -o 'trouble text=.*' log)" = 'trouble text="spool: No such file or directory; see smtp-handler.conf(5)"' ]
}

@test "a message for which memory is full gets 452 at its end" {
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

@test "large messages go to \$RUNTIME_DIRECTORY, \$TMPDIR or /var/tmp, the first that works" {
    large() {
        { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n'
          head -c 2000000 /dev/zero | tr '\0' x
          printf '\r\n.\r\n'; } | env "$@" "$SMTP_HANDLER" --domain example.org --newlines strict --log none \
            sh -c 'readlink -f /proc/self/fd/0' | from_wire | tail -1
    }
    mkdir one two
    large RUNTIME_DIRECTORY="$PWD/one:$PWD/two" TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/one/"
    large TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/two/"
    large RUNTIME_DIRECTORY=/proc/nowhere TMPDIR="$PWD/two" | grep -F "250 2.0.0 $PWD/two/"
    large TMPDIR=/proc/nowhere | grep -F '250 2.0.0 /var/tmp/'
    large TMPDIR=relative | grep -F '250 2.0.0 /var/tmp/'
}
