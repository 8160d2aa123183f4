load helper

# patient_client OPTION...: says what standard input holds and then keeps quiet; prints the replies.
patient_client() {
    mkfifo client
    { cat; exec sleep 1000; } >client 3>&- 4>&- &
    SECONDS=0
    handler "$@" <client | from_wire | without_ids
    kill $!
    [ "$SECONDS" -lt 500 ]
}

@test "a client that sends no command in time gets 421" {
    printf 'HELO c\r\n' | patient_client --command-timeout 1 >said
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, no command came' ]
    grep -q 'connection .*ended=timeout' log
}

@test "a client that stops within a message gets 421, and nothing is delivered" {
    one_message | sed '/^\.$/,$d; s/$/\r/' | patient_client --data-timeout 1 >said
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, the message came too slowly' ]
    [ "$(kept_count)" = 0 ]
    grep -q 'message result=broken-off' log
    grep -q 'connection .*ended=too-slow' log
}

@test "the whole session is limited by --session-timeout" {
    { for _ in 1 2 3 4 5 6 7 8 9 10; do printf 'NOOP\r\n'; sleep 0.3; done; } | patient_client --session-timeout 1 >said
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, the connection lasted too long' ]
}

# trickle OPTION...: sends a message an octet at a time, ten a second.
trickle() {
    { one_message | sed '/^\.$/,$d; s/$/\r/'
      for _ in $(seq 40); do printf x; sleep 0.1; done
      printf '\r\n.\r\nQUIT\r\n'; } | handler "$@" | from_wire | without_ids >said
}

@test "a message that trickles in below --min-rate is cut off" {
    trickle --data-timeout 1 --min-rate 500
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, the message came too slowly' ]
    [ "$(kept_count)" = 0 ]
}

@test "a slow message above --min-rate is not cut off" {
    trickle --data-timeout 3 --min-rate 1
    grep -q '^250 2.0.0 Delivered' said
}

@test "with --min-rate 0 octets may come as slowly as they like" {
    trickle --data-timeout 3 --min-rate 0
    grep -q '^250 2.0.0 Delivered' said
}

@test "a client that never reads its replies is disconnected" {
    port=$(free_port)
    in_background tcpserver -v -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --command-timeout 1 --max-errors 1000000000 --log stderr true
    eventually is_listening "$port"
    python3 - "$port" <<'EOF'
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.settimeout(100)
try:
    while True:
        s.sendall(b"NOOP\r\n" * 10000)
except (ConnectionError, socket.timeout) as error:
    print(error)
    sys.exit(isinstance(error, socket.timeout))
EOF
    eventually grep -q 'ended=timeout' background
}

@test "octets that come one by one above --min-rate count in full" {
    python3 - "$SMTP_HANDLER" <<'EOF'
import socket, subprocess, sys, time
client, server = socket.socketpair()
p = subprocess.Popen([sys.argv[1], "--data-timeout", "4", "--min-rate", "1001", "--log", "none", "true"], stdin=server, stdout=server)
server.close()
client.sendall(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\n")
start = time.monotonic()
sent = 0
while time.monotonic() - start < 6.5:
    if sent < (time.monotonic() - start) * 4000:
        client.sendall(b"x")
        sent += 1
client.sendall(b"\r\n.\r\nQUIT\r\n")
replies = b"".join(iter(lambda: client.recv(4096), b""))
sys.exit(b"250 2.0.0 Delivered" not in replies)
EOF
}

@test "chunks that trickle in are cut off as well" {
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\n'
      for _ in $(seq 10); do printf 'BDAT 1\r\nx'; sleep 0.4; done
      printf 'BDAT 1 LAST\r\nx'; } | handler --data-timeout 1 --min-rate 1000 | from_wire >said
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, the message came too slowly' ]
    [ "$(kept_count)" = 0 ]
}

@test "deliveries to one recipient after another end with the session timeout" {
    delivery=(sleep 1)
    { printf 'LHLO c\nMAIL FROM:<>\n'; printf 'RCPT TO:<%s@example.org>\n' a b c d e f; printf 'DATA\nx\n.\n'; } | sed 's/$/\r/' |
        handler --lmtp --session-timeout 1 | from_wire >said
    [ "$(tail -1 said)" = '421 4.4.2 mx.test Timeout, the connection lasted too long' ]
    [ "$(grep -c '^250 2.0.0 Delivered' said)" -le 2 ]
}

@test "recipients that take long to look up end with the session timeout" {
    echo a@example.org >list
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' 'RCPT TO:<b@example.org>' |
        traced -f -o trace -P list -e trace=pread64 -e inject=pread64:delay_exit=4500000:when=2 "$SMTP_HANDLER" --hostname mx.test \
            --domain example.org --newlines strict --no-sandbox --recipients list --session-timeout 4 --log none true | from_wire >said
    tail -2 said | diff - <(printf '%s\n' '250 2.1.5 Recipient ok' '421 4.4.2 mx.test Timeout, the connection lasted too long')
}
