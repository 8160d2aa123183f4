load helper
load peers
load tls

# What the log says of a client's mistakes, and of what was refused.

setup_file() {
    make_pairs mx
}

# logged OPTION...: the client says standard input; the events but that of the connection, without ids.
logged() {
    rm -f log
    sed 's/$/\r/' | handler --log stderr "$@" >replies
    sed 's/^smtp-handler: //; s/ id=[-0-9a-f]*/ id=ID/' log | grep -v '^connection '
}

@test "each refusal of MAIL that the session decides is an event, with address, size and status" {
    cat >wanted <<'LOG'
sender result=refused from=before@example.net status=5.5.1
sender result=refused helo=client.test from=big@example.net size=30000000 status=5.3.4
sender result=refused helo=client.test from=<> size=1001 status=5.3.4
sender result=refused helo=client.test from="<joe@exa mple.net> SIZE\=1" status=5.1.7
sender result=refused helo=client.test from=TO:<joe@example.net> status=5.1.7
sender result=refused helo=client.test status=5.5.4
sender result=refused helo=client.test from=joe@example.net size=10 status=5.5.4
sender result=refused helo=client.test from=joe@example.net status=5.5.4
sender result=refused helo=client.test from=again@example.net status=5.5.1
LOG
    sed -i 's/\\=/=/' wanted
    logged --max-size 1000 <<'CLIENT' | diff wanted -
MAIL FROM:<before@example.net>
EHLO client.test
MAIL FROM:<big@example.net> SIZE=30000000
MAIL FROM:<> SIZE=1001
MAIL FROM:<joe@exa mple.net> SIZE=1
MAIL TO:<joe@example.net>
MAIL
MAIL FROM:<joe@example.net> SIZE=10 FOO=bar
MAIL FROM:<joe@example.net> BODY=9BIT
MAIL FROM:<sender@example.net>
MAIL FROM:<again@example.net>
CLIENT
    printf 'EHLO c\nMAIL FROM:<joe@example.net>\nRSET\nMAIL FROM:<jim@example.net>\n' | logged --max-messages 1 |
        grep -qx 'sender result=deferred helo=c from=jim@example.net status=4.7.0'
}

@test "MAIL before STARTTLS or AUTH that must come first is such an event" {
    serve --submission --auth 'true x' --tls required
    client <<'END'
client = Client(port)
client.expect("250", "EHLO c")
client.expect("530", "MAIL FROM:<one@example.net>")
client.starttls()
client.expect("250", "EHLO c")
client.expect("530", "MAIL FROM:<two@example.net>")
END
    eventually grep -q 'sender result=refused client=127.0.0.1 helo=c from=one@example.net status=5.7.0' background
    eventually grep -q 'sender result=refused client=127.0.0.1 helo=c from=two@example.net status=5.7.0' background
}

@test "each refusal of RCPT is an event, by the session or the runner, with the transaction that it belongs to" {
    cat >wanted <<'LOG'
recipient result=refused helo=client.test to=early@example.org status=5.5.1
recipient result=refused id=ID helo=client.test from=sender@example.net to=x@elsewhere.example size=99 status=5.7.1
recipient result=refused id=ID helo=client.test from=sender@example.net to=<@> size=99 status=5.1.3
recipient result=refused id=ID helo=client.test from=sender@example.net to=a@example.org size=99 status=5.5.4
recipient result=deferred id=ID helo=client.test from=sender@example.net to=c@example.org size=99 status=4.5.3
recipient result=refused helo=client.test to=late@example.org status=5.5.1
LOG
    logged --max-recipients 4 <<'CLIENT' | diff wanted -
EHLO client.test
RCPT TO:<early@example.org>
MAIL FROM:<sender@example.net> SIZE=99
RCPT TO:<x@elsewhere.example>
RCPT TO:<@>
RCPT TO:<a@example.org> FOO=bar
RCPT TO:<b@example.org>
RCPT TO:<c@example.org>
RSET
RCPT TO:<late@example.org>
CLIENT
    printf '%s\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' 'RCPT TO:<b@example.org>' | logged --one-recipient |
        grep -qx 'recipient result=deferred id=ID helo=c from=<> to=b@example.org status=4.5.3'
    # A sender whom the runner refuses has its size, too.
    delivery=(cat '{sender}')
    printf '%s\n' 'EHLO c' 'MAIL FROM:<-x@example.net> SIZE=7' | logged | grep -qx 'sender result=refused id=ID helo=c from=-x@example.net size=7 status=5.1.7'
}

