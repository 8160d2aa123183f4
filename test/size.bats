load helper

# SIZE, RFC 1870.

@test "the example of RFC 1870: a size is announced, recipients may differ" {
    echo ned@innosoft.com >list
    conversation --max-size 1000000 --domain innosoft.com --recipients list <<'CLIENT' 4<<'SERVER'
EHLO ymir.claremont.edu
MAIL FROM:<ned@thor.innosoft.com> SIZE=500000
RCPT TO:<ned@innosoft.com>
RCPT TO:<ned@ymir.claremont.edu>
RCPT TO:<ted@innosoft.com>
DATA
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 1000000
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
550 5.1.1 No such mailbox, id ID
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
}

# mail SIZE...: the replies to MAIL with each, under a limit of 1000 octets.
mail() {
    local size
    for size; do
        printf 'EHLO c\r\nMAIL FROM:<>%s\r\n' "$size" | handler --max-size 1000 | from_wire | tail -1
    done
}

@test "a message announced as too large is refused at MAIL, to the octet" {
    mail ' SIZE=0' ' SIZE=1000' ' size=00001000' ' SIZE=1 BODY=8BITMIME' | uniq | diff - <(echo 250 2.1.0 Sender ok)
    mail ' SIZE=1001' ' SIZE=18446744073709551615' ' SIZE=18446744073709551616' ' SIZE=99999999999999999999' |
        uniq | diff - <(echo 552 5.3.4 Message too large)
}

@test "a SIZE that is not a number of up to 20 digits is a bad parameter" {
    mail ' SIZE' ' SIZE=' ' SIZE=-1' ' SIZE=+1' ' SIZE=1K' ' SIZE=0x10' ' SIZE=1.0' ' SIZE=100000000000000000000' ' SIZE=1 SIZE=1' |
        cut -d: -f1 | uniq | diff - <(echo 501 5.5.4 Bad parameter)
}

@test "without a limit EHLO says SIZE 0, and any size is accepted" {
    printf 'EHLO c\r\nMAIL FROM:<> SIZE=99999999999999999999\r\n' | handler --max-size 0 | from_wire >said
    grep -qx '250-SIZE 0' said
    [ "$(tail -1 said)" = '250 2.1.0 Sender ok' ]
}

@test "octets count as sent except stuffed dots, and a wrong announcement does no harm" {
    # 8 lines of 8 octets; the dot that is stuffed counts once, and so does CR LF.
    { printf 'EHLO c\nMAIL FROM:<> SIZE=1\nRCPT TO:<a@example.org>\nDATA\n'; yes ..23456 | head -8; printf '.\n'; } | sed 's/$/\r/' >client
    handler --max-size 64 <client | from_wire | tail -1 | grep -q '^250 2.0.0 Delivered'
    grep -q ' size=64 ' log
    handler --max-size 63 <client | from_wire | tail -1 | grep -q '^552 5.3.4'
}
