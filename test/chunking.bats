load helper

# CHUNKING and BINARYMIME, RFC 3030.

# begun OPTION...: a transaction, then what standard input holds as it is; prints the replies to
# the latter.
begun() {
    { printf 'EHLO c\r\nMAIL FROM:<sender@example.net>%s\r\nRCPT TO:<user@example.org>\r\n' "$body"; cat; } |
        handler "$@" | from_wire | without_ids | tail -n +13
}

@test "the first example of RFC 3030: one chunk" {
    printf 'BDAT 86 LAST\r\nTo: Susan@random.com\r\nFrom: Sam@random.com\r\nSubject: This is a bodyless test message\r\nQUIT\r\n' | begun --no-trace |
        diff - <(printf '%s\n' '250 2.0.0 Delivered, id ID' '221 2.0.0 mx.test closing connection')
    kept 1 | diff - <(printf 'To: Susan@random.com\nFrom: Sam@random.com\nSubject: This is a bodyless test message\n')
}

@test "the second example of RFC 3030: chunks pipelined, the last one empty" {
    chunk=$(printf '%1000s' '' | tr ' ' x)
    { printf 'BDAT 1000\r\n%s' "$chunk"; printf 'BDAT 324\r\n%s' "${chunk:0:324}"; printf 'BDAT 0 LAST\r\nQUIT\r\n'; } |
        body=' BODY=BINARYMIME' begun --no-trace |
        diff - <(printf '%s\n' '250 2.0.0 1000 octets taken' '250 2.0.0 324 octets taken' '250 2.0.0 Delivered, id ID' '221 2.0.0 mx.test closing connection')
    [ "$(kept 1)" = "$chunk${chunk:0:324}" ]
}

@test "in chunks dots are not stuffed, and no dot ends anything" {
    printf 'BDAT 17 LAST\r\n.\r\n..\r\nx\r\n.\r\n.QUIQUIT\r\n' | begun --no-trace | head -1 | grep -qx '250 2.0.0 Delivered, id ID'
    kept 1 | diff - <(printf '.\n..\nx\n.\n.QUI')
}

@test "a message without a line end at its end keeps it so" {
    printf 'BDAT 1 LAST\r\nx' | begun --no-trace
    [ "$(kept 1 | od -c | head -1)" = "$(printf x | od -c | head -1)" ]
}

@test "a CR LF may be split between chunks" {
    printf 'BDAT 4\r\none\rBDAT 6 LAST\r\n\ntwo\r\n' | begun --no-trace
    kept 1 | diff - <(printf 'one\ntwo\n')
}

