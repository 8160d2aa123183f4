load helper
load peers
load tls
load credentials

# --strict-pipelining: who does not wait for a reply on which all depends is not served.

setup_file() {
    make_pairs mx
}

@test "who sends behind EHLO, STARTTLS or DATA before the reply gets 554, and nothing more is read" {
    serve --strict-pipelining
    client <<'END'
mail = "MAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\n"
for parts in (["EHLO c\r\nMAIL FROM:<>\r\n"], ["ehlo c\r\nx"], ["EHLO c\r\nQUIT\r\n"], ["EHLO c\r\n\r\n"],
              ["EHLO c\r\n", "STARTTLS\r\nEHLO c\r\n"], ["STARTTLS\r\n\x16\x03\x01"],
              ["EHLO c\r\n", mail, "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"], ["EHLO c\r\n", "DATA\r\nx\r\n.\r\n"],
              ["EHLO c\r\n", mail, "DATA now\r\nx"], ["HELO c\r\nNOOP\r\n", "EHLO c\r\nx"]):
    client = Client(port)
    for part in parts:
        client.send(part.encode())
        for _ in range(1 if part[:4] in ("EHLO", "DATA", "ehlo", "STAR") else 2):
            last = client.reply()
    assert last == "554 5.5.0 mx.test Wait for the reply to each command that needs it", (parts, last)
    assert client.is_over(), parts
client = Client(port)
client.starttls()
client.send(b"EHLO c\r\nNOOP\r\n")
assert client.reply().startswith("554 5.5.0") and client.is_over()
END
    eventually sh -c '[ "$(grep -c "^smtp-handler: connection .* ended=limit" background)" = 11 ]'
    [ "$(grep -cx 'smtp-handler: abuse client=127.0.0.1 form=pipelining' background)" = 11 ]
    grep '^smtp-handler: connection' background | sed -n 's/.* pipelined_behind=\([A-Z]*\) .*/\1/p' | sort | uniq -c |
        sed 's/^ *//' | diff - <(printf '3 DATA\n6 EHLO\n2 STARTTLS\n')
    [ "$(kept_count)" = 0 ]
}

@test "who sends behind AUTH before the reply gets 554, and no password is tried" {
    printf '#!/bin/sh\ntouch tried\nexit 1\n' >program
    chmod +x program
    serve --strict-pipelining --auth "$PWD/program"
    client <<'END'
for octets in b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nMAIL FROM:<>\r\n", b"AUTH LOGIN\r\nYWxpY2U=\r\n":
    client = Client(port)
    client.starttls()
    client.send(octets)
    assert client.reply().startswith("554 5.5.0") and client.is_over()
END
    [ ! -e tried ]
    eventually sh -c '[ "$(grep -c "^smtp-handler: connection .* pipelined_behind=AUTH .*ended=limit" background)" = 2 ]'
    refute grep -e AGFs -e YWxp background
}

@test "LHLO is EHLO" {
    serve --strict-pipelining --lmtp
    client <<'END'
client = Client(port)
client.send(b"LHLO c\r\nNOOP\r\n")
assert client.reply().startswith("554 5.5.0") and client.is_over()
END
}

@test "what may be sent together is served: groups, HELO, chunks, QUIT or the next message behind the last dot" {
    serve --strict-pipelining
    client <<'END'
def all_of(octets, *codes):
    client.send(octets)
    replies = [client.reply() for _ in codes]
    assert [reply[:3] for reply in replies] == list(codes), replies
mail = b"MAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\n"
client = Client(port)
all_of(b"HELO c\r\n" + mail + b"DATA\r\n", "250", "250", "250", "354")
all_of(b"Subject: x\r\n\r\nx\r\n.\r\n" + mail + b"DATA\r\n", "250", "250", "250", "354")
all_of(b"x\r\n.\r\nQUIT\r\n", "250", "221")
assert client.is_over()
client = Client(port)
client.send(b"EHLO \xff\x01\r\n") # is refused, and HELO follows
assert client.reply()[:3] == "500"
all_of(b"HELO c\r\nNOOP\r\nVRFY x\r\nRSET\r\n", "250", "250", "252", "250")
client.expect("250", "EHLO c")
all_of(mail + b"BDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nQUIT\r\n", "250", "250", "250", "250", "221")
END
    [ "$(kept_count)" = 3 ]
    refute grep abuse background
}

@test "without --strict-pipelining, and on what is no socket, commands behind the others are answered" {
    serve
    client <<'END'
client = Client(port)
client.send(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
assert [client.reply()[:3] for _ in range(6)] == ["250", "250", "250", "354", "250", "221"]
END
    one_message | sed 's/$/\r/' | handler --strict-pipelining | from_wire | tail -1 | grep -q ^221
    [ "$(kept_count)" = 2 ]
}

@test "AUTH in turn is served" {
    printf '#!/bin/sh\nexec "$@"\n' >program
    chmod +x program
    serve --strict-pipelining --auth "$PWD/program"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("334", "AUTH LOGIN")
client.expect("334", "YWxpY2U=")
client.expect("235", "c2VjcmV0")
client = Client(port)
client.starttls()
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
assert client.send_message().startswith("250")
END
}
