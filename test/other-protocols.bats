load helper
load peers
load tls

# Clients that speak another protocol than SMTP, and may not know it.

setup_file() {
    make_pairs mx
}

# said BEGINNING OPTION...: all replies to BEGINNING with a whole session behind it.
said() {
    { printf '%b' "$1"; one_message | sed 's/$/\r/'; } | handler "${@:2}" | from_wire | without_ids
}

ended=$'220 mx.test ESMTP smtp-handler\n421 4.7.0 mx.test That protocol is not spoken here'

no_letter=$'220 mx.test ESMTP smtp-handler\n421 4.7.0 mx.test The first line must begin with a letter'

# abused FORM: the log has FORM once.
abused() {
    [ "$(grep -c abuse log)" = 1 ] && grep -qx "smtp-handler: abuse form=$1" log && rm log
}

@test "a request of HTTP ends the connection, and what it carries is no session" {
    local line
    for line in 'GET / HTTP/1.1' 'POST /x?y=z HTTP/1.0' 'CONNECT mx.test:25 HTTP/1.1' 'PRI * HTTP/2.0' 'get a b c http/1.1' \
        'OPTIONS\t* \t HTTP/1.1' 'MAIL FROM:<> HTTP/1.1' "GET /$(printf '%3000s' '' | tr ' ' x) HTTP/1.1" "GET /$(printf '%200000s' '' | tr ' ' x)  HTTP/1.1 "; do
        [ "$(said "$line\r\nHost: mx.test\r\n\r\n")" = "$ended" ]
        abused http
    done
    [ "$(kept_count)" = 0 ]
}

@test "a request of HTTP behind other commands ends the connection, and the message that was begun is discarded" {
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nBDAT 1\r\nxPUT / HTTP/1.1\r\nBDAT 1 LAST\r\nx' | handler | from_wire |
        tail -1 | grep -qx '421 4.7.0 mx.test That protocol is not spoken here'
    grep -c abuse log | grep -qx 1
    grep -q '^smtp-handler: connection .*errors=1 ended=limit' log
    [ "$(kept_count)" = 0 ]
}

@test "a line that only looks like HTTP is an error, and within a message it is content" {
    printf '%s\r\n' 'GET /' 'GET HTTP/1.1' 'GET  HTTP/1.1' 'GET / HTTP/' 'GET / HTTP/x' 'GET / xHTTP/1.1' 'Host: mx.test' 'NOOP HTTP/1.1' \
        'GET / HTTP/1.1x' 'GET / HTTP/11' 'GET / HTTP/1.' |
        handler | from_wire | cut -c1-3 | tr '\n' ' ' | diff - <(printf '220 500 500 500 500 500 500 500 250 500 500 500 ')
    { printf '%s\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA 'GET / HTTP/1.1' . QUIT; } | sed 's/$/\r/' | handler | from_wire |
        tail -2 | head -1 | grep -q ^250
    refute grep abuse log
}

@test "an address that looks like HTTP is an address" {
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<"x HTTP/1.1"@example.net>' 'RCPT TO:<"x HTTP/1.1"@example.org>' | handler | from_wire |
        cut -c1-3 | tr '\n' ' ' | diff - <(printf '220 250 250 250 ')
    refute grep abuse log
}

@test "a TLS handshake in place of plaintext ends the connection at once" {
    printf '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03no line end' >hello
    [ "$(handler <hello | from_wire)" = "$ended" ]
    abused tls
    # The first octet of a real handshake is enough, without a line end.
    mkfifo client
    handler --command-timeout 3600 <client >replies &
    started+=($!)
    exec 9>client
    printf '\x16' >&9
    eventually grep -q ^421 replies
    exec 9>&-
    start_handler
    refute openssl s_client -connect "127.0.0.1:$port" </dev/null
    eventually grep -q 'abuse client=127.0.0.1 form=tls' background
}

@test "a first line that begins with no letter ends the connection" {
    local line
    for line in ' EHLO c' '\tEHLO c' '{"id":1}' '*1' '\0' '\x80\x2e\x01' '\rEHLO c' '\nEHLO c' '5' '.' '\xff\xfd'; do
        [ "$(said "$line\r\n")" = "$no_letter" ] || { echo "$line"; return 1; }
        abused no-letter
    done
    # Without a line end, too.
    [ "$(printf '{' | handler | from_wire)" = "$no_letter" ]
    # Later lines are errors, and no more.
    said 'NOOP\r\n EHLO c\r\n{"id":1}\r\n' | cut -c1-3 | head -4 | tr '\n' ' ' | diff - <(printf '220 250 500 500 ')
}

@test "empty lines are errors, before the first line as well" {
    said '\r\n\r\n' | cut -c1-3 | head -4 | tr '\n' ' ' | diff - <(printf '220 500 500 250 ')
    yes '' | head -100 | sed 's/$/\r/' | handler | from_wire | tail -1 | grep -qx '421 4.7.0 mx.test Too many errors'
    refute grep abuse log
    # The header of version 2 of the PROXY protocol, without --proxy-protocol.
    printf '\r\n\r\n\0\r\nQUIT\n!' | handler | from_wire | tail -1 | grep -qx '421 4.7.0 mx.test The first line must begin with a letter'
    abused no-letter
}

@test "requests of other protocols are found when octets come one by one" {
    for beginning in 'EHLO c\r\nGET / HTTP/1.1\r\n' '\r\n\rx\r\nNOOP\r\n' "NOOP\r\nPUT $(printf '%2100s' x) HTTP/1.1\r\nNOOP\r\n" '\r\n\x16\r\n' '\nNOOP\r\n'; do
        printf '%b' "$beginning" >client
        session_driver every <client >whole
        session_driver 1 <client | diff whole -
        tail -2 whole | head -1 | grep -q '^421 4.7.0'
    done
    printf '\r' | session_driver every | refute grep ^421
}

@test "requests of other protocols are found behind TLS, from the first line on" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
client.shake_hands()
client.send(b"\x16\x03\x01")
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
client = Client(port)
client.expect("250", "EHLO client.test")
client.starttls()
client.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO c\r\nMAIL FROM:<>\r\n")
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
END
    eventually grep -q 'abuse client=127.0.0.1 form=tls' background
    eventually grep -q 'abuse client=127.0.0.1 form=http' background
}
