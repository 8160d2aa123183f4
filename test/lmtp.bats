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
451 4.3.0 Local error in processing, try again later, id ID
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

@test "in LMTP a recipient whose mail is thrown away is answered as the others are" {
    delivery=(sh -c 'exit "${EXTENSION:-0}"')
    printf '%s\r\n' 'LHLO c' 'MAIL FROM:<s@example.net>' 'RCPT TO:<a@example.org>' 'RCPT TO:<b+99@example.org>' DATA x . QUIT |
        handler --lmtp | from_wire | without_ids | tail -3 | head -2 | diff - <(printf '250 2.0.0 Delivered, id ID\n%.0s' 1 2)
    grep -q 'message result=accepted .* to=a@example.org ' log
    grep -q 'message result=discarded .* to=b+99@example.org ' log
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

@test "in LMTP DATA without a valid recipient gets 503" {
    { printf 'LHLO c\nMAIL FROM:<>\nRCPT TO:<a@elsewhere.example>\nDATA\nQUIT\n'; } | sed 's/$/\r/' | handler --lmtp >replies
    from_wire <replies | tail -2 | head -1 | grep -qx '503 5.5.1 Bad sequence of commands'
}

@test "in LMTP a message refused as a whole is refused for each recipient" {
    { printf 'LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\ny\r\n.\r\nNOOP\r\n'; } |
        handler --lmtp | from_wire | without_ids | tail -3 |
        diff - <(printf '%s\n' '554 5.6.11 Bare CR or LF not allowed, id ID' '554 5.6.11 Bare CR or LF not allowed, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 0 ]
}

@test "in LMTP chunks have one reply each, the last one a reply for each recipient" {
    { printf 'LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nNOOP\r\n'; } |
        handler --lmtp | from_wire | without_ids | tail -4 |
        diff - <(printf '%s\n' '250 2.0.0 3 octets taken' '250 2.0.0 Delivered, id ID' '250 2.0.0 Delivered, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 2 ]
}

@test "in LMTP a thousand recipients have a thousand replies, and the next message goes on" {
    delivery=("$commands/end" 0)
    { printf 'LHLO c\nMAIL FROM:<>\n'; seq -f 'RCPT TO:<user%g@example.org>' 1000; printf 'DATA\nx\n.\nNOOP\nQUIT\n'; } |
        sed 's/$/\r/' | handler --lmtp --log none | from_wire >said
    [ "$(grep -c '^250 2.0.0 Delivered' said)" = 1000 ]
    [ "$(tail -2 said | cut -c1-9 | tr '\n' ' ')" = '250 2.0.0 221 2.0.0 ' ]
}

@test "no reply waits for a client that delays its TCP acknowledgement of the one before" {
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
assert any(replies_to_two() < 0.03 for _ in range(200)) # Linux delays by 40 ms or more, each time
END
}

# large MIB COUNT: a message of so many MiB for so many recipients.
large() {
    printf 'LHLO c\r\nMAIL FROM:<>\r\n'
    seq -f $'RCPT TO:<user%g@example.org>\r' "$2"
    printf 'BDAT %d LAST\r\n' $(($1 * 1024 * 1024))
    yes 'a line of 32 octets, with its en'$'\r' | head -c $(($1 * 1024 * 1024 - 2))
    printf '\r\n'
}

@test "copies of a message have 256 MiB in all, or there is one; the other recipients are deferred" {
    delivery=("$commands/end" 0)
    large 90 4 | handler --lmtp --max-size 0 | from_wire | without_ids | tail -4 | uniq -c |
        diff - <(printf '%7d %s\n' 2 '250 2.0.0 Delivered, id ID' 2 '452 4.3.1 Too large for so many recipients, try again for this one')
    [ "$(grep -c 'message result=deferred .* status=4.3.1' log)" = 2 ]
    large 257 2 | handler --lmtp --max-size 0 --no-trace --data-timeout 600 | tail -2 | cut -c1-9 | uniq -c | grep -qx '      2 250 2.0.0' # no copies
    # The next message counts anew.
    { large 1 3; large 1 100 | tail -n +2; } | handler --lmtp | grep -c '^250 2.0.0 Delivered' | grep -qx 103
}
