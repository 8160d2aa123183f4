load helper

# PIPELINING, RFC 2920.

@test "the first example of RFC 2920: a group up to DATA, the message with QUIT behind it" {
    conversation --domain innosoft.com <<'CLIENT' 4<<'SERVER'
EHLO dbc.mtview.ca.us
MAIL FROM:<mrose@dbc.mtview.ca.us>
RCPT TO:<ned@innosoft.com>
RCPT TO:<dan@innosoft.com>
RCPT TO:<kvc@innosoft.com>
DATA
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
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
}

@test "the second example of RFC 2920: a group whose recipients are all refused" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO dbc.mtview.ca.us
MAIL FROM:<mrose@dbc.mtview.ca.us>
RCPT TO:<nsb@thumper.bellcore.com>
RCPT TO:<galvin@tis.com>
DATA
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
554 5.5.1 No valid recipients
221 2.0.0 mx.test closing connection
SERVER
}

@test "a command that must end a group and does not is answered, and the log notes the first" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org true
    eventually is_listening "$port"
    # says OCTETS...: each sent when the one before is answered.
    says() {
        local octets
        : >background
        exec 9<>"/dev/tcp/127.0.0.1/$port"
        read -r _ <&9
        for octets; do
            printf '%b' "$octets" >client
            cat client >&9 # in one write
            sed '/^... /q' <&9 >/dev/null
        done
        exec 9>&-
        eventually grep -q 'connection .*ended=' background
    }
    says 'HELO c\r\n' 'MAIL FROM:<>\r\nRSET\r\n' 'NOOP\r\n'
    refute grep -q pipelined_behind background
    says 'HELO c\r\nNOOP\r\n'
    grep -q 'connection .* pipelined_behind=HELO ' background
    says 'EHLO c\r\n' 'MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\nVRFY x\r\nQUIT\r\n'
    grep -q 'connection .* pipelined_behind=DATA ' background
    says 'VRFY x\r\nNOOP\r\n'
    grep -q 'connection .* pipelined_behind=VRFY ' background
    for line in 'QUIT' 'NOOP' 'EXPN x' 'BDAT 0' 'HELP' 'RSET' 'MAIL FROM:<>' 'RCPT TO:<a@b>' 'SEND x' 'BAD'; do
        says "$line\\r\\nRSET\\r\\n"
        sed -n 's/.* pipelined_behind=\([A-Z]*\) .*/\1/p' background
    done >noted
    diff noted - <<<$'QUIT\nNOOP\nEXPN'
    # Without a network nobody waits.
    one_message | sed 's/$/\r/' | handler >replies
    refute grep -q pipelined_behind log
}

@test "a group of commands is answered in order, in one write" {
    one_message | sed 's/$/\r/' >client
    traced -f -e trace=write -e write=none -o trace "$SMTP_HANDLER" --domain example.org true <client >replies 2>log
    # The greeting, the replies up to the delivery, those behind it.
    [ "$(grep -c 'write(1,' trace)" = 3 ]
}

@test "replies that wait are written before the delivery command is run" {
    cat >slow <<'EOF'
#!/bin/sh
grep -q '^354' replies && echo replies were there
EOF
    chmod +x slow
    one_message | sed 's/$/\r/' | "$SMTP_HANDLER" --domain example.org --newlines strict ./slow >replies 2>log
    from_wire <replies | grep -qx '250 2.0.0 replies were there'
}

@test "commands behind the message wait for its reply" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<a@example.org>
DATA
one
.
MAIL FROM:<>
RCPT TO:<b@example.com>
RCPT TO:<b@example.org>
DATA
two
.
RSET
QUIT
NOOP
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
250 2.1.0 Sender ok
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
250 2.0.0 Ok
221 2.0.0 mx.test closing connection
SERVER
}

@test "thousands of commands at once are all answered" {
    { echo HELO c; yes NOOP | head -20000; echo QUIT; } | sed 's/$/\r/' | handler --max-errors 20000 >replies
    [ "$(from_wire <replies | grep -c '^250 2.0.0 Ok')" = 20000 ]
}

@test "however pipelined octets are cut, the session says and wants the same" {
    {
        printf 'EHLO c\nMAIL FROM:<a@b.example> SIZE=12\nRCPT TO:<nobody@d>\nRCPT TO:<later@d>\nRCPT TO:<e@f>\n'
        printf 'DATA\n.\n..\n.x\n\n.\nMAIL FROM:<refused@b>\nRCPT TO:<e@f>\nDATA\nx\n.\n'
        printf 'BAD\nNOOP\nRSET\nQUIT\n'
    } | sed 's/$/\r/' >client
    session_driver every <client >whole
    for size in 1 2 3 5 7 11 64; do
        session_driver "$size" <client | diff whole - || { echo "cut into $size"; return 1; }
    done
    grep -q '^WANT_DELIVERY' whole
}

@test "a client that ends its input before it reads loses nothing" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org --max-errors 5000 "$commands/keep"
    eventually is_listening "$port"
    python3 - "$port" <<'EOF' >replies
import fcntl, socket, sys, termios
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"HELO c\r\n" + b"NOOP\r\n" * 5000
          + b"MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n")
s.shutdown(socket.SHUT_WR)
# Not before all of it, the end too, is at the server.
while fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)) != bytes(4):
    s.recv(1, socket.MSG_PEEK)
while data := s.recv(1000):
    sys.stdout.buffer.write(data)
EOF
    [ "$(grep -c '^250 2.0.0 Ok' replies)" = 5000 ]
    from_wire <replies | tail -2 | cut -c1-19 | diff - <(printf '250 2.0.0 Delivered\n250 2.1.0 Sender ok\n')
    [ "$(kept_count)" = 1 ]
    eventually grep -q 'connection .*ended=eof' background
}