@test "a bare CR or LF in a chunk of lines is refused, and its octets are discarded" {
    printf 'BDAT 5 LAST\r\na\nb\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nBDAT 2 LAST\r\nx\rNOOP\r\n' | begun |
        diff - <(printf '%s\n' '554 5.6.11 Bare CR or LF not allowed, id ID' '250 2.0.0 Ok' '250 2.1.0 Sender ok' '250 2.1.5 Recipient ok' '554 5.6.11 Bare CR or LF not allowed, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 0 ]
    grep -q 'form="bare LF"' log
    grep -q 'form="bare CR"' log
}

@test "BINARYMIME hands every octet on as it came, whatever --line-ending says" {
    printf 'a\nb\rc\r\n.\r\n\0\377' >octets
    { printf 'BDAT 7\r\n'; head -c 7 octets; printf 'BDAT %d LAST\r\n' "$(($(wc -c <octets) - 7))"; tail -c +8 octets; } |
        body=' BODY=BINARYMIME' begun --no-trace --line-ending lf
    kept 1 | cmp - octets
}

@test "a bare CR in the header of a binary message is refused, since some readers end a line there" {
    forged='Authentication-Results: mx.test; dkim=pass'
    for header in "A: 1\r$forged\r\n" "A: 1\r\n folded\r$forged\r\n" "Authentication-Results: mx.example;\r$forged\r\n" \
        "Authentication-Results: (c\r\n )\r$forged\r\n" "From x\r$forged\r\n" "A: 1\r\rB: 2\r\n" "A: 1\r\r\n"; do
        printf '%b' "$header\r\nb\rc" >octets
        # Cut in front of the CR, behind it, and nowhere.
        at=$(LC_ALL=C tr '\n' '#' <octets | LC_ALL=C awk -v RS='\001' '{ print match($0, /\r[^#]/) }')
        for first in "$((at - 1))" "$at" 0; do
            { printf 'BDAT %d\r\n' "$first"; head -c "$first" octets
              printf 'BDAT %d LAST\r\n' "$(($(wc -c <octets) - first))"; tail -c "+$((first + 1))" octets; } |
                body=' BODY=BINARYMIME' begun | tail -1 | grep -qx '554 5.6.11 Bare CR or LF not allowed, id ID' || { cat -v octets; return 1; }
        done
    done
    [ "$(kept_count)" = 0 ]
    grep -q 'message result=refused .*form="bare CR"' log
    # In what is no header it is an octet as any other.
    for octets in 'A: 1\r\n\r\nb\rc' 'no field\r\nb\rc' 'b\rc\r\n'; do
        printf '%b' "$octets" >octets
        { printf 'BDAT %d LAST\r\n' "$(wc -c <octets)"; cat octets; } | body=' BODY=BINARYMIME' begun | grep -q '^250 2.0.0'
    done
    [ "$(kept_count)" = 3 ]
}

@test "the trace of a binary message has CR LF, as its lines do" {
    printf 'BDAT 3 LAST\r\nx\r\n' | body=' BODY=BINARYMIME' begun
    [ "$(kept_count)" = 1 ]
    [ "$(kept 1 | grep -vc $'\r$')" = 0 ]
}

@test "BODY=BINARYMIME and DATA do not go together" {
    printf 'DATA\r\nBDAT 1 LAST\r\nxQUIT\r\n' | body=' BODY=BINARYMIME' begun |
        diff - <(printf '%s\n' '503 5.5.1 DATA not allowed with BODY=BINARYMIME, use BDAT' '250 2.0.0 Delivered, id ID' '221 2.0.0 mx.test closing connection')
}

@test "a BDAT out of order discards its octets before it is answered" {
    raw_conversation < <(printf 'BDAT 6\r\nQUIT\r\nHELO c\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<a@elsewhere.example>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n') 4<<'SERVER'
220 mx.test ESMTP smtp-handler
503 5.5.1 Bad sequence of commands
250 mx.test
503 5.5.1 Bad sequence of commands
250 2.1.0 Sender ok
554 5.5.1 No valid recipients
550 5.7.1 Relaying denied, id ID
554 5.5.1 No valid recipients
250 2.0.0 Ok
SERVER
}

@test "after a BDAT without a usable size the connection is closed" {
    local line
    for line in BDAT 'BDAT x' 'BDAT -1' 'BDAT +1' 'BDAT 0x5' 'BDAT 5;LAST' 'BDAT 1LAST' 'BDAT 999999999999999999999' 'BDAT 5\0' 'BDAT\t5' 'BDAT 5\tLAST' 'BDAT 5\nLAST'; do
        printf '%b' "HELO c\r\n$line\r\nNOOP\r\n" | handler | from_wire | tail -n +3 |
            diff - <(printf '%s\n' '501 5.5.4 Syntax: BDAT size [LAST]' '421 4.5.4 mx.test BDAT size missing, closing connection')
    done
    # What has come of a message is forgotten.
    printf 'BDAT 3\r\nabcBDAT x\r\nBDAT 1 LAST\r\nx' | begun | tail -1 | grep -q ^421
    grep -q 'message result=broken-off' log
    [ "$(kept_count)" = 0 ]
}

@test "nothing is a command behind a BDAT line that is too long" {
    # As many octets as may be read at once, and more: its beginning is not there any more then.
    for length in 2042 3000 200000; do
        for line in 'BDAT' bdat; do
            { printf 'HELO c\r\n%s %*s\r\nMAIL FROM:<>\r\n' "$line" "$length" 5; } >client
            handler <client | from_wire | tail -n +3 |
                diff - <(printf '%s\n' '501 5.5.4 Syntax: BDAT size [LAST]' '421 4.5.4 mx.test BDAT size missing, closing connection')
        done
    done
    printf 'NOOP\r\nBDAT %2100s\r\nNOOP\r\n' 5 >client
    session_driver every <client | tail -2 | head -1 | grep -q '^421 4.5.4'
    printf 'NOOP\r\nBDA %2100s\r\nBDA%2100sBDAT 5\r\nNOOP\r\n' 5 ' ' >client
    session_driver every <client | grep -c '^500 5.5.2 Line too long' | grep -qx 2
}

@test "a BDAT with something wrong behind the size discards its octets" {
    printf 'BDAT 6 FIRST\r\nQUIT\r\nBDAT  6 LAST,\r\nQUIT\r\nBDAT 6 LAST x\r\nQUIT\r\nBDAT 3  LAST \r\nx\r\nQUIT\r\n' | begun --no-trace |
        diff - <(printf '%s\n' '501 5.5.4 Syntax: BDAT size [LAST]'{,,} '250 2.0.0 Delivered, id ID' '221 2.0.0 mx.test closing connection')
    [ "$(kept 1)" = x ]
}

@test "between chunks only BDAT goes on; RSET forgets, and nothing is delivered" {
    printf 'BDAT 3\r\na\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nNOOP\r\nRSET\r\nBDAT 3 LAST\r\nb\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n' | begun |
        diff - <(printf '%s\n' '250 2.0.0 3 octets taken' '503 5.5.1 Bad sequence of commands' '503 5.5.1 Bad sequence of commands' '503 5.5.1 Bad sequence of commands' '250 2.0.0 Ok' '250 2.0.0 Ok' '503 5.5.1 Bad sequence of commands' '250 2.1.0 Sender ok' '250 2.0.0 Ok' '221 2.0.0 mx.test closing connection')
    [ "$(kept_count)" = 0 ]
    grep -q 'message result=broken-off' log
}

@test "EHLO and QUIT between chunks forget the message, too" {
    printf 'BDAT 3\r\na\r\nHELO c\r\nBDAT 3 LAST\r\nb\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.org>\r\nBDAT 1\r\nxQUIT\r\n' | begun | cut -c1-3 | tr '\n' ' ' |
        diff - <(printf '250 250 503 250 250 250 221 ')
    [ "$(kept_count)" = 0 ]
    [ "$(grep -c 'message result=broken-off' log)" = 2 ]
}

@test "a message without its last chunk is never delivered" {
    printf 'BDAT 3\r\na\r\nBDAT 10 LAST\r\nb\r\n' | begun
    printf 'BDAT 3\r\na\r\n' | begun
    [ "$(kept_count)" = 0 ]
}

@test "the size limit holds while chunks arrive, and the session goes on" {
    printf 'BDAT 60\r\n%60sBDAT 60\r\n%60sBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nBDAT 100 LAST\r\n%100s' a b c |
        begun --max-size 100 --no-trace |
        diff - <(printf '%s\n' '250 2.0.0 60 octets taken' '552 5.3.4 Message too large, id ID' '503 5.5.1 Bad sequence of commands' '250 2.1.0 Sender ok' '250 2.1.5 Recipient ok' '250 2.0.0 Delivered, id ID')
    [ "$(kept_count)" = 1 ]
    kept 1 | wc -c | grep -qx 100
}

@test "chunks that span reads, in megabytes, come out as they went in" {
    head -c 3000000 /dev/urandom >octets
    { for at in 0 1 2; do printf 'BDAT 1000000 %s\r\n' "$([ $at = 2 ] && echo LAST)" | sed 's/ \r/\r/'; tail -c +$((at * 1000000 + 1)) octets | head -c 1000000; done; } |
        body=' BODY=BINARYMIME' begun --no-trace
    kept 1 | cmp - octets
}

@test "however chunks are cut, the session says and wants the same" {
    { printf 'EHLO c\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\nBDAT 3\r\na\r\nBDAT 0\r\nBDAT 4 LAST\r\n\n\r.x'
      printf 'MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 3\r\na\r\rBDAT 3 LAST\r\nb\r\nRSET\r\nQUIT\r\n'; } >client
    session_driver every <client >whole
    for size in 1 2 3 5 7 11 64; do
        session_driver "$size" <client | diff whole - || { echo "cut into $size"; return 1; }
    done
    grep -q '^WANT_CLOSE' whole
}

@test "too many errors between chunks forget the message, and the log says so" {
    printf 'BDAT 3\r\nabcX\r\nX\r\n' | begun --max-errors 2 | tail -1 | grep -qx '421 4.7.0 mx.test Too many errors'
    grep -q 'message result=broken-off' log
    [ "$(kept_count)" = 0 ]
}
