load helper

@test "a message arrives whole, with its trace in front and dots unstuffed" {
    conversation <<'CLIENT' 4<<'SERVER'
EHLO client.test
MAIL FROM:<sender@example.net> BODY=8BITMIME
RCPT TO:<user@example.org>
DATA
Subject: dots

..
.. two
...
a . b.
grüße
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
    sed -E 's/id [0-9a-f-]+;?/id ID/; s/^\t[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000$/\tDATE/' "$KEPT/1.message" >got
    diff -u - got <<EOF
Return-Path: <sender@example.net>
Received: from client.test
	by mx.test with ESMTP id ID
	for <user@example.org>;
	DATE
Subject: dots

.
. two
..
a . b.
grüße
EOF
}

@test "an empty message is a message" {
    conversation --no-trace <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<user@example.org>
DATA
.
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    [ "$(kept_count)" = 1 ]
    [ ! -s "$KEPT/1.message" ]
}

@test "several messages go through one connection, each with its own envelope" {
    { one_message first@example.org | sed '$d'
      printf 'MAIL FROM:<>\nRCPT TO:<second@example.org>\nRCPT TO:<third@example.org>\nDATA\nagain\n.\nQUIT\n'; } |
        sed 's/$/\r/' | handler >replies
    from_wire <replies | grep -c '^250 2.0.0 Delivered' | grep -qx 2
    kept_environment 1 | grep -qx 'RECIPIENT=first@example.org'
    kept_environment 2 | grep -qx 'SENDER='
    kept_environment 2 | refute grep -q '^RECIPIENT='
    kept_environment 2 | grep -A1 '^RECIPIENTS=' | diff - <(printf 'RECIPIENTS=second@example.org\nthird@example.org\n')
    kept 2 | refute grep -q body
}

@test "the date of Received is that of reception" {
    before=$(date +%s)
    deliver_by "$commands/keep"
    date=$(kept 1 | grep -E '^	[A-Z][a-z]{2}, .* \+0000$')
    received=$(date -d "$date" +%s)
    [ "$received" -ge "$before" ]
    [ "$received" -le "$(date +%s)" ]
}

@test "the trace has a for clause with one recipient only" {
    printf 'HELO c\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n.\n' | sed 's/$/\r/' | handler >replies
    kept 1 | refute grep -q 'for <'
    kept 1 | grep -q 'with SMTP id'
}

@test "--no-trace hands out what came and nothing else" {
    one_message | sed 's/$/\r/' | handler --no-trace >replies
    kept 1 | diff - <(printf 'Subject: test\n\nbody\n')
}

@test "--line-ending crlf hands out lines with CR LF, trace included" {
    one_message | sed 's/$/\r/' | handler --line-ending crlf >replies
    [ "$(kept 1 | wc -l)" = "$(kept 1 | grep -c $'\r$')" ]
    one_message | "$SMTP_HANDLER" --domain example.org --line-ending crlf --no-trace "$commands/keep" >replies 2>log
    kept 2 | diff - <(printf 'Subject: test\r\n\r\nbody\r\n')
}

@test "a message without an end is never delivered" {
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nhalf a\r\n' | handler >replies
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nhalf\r\n.\r' | handler >replies
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nhalf\r\n.' | handler >replies
    [ "$(kept_count)" = 0 ]
    grep -c 'message result=broken-off' log | grep -qx 3
}

@test "the reply to a half-closed connection still arrives" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    python3 - "$port" <<'EOF' >replies
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\n")
s.shutdown(socket.SHUT_WR)
while data := s.recv(4096):
    sys.stdout.buffer.write(data)
EOF
    from_wire <replies | tail -1 | grep '^250 2.0.0 Delivered'
}

@test "octets behind QUIT do not cost the client its last replies" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org sh -c 'touch runs; until [ -e go ]; do sleep 0.02; done'
    eventually is_listening "$port"
    python3 - "$port" <<'EOF' >replies
import os, socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
while not os.path.exists("runs"):
    time.sleep(0.02)
s.sendall(b"more and more\r\n" * 10)
open("go", "w").close()
while data := s.recv(4096):
    sys.stdout.buffer.write(data)
EOF
    from_wire <replies | tail -1 | grep '^221'
}
