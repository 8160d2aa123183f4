load helper
load peers

# LMTP, RFC 2033.

# A delivery command whose exit status is in the recipient's extension.
by_extension=(sh -c 'cat >"$KEPT/$LOCAL.message"; exit "${EXTENSION:-0}"')

@test "the example of RFC 2033: each recipient has a reply of its own, in order" {
    delivery=("${by_extension[@]}")
    conversation --lmtp --max-messages 7 --max-recipients 9 <<'CLIENT' 4<<'SERVER'
LHLO foo.edu
MAIL FROM:<chris@bar.com>
RCPT TO:<pat@example.org>
RCPT TO:<jones@elsewhere.example>
RCPT TO:<green+67@example.org>
RCPT TO:<brown+75@example.org>
DATA
Blah blah blah...
.
QUIT
CLIENT
220 mx.test LMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=7 RCPTMAX=9
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
550 5.1.1 No such mailbox, id ID
451 4.3.0 Trouble here, try again later, id ID
221 2.0.0 mx.test closing connection
SERVER
    # Each got the whole message.
    [ "$(kept_count)" = 3 ]
    for name in pat green+67 brown+75; do kept "$name" | tail -1 | grep -qx 'Blah blah blah...'; done
    kept pat | grep -q 'with LMTP id'
    grep -q 'message result=accepted .*to=pat@example.org' log
    grep -q 'message result=refused .*to=green+67@example.org' log
    grep -q 'message result=deferred .*to=brown+75@example.org' log
}

@test "HELO and EHLO are not LMTP, LHLO is not SMTP" {
    conversation --lmtp <<'CLIENT' 4<<'SERVER'
HELO c
EHLO c
MAIL FROM:<>
CLIENT
220 mx.test LMTP smtp-handler
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
503 5.5.1 Bad sequence of commands
SERVER
    conversation <<'CLIENT' 4<<'SERVER'
LHLO c
CLIENT
220 mx.test ESMTP smtp-handler
500 5.5.2 Command not recognized
SERVER
}

@test "DATA without a valid recipient is 503" {
    { printf 'LHLO c\nMAIL FROM:<>\nRCPT TO:<a@elsewhere.example>\nDATA\nQUIT\n'; } | sed 's/$/\r/' | handler --lmtp >replies
    from_wire <replies | tail -2 | head -1 | grep -qx '503 5.5.1 Bad sequence of commands'
}

@test "a message refused as a whole is refused to each recipient" {
    { printf 'LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\ny\r\n.\r\nNOOP\r\n'; } |
        handler --lmtp | from_wire | without_ids | tail -3 |
        diff - <(printf '%s\n' '554 5.6.11 Only CR LF may end a line, id ID' '554 5.6.11 Only CR LF may end a line, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 0 ]
}

@test "chunks have one reply each, the last one a reply for each recipient" {
    { printf 'LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nNOOP\r\n'; } |
        handler --lmtp | from_wire | without_ids | tail -4 |
        diff - <(printf '%s\n' '250 2.0.0 3 octets taken' '250 2.0.0 Delivered, id ID' '250 2.0.0 Delivered, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 2 ]
}

@test "a thousand recipients have a thousand replies, and the next message goes on" {
    delivery=("$commands/end" 0)
    { printf 'LHLO c\nMAIL FROM:<>\n'; seq -f 'RCPT TO:<user%g@example.org>' 1000; printf 'DATA\nx\n.\nNOOP\nQUIT\n'; } |
        sed 's/$/\r/' | handler --lmtp --log none | from_wire >said
    [ "$(grep -c '^250 2.0.0 Delivered' said)" = 1000 ]
    [ "$(tail -2 said | cut -c1-9 | tr '\n' ' ')" = '250 2.0.0 221 2.0.0 ' ]
}

@test "no reply waits for the client to acknowledge the one before, which it delays" {
    delivery=(true)
    start_handler --lmtp
    PYTHONPATH=$commands python3 - "$port" <<'END'
import sys, time
from client import Client
client = Client(sys.argv[1])
client.expect("250", "LHLO client.test")
def replies_to_two():
    client.expect("250", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>")
    client.expect("354", "DATA")
    began = time.monotonic()
    client.send(b"Subject: two\r\n\r\n.\r\n")
    assert client.reply().startswith("250") and client.reply().startswith("250")
    return time.monotonic() - began
quickest = min(replies_to_two() for _ in range(5))
assert quickest < 0.03, quickest # Linux delays by 40 ms at least
END
}