@test "what a client says cannot forge the log, and is cut" {
    printf 'HELO c\r\nMAIL FROM:<a\tb\001\377\302\205\303\274 "\\result=accepted>\r\nMAIL FROM:<%s@example.net>\r\n' "$(printf '%3000s' '' | tr ' ' x)" |
        handler --log stderr >replies
    cat >wanted <<'LOG'
smtp-handler: sender result=refused helo=c from="<a?b????\xc3\xbc \"\\result=accepted>" status=5.5.2
smtp-handler: sender result=refused helo=c from=<xxxxxxxxxxxxxxxxxxxxx status=5.5.2
LOG
    head -2 log | diff wanted -
}

@test "ten refusals of a connection are events, and the rest are counted" {
    { echo HELO c; yes 'RCPT TO:<x@example.org>' | head -13; echo 'MAIL FROM:<>'; yes 'RCPT TO:<x@elsewhere.example>' | head -3; } |
        logged >events
    [ "$(wc -l <events)" = 10 ]
    grep -q '^smtp-handler: connection .*errors=16 unreported=6 unexpected=RCPT ' log
    { echo HELO c; echo 'MAIL FROM:<>'; yes 'RCPT TO:<x@elsewhere.example>' | head -15; } | logged --max-errors 50 >events
    [ "$(wc -l <events)" = 10 ]
    grep -q '^smtp-handler: connection .*errors=15 unreported=5 ' log
}

@test "AUTH that is refused is an event with its status, without anything that may be a password" {
    printf '%s\n' 'EHLO c' 'AUTH PLAIN AGFsaWNlAHNlY3JldA==' 'AGFsaWNlAHNlY3JldA==' 'c2VjcmV0' | logged | diff - <(
        echo 'auth result=refused helo=c status=5.5.1')
    grep -q '^smtp-handler: connection .* unexpected=AUTH ' log
    refute grep -E 'AGFsa|c2Vjc' log
    printf '%s\n' 'AUTH PLAIN AGFsaWNlAHNlY3JldA==' 'AGFsaWNlAHNlY3JldA==' | logged --lmtp >events
    refute grep -E 'AGFsa|c2Vjc' log
    echo "alice:$(hashed secret)" >users
    serve --auth "$PASSWORD_CHECK $PWD/users"
    client <<'END'
client = Client(port)
client.expect("250", "EHLO c")
client.expect("538", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.starttls()
client.expect("250", "EHLO c")
client.expect("504", "AUTH CRAM-MD5")
client.expect("334", "AUTH LOGIN")
client.expect("501", "*")
client.expect("334", "AUTH LOGIN")
client.expect("501", "not base64")
client.expect("535", "AUTH PLAIN AGFsaWNlAHdyb25n")
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.expect("503", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.expect("221", "QUIT")
END
    eventually grep -q ' connection ' background
    grep -o 'auth result=.*' background | sed 's/ client=127.0.0.1//' | diff - <(
        printf 'auth result=refused helo=c status=%s\n' 5.7.11 5.5.4 5.7.0 5.5.2
        printf 'auth result=%s user=alice status=%s\n' refused 5.7.8 accepted 2.7.0
        echo 'auth result=refused helo=c status=5.5.1')
}

@test "the line of a connection has its first unexpected command" {
    first() { printf '%b' "$1" | handler >replies; grep -o ' unexpected=.* ended' log | tail -1; }
    [ "$(first 'FOO bar\r\nBAZ\r\n')" = ' unexpected="FOO bar" ended' ]
    [ "$(first 'HELO c\r\nDATA\r\nFOO\r\n')" = ' unexpected=DATA ended' ]
    [ "$(first 'HELO c\r\nBDAT 1\r\nxFOO\r\n')" = ' unexpected=BDAT ended' ]
    [ "$(first 'HELO c\r\nSTARTTLS\r\n')" = ' unexpected=STARTTLS ended' ]
    [ "$(first "$(printf '%100s' '' | tr ' ' x)\\r\\n")" = " unexpected=$(printf '%64s' '' | tr ' ' x) ended" ]
    [ "$(first 'F\001O\r\n')" = ' unexpected=F?O ended' ]
    rm log
    [ "$(first 'HELO c\r\nQUIT\r\n')" = '' ]
}

@test "a connection on which octets came is no health check" {
    # As if a syslog were there: <22> is mail.info, <23> mail.debug.
    priority() { traced -o trace -e trace=connect,sendto -e inject=connect:retval=0 "$SMTP_HANDLER" --no-sandbox --log syslog true >/dev/null; }
    priority </dev/null
    grep -q '"<23>' trace
    for said in x 'HELO c' 'QUIT\r\n' '\r\n'; do
        printf '%b' "$said" | priority
        grep -q '"<22>' trace || { echo "$said"; return 1; }
        refute grep '"<23>' trace
    done
}
