load helper

@test "commands out of order are told so, and harm nothing" {
    conversation <<'CLIENT' 4<<'SERVER'
MAIL FROM:<a@example.net>
RCPT TO:<b@example.org>
DATA
RSET
EHLO client.test
RCPT TO:<b@example.org>
DATA
MAIL FROM:<a@example.net>
MAIL FROM:<c@example.net>
DATA
RCPT TO:<b@example.org>
RSET
DATA
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
250 2.0.0 Ok
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
250 2.1.0 Sender ok
503 5.5.1 Bad sequence of commands
554 5.5.1 No valid recipients
250 2.1.5 Recipient ok
250 2.0.0 Ok
503 5.5.1 Bad sequence of commands
221 2.0.0 mx.test closing connection
SERVER
    [ "$(kept_count)" = 0 ]
}

@test "EHLO within a transaction begins anew" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<a@example.net>
HELO other.test
RCPT TO:<b@example.org>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 mx.test
503 5.5.1 Bad sequence of commands
SERVER
}

@test "NOOP, RSET, VRFY and HELP work before and within a transaction" {
    conversation <<'CLIENT' 4<<'SERVER'
NOOP
noop whatever
HELP
HELP MAIL
VRFY someone
VRFY
HELO client.test
MAIL FROM:<a@example.net>
NOOP
VRFY someone
RCPT TO:<b@example.org>
RSET now
rset
QUIT now
CLIENT
220 mx.test ESMTP smtp-handler
250 2.0.0 Ok
250 2.0.0 Ok
214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
252 2.0.0 Send a message, and it will be tried
501 5.5.4 Argument missing
250 mx.test
250 2.1.0 Sender ok
250 2.0.0 Ok
252 2.0.0 Send a message, and it will be tried
250 2.1.5 Recipient ok
501 5.5.4 No argument allowed
250 2.0.0 Ok
501 5.5.4 No argument allowed
SERVER
}

@test "unknown commands get 500, known ones that are not offered 502" {
    conversation <<'CLIENT' 4<<'SERVER'
WHAT
MAILX FROM:<a@example.net>

 NOOP
EXPN staff
TURN
CLIENT
220 mx.test ESMTP smtp-handler
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
502 5.5.1 Command not implemented
502 5.5.1 Command not implemented
SERVER
}

@test "verbs and keywords are the same in either case, and blanks at the end do not matter" {
    conversation <<'CLIENT' 4<<'SERVER'
helo client.test  
mAiL fRoM:<a@example.net>	 
rcpt to: <b@example.org>
quit 
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
221 2.0.0 mx.test closing connection
SERVER
}

@test "parameters that are not offered get 555, wrong values 501" {
    conversation --max-size 1K <<'CLIENT' 4<<'SERVER'
EHLO client.test
MAIL FROM:<a@example.net> FOO=bar
MAIL FROM:<a@example.net> FOO
MAIL FROM:<a@example.net> SIZE=
MAIL FROM:<a@example.net> SIZE=12x
MAIL FROM:<a@example.net> SIZE=1 SIZE=1
MAIL FROM:<a@example.net> BODY=9BIT
MAIL FROM:<a@example.net>SIZE=1
MAIL FROM:<a@example.net> SIZE=1025
MAIL FROM:<a@example.net> SIZE=99999999999999999999
MAIL FROM:<a@example.net> body=8bitmime  size=1024
RCPT TO:<b@example.org> NOTIFY=NEVER
HELO client.test
MAIL FROM:<a@example.net> SIZE=10
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 1024
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
555 5.5.4 Parameter not recognized: FOO=bar
555 5.5.4 Parameter not recognized: FOO
501 5.5.4 Bad parameter: SIZE=
501 5.5.4 Bad parameter: SIZE=12x
501 5.5.4 Bad parameter: SIZE=1
501 5.5.4 Bad parameter: BODY=9BIT
501 5.1.7 Bad sender address syntax
552 5.3.4 Message too large
552 5.3.4 Message too large
250 2.1.0 Sender ok
555 5.5.4 Parameter not recognized: NOTIFY=NEVER
250 mx.test
555 5.5.4 Parameter not recognized: SIZE=10
SERVER
}

@test "recipients elsewhere are refused, those at our domains accepted" {
    conversation --domain two.example <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<b@example.com>
RCPT TO:<b@EXAMPLE.org>
RCPT TO:<b@two.example>
RCPT TO:<b@mx.test>
RCPT TO:<b@localhost>
RCPT TO:<Postmaster>
RCPT TO:<postmaster@example.com>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
SERVER
}

@test "with no --domain the host name and localhost are ours; --domain '*' takes any" {
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nRCPT TO:<a@localhost>\r\nRCPT TO:<a@example.org>\r\n' >client
    "$SMTP_HANDLER" --hostname mx.test true <client 2>log | from_wire | cut -c1-3 | tail -3 | diff - <(printf '250\n250\n550\n')
    "$SMTP_HANDLER" --domain '*' true <client 2>log | from_wire | cut -c1-3 | tail -3 | diff - <(printf '250\n250\n250\n')
}

@test "a list of recipients is heeded, extensions and case apart; postmaster is always there" {
    printf '# ours\n"joe"@example.org\n\n  @two.example \n' >list
    conversation --domain two.example --recipients list <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<joe@example.org>
RCPT TO:<JOE+lists@Example.Org>
RCPT TO:<"joe"@example.org>
RCPT TO:<jim@example.org>
RCPT TO:<anyone@two.example>
RCPT TO:<postmaster@example.org>
RCPT TO:<postmaster>
RCPT TO:<joe@elsewhere.example>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.1.1 No such mailbox, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
SERVER
    grep -q 'recipient result=refused .*to=jim@example.org status=5.1.1' log
}

@test "one-recipient mode defers the second recipient" {
    conversation --one-recipient <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<a@example.org>
RCPT TO:<b@example.org>
DATA
hello
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
    kept_environment 1 | grep -qx 'RECIPIENT=a@example.org'
}
