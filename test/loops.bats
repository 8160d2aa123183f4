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

@test "folded lines, the body and our own field do not count as Received fields" {
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

@test "in one-recipient mode Delivered-To is added, and refused as a loop when it comes again" {
    [ "$(printf 'Subject: x\n\n' | header --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
    kept 1 | sed -n 2p | grep -qx 'Delivered-To: user+x@example.org'
    # What was delivered once comes back.
    kept 1 | header --one-recipient | grep -qx '554 5.4.6 Mail loop, id ID'
    printf 'delivered-to:USER+X@EXAMPLE.ORG \n\n' | header --one-recipient | grep -qx '554 5.4.6 Mail loop, id ID'
    printf 'Delivered-To: user@example.org\nX: y\n\nDelivered-To: user+x@example.org\n' | header --one-recipient | grep -q ^250
    printf 'Delivered-To: user+x@example.org\nReceived: elsewhere\nDelivered-To: other@example.org\n\n' | header --one-recipient | grep -q '^554 5.4.6'
    [ "$(kept_count)" = 2 ]
}

@test "in LMTP, and with --no-trace, Delivered-To makes no loop: a server before us may have written it" {
    printf '%s\r\n' 'LHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA 'Delivered-To: a@example.org' '' . | handler --lmtp --one-recipient |
        from_wire | tail -1 | grep -q ^250
    printf 'Delivered-To: user+x@example.org\n\n' | header --one-recipient --no-trace | grep -q ^250
    # Nor does one that is longer than any address.
    printf 'Delivered-To: user+x@example.org%300sx\n\n' '' | header --one-recipient | grep -q ^250
}

@test "without one-recipient mode, or with --no-trace, Delivered-To makes no loop" {
    printf 'Delivered-To: user+x@example.org\n\n' | header | grep -q ^250
    kept 1 | grep -c ^Delivered-To | grep -qx 1
    printf 'X: y\n\n' | header --one-recipient --no-trace | grep -q ^250
    kept 2 | refute grep -q ^Delivered-To
}

@test "the longest address in Delivered-To is found as a loop" {
    recipient=$(printf '%255s' '' | tr ' ' a)@$(printf 'b%.0s' {1..63}).$(printf 'c%.0s' {1..63}).$(printf 'd%.0s' {1..63}).$(printf 'e%.0s' {1..63})
    printf 'X: y\n\n' | header --domain '*' --one-recipient | grep -q ^250
    kept 1 | header --domain '*' --one-recipient | grep -q '^554 5.4.6'
}

# answers RECIPIENT...: sends the message `content` by PRDR; prints the replies but the summary's.
answers() {
    { printf 'EHLO c\r\nMAIL FROM:<> PRDR\r\n'; printf 'RCPT TO:<%s@example.org>\r\n' "$@"
      printf 'BDAT %d LAST\r\n' "$(stat -c %s content)"; cat content; } |
        handler --one-recipient | from_wire | without_ids | sed '1,/^353/d' | head "-$#"
}

@test "of several recipients each whom a Delivered-To names is in a loop, and nobody else" {
    printf '%s\r\n' 'Subject: x' 'DELIVERED-TO: B@example.org ' 'X: y' ' Delivered-To: a@example.org' 'Delivered-To: d@example.org' '' 'Delivered-To: c@example.org' >content
    answers a b c d | diff - <(printf '%s\n' '250 2.0.0 Delivered, id ID' '554 5.4.6 Mail loop, id ID' '250 2.0.0 Delivered, id ID' '554 5.4.6 Mail loop, id ID')
    # The next message is not in it.
    { printf 'EHLO c\r\n'
      for recipients in ab ba; do
          printf 'MAIL FROM:<> PRDR\r\nRCPT TO:<%s@example.org>\r\nRCPT TO:<%s@example.org>\r\n' ${recipients:0:1} ${recipients:1}
          printf 'DATA\r\nDelivered-To: a@example.org\r\n\r\n.\r\n'
      done; } | handler --one-recipient | from_wire | sed -n '/^353/,/^554/p' | cut -c1-3 | tr '\n' ' ' | grep -qx '353 554 353 250 554 '
    for first in ' Delivered-To: a@example.org' 'no field' ''; do
        printf '%s\r\n' "$first" 'Delivered-To: a@example.org' >content
        answers a b | uniq | diff - <(echo '250 2.0.0 Delivered, id ID')
    done
}

@test "of a header for several recipients 256 KiB are looked at for Delivered-To" {
    yes "X: $(printf '%1021s' '')" | head -260 | sed 's/$/\r/' >fields
    { printf 'Delivered-To: a@example.org\r\n'; cat fields; printf 'Delivered-To: b@example.org\r\n\r\n'; } >content
    answers a b | diff - <(printf '%s\n' '554 5.4.6 Mail loop, id ID' '250 2.0.0 Delivered, id ID')
}
