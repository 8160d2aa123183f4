load helper

# 8BITMIME, RFC 6152.

@test "the example of RFC 6152: eight bits are announced, and arrive" {
    conversation --no-trace --domain dbc.mtview.ca.us <<'CLIENT' 4<<'SERVER'
EHLO ymir.claremont.edu
MAIL FROM:<ned@ymir.claremont.edu> BODY=8BITMIME
RCPT TO:<mrose@dbc.mtview.ca.us>
DATA
Blah blah grüße
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
    [ "$(kept 1)" = 'Blah blah grüße' ]
}

@test "every octet but CR and LF arrives unchanged, whatever BODY says" {
    python3 -c 'import sys; sys.stdout.buffer.write(bytes(c for c in range(256) if c not in b"\r\n"))' >octets
    for body in '' ' BODY=7BIT' ' BODY=8BITMIME' ' body=8bitmime'; do
        { printf 'EHLO c\r\nMAIL FROM:<>%s\r\nRCPT TO:<a@example.org>\r\nDATA\r\n' "$body"; cat octets; printf '\r\n.\r\n'; } |
            handler --no-trace | from_wire | tail -1 | grep -q '^250 2.0.0 Delivered'
        kept "$(kept_count)" | diff <(cat octets; echo) -
    done
    [ "$(kept_count)" = 4 ]
}

@test "an unknown BODY is a bad parameter, and so is any BODY without EHLO" {
    for body in BODY BODY= BODY=9BIT 'BODY=7BIT BODY=7BIT'; do
        printf 'EHLO c\r\nMAIL FROM:<> %s\r\n' "$body" | handler | from_wire | tail -1 | grep -q '^501 5.5.4 Bad parameter: BODY'
    done
    printf 'HELO c\r\nMAIL FROM:<> BODY=8BITMIME\r\n' | handler | from_wire | tail -1 |
        grep -qx '555 5.5.4 Parameter not recognized: BODY=8BITMIME'
}
