load helper

# Mail loops, RFC 5321 6.3.

# header OPTION...: sends a message that begins with standard input; prints the last reply.
header() {
    { printf 'EHLO c\nMAIL FROM:<>\nRCPT TO:<%s>\nDATA\n' "${recipient:-user+x@example.org}"; cat; printf '.\n'; } |
        sed 's/$/\r/' | handler "$@" | from_wire | without_ids | tail -1
}

received() { yes 'Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000' | head "-$1"; }

@test "a hundred Received fields make a loop, ninety-nine do not" {
    [ "$(received 99 | header)" = '250 2.0.0 Delivered, id ID' ]
    [ "$(received 100 | header)" = '554 5.4.6 Mail loop, id ID' ]
    [ "$(kept_count)" = 1 ]
    grep -q 'message result=refused .* status=5.4.6' log
    received 100 | sed 's/^/RECEIVED:x\n /' | header | grep -qx '554 5.4.6 Mail loop, id ID'
}

@test "folded lines, the body and our own field do not count" {
    { received 99; printf ' Received: folded\nReceivedx: y\nX-Received: z\n\n'; received 200; } | header | grep -q '^250'
    kept 1 | grep -c ^Received: | grep -qx 300
}

@test "a loop is found in chunks, and with every octet by itself" {
    received 100 | sed 's/$/\r/' >content
    for lines in lf crlf; do
        { printf 'EHLO c\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@example.org>\r\n'
          printf 'BDAT %d\r\n' "$(stat -c %s content)"; cat content; printf 'BDAT 0 LAST\r\nNOOP\r\n'; } >client
        handler --line-ending "$lines" <client | from_wire | without_ids | tail -3 |
            diff - <(printf '%s\n' '554 5.4.6 Mail loop, id ID' '503 5.5.1 Bad sequence of commands' '250 2.0.0 Ok')
    done
    session_driver every <client >whole
    grep -q '^554 5.4.6' whole
    session_driver 1 <client | diff whole -
}

@test "in one-recipient mode Delivered-To is added, and known again" {
    [ "$(printf 'Subject: x\n\n' | header --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
    kept 1 | sed -n 2p | grep -qx 'Delivered-To: user+x@example.org'
    # What was delivered once comes back.
    kept 1 | header --one-recipient | grep -qx '554 5.4.6 Mail loop, id ID'
    printf 'delivered-to:USER+X@EXAMPLE.ORG \n\n' | header --one-recipient | grep -qx '554 5.4.6 Mail loop, id ID'
    printf 'Delivered-To: user@example.org\nX: y\n\nDelivered-To: user+x@example.org\n' | header --one-recipient | grep -q ^250
    printf 'Delivered-To: user+x@example.org\nReceived: elsewhere\nDelivered-To: other@example.org\n\n' | header --one-recipient | grep -q '^554 5.4.6'
    [ "$(kept_count)" = 2 ]
}

@test "a server before us may have written Delivered-To: in LMTP, and without a trace, it means nothing" {
    printf '%s\r\n' 'LHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA 'Delivered-To: a@example.org' '' . | handler --lmtp --one-recipient |
        from_wire | tail -1 | grep -q ^250
    printf 'Delivered-To: user+x@example.org\n\n' | header --one-recipient --no-trace | grep -q ^250
    # Nor does one that is longer than any address.
    printf 'Delivered-To: user+x@example.org%300sx\n\n' '' | header --one-recipient | grep -q ^250
}

@test "otherwise Delivered-To means nothing" {
    printf 'Delivered-To: user+x@example.org\n\n' | header | grep -q ^250
    kept 1 | grep -c ^Delivered-To | grep -qx 1
    printf 'X: y\n\n' | header --one-recipient --no-trace | grep -q ^250
    kept 2 | refute grep -q ^Delivered-To
}

@test "the longest address is known again" {
    recipient=$(printf '%64s' '' | tr ' ' a)@$(printf 'b%.0s' {1..63}).$(printf 'c%.0s' {1..63}).$(printf 'd%.0s' {1..58})
    printf 'X: y\n\n' | header --domain '*' --one-recipient | grep -q ^250
    kept 1 | header --domain '*' --one-recipient | grep -q '^554 5.4.6'
}
