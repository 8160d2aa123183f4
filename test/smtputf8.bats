load helper

# SMTPUTF8, RFC 6531.

# asked PATH...: the reply to RCPT for each path, in a transaction that asked for SMTPUTF8.
asked() {
    { printf 'EHLO c\nMAIL FROM:<> SMTPUTF8\n'; printf 'RCPT TO:%b\n' "$@"; } | sed 's/$/\r/' |
        handler --max-errors 99 "${options[@]}" | from_wire | without_ids | sed '1,/^250 2.1.0/d'
}

# all_get REPLY PATH...
all_get() {
    local expected=$1
    shift
    asked "$@" >got
    diff -u <(yes "$expected" | head -$#) got
}

@test "a message with UTF-8 in addresses and header arrives as it was sent" {
    delivery=("$commands/keep" "{sender}" "{recipient}" "{local}" "{domain}" "{extension}")
    conversation <<'CLIENT' 4<<'SERVER'
EHLO client.test
MAIL FROM:<jürgen@bücher.example> SMTPUTF8 BODY=8BITMIME
RCPT TO:<用户+标签@example.org>
DATA
Subject: Grüße

世界 🌍
.
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
250-PRDR
250 LIMITS MAILMAX=1000 RCPTMAX=1
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    kept_arguments 1 | diff - <(printf '<%s>\n' 'jürgen@bücher.example' '用户+标签@example.org' '用户+标签' example.org 标签)
    kept 1 | sed -n '1,/with/p' | sed 's/id .*//' | diff - <(cat <<'TRACE'
Return-Path: <jürgen@bücher.example>
Delivered-To: 用户+标签@example.org
Received: from client.test
	by mx.test with UTF8SMTP 
TRACE
)
    kept 1 | tail -3 | diff - <(printf 'Subject: Grüße\n\n世界 🌍\n')
    kept_environment 1 | grep -qx 'SENDER=jürgen@bücher.example'
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=UTF8SMTP
    # The log stays in ASCII.
    grep -q 'message .*from="j\\xc3\\xbcrgen@b\\xc3\\xbccher.example"' log
}

@test "LMTP offers SMTPUTF8" {
    printf 'LHLO c\r\nMAIL FROM:<ü@example.net> SMTPUTF8\r\nRCPT TO:<ü@example.org>\r\nDATA\r\n.\r\n' | handler --lmtp >replies
    from_wire <replies | grep -qx '250-SMTPUTF8'
    kept 1 | grep -q 'with UTF8LMTP id'
}

@test "the parameter SMTPUTF8 has no value, and needs EHLO" {
    printf 'MAIL FROM:<a@b> SMTPUTF8=x\nMAIL FROM:<a@b> smtputf8\n' | { echo 'EHLO c'; cat; } | sed 's/$/\r/' | handler |
        from_wire | tail -2 | diff - <(printf '%s\n' '501 5.5.4 Bad parameter: SMTPUTF8=x' '250 2.1.0 Sender ok')
    printf 'HELO c\r\nMAIL FROM:<a@b> SMTPUTF8\r\n' | handler | from_wire | tail -1 |
        grep -qx '555 5.5.4 Parameter not recognized: SMTPUTF8'
}

@test "SMTPUTF8 counts for one transaction alone" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<a@b> SMTPUTF8' RSET 'MAIL FROM:<a@b>' 'RCPT TO:<ü@example.org>' | handler |
        from_wire | tail -1 | grep -qx '553 5.6.7 Non-ASCII recipient address requires SMTPUTF8'
}

@test "well-formed UTF-8 of every length may stand in a local part, quoted or not" {
    all_get '250 2.1.5 Recipient ok' '<\xc2\xa0@example.org>' '<\xdf\xbf@example.org>' '<\xe0\xa0\x80@example.org>' \
        '<\xed\x9f\xbf@example.org>' '<\xee\x80\x80@example.org>' '<\xf0\x90\x80\x80@example.org>' \
        '<\xf4\x8f\xbf\xbf@example.org>' '<a.ü.b@example.org>' '<"ü x"@example.org>' '<"ü"@example.org>'
}

@test "an address with malformed UTF-8 is refused" {
    all_get '501 5.1.3 Bad recipient address syntax' '<\x80@example.org>' '<\xff@example.org>' '<\xc3@example.org>' \
        '<\xc0\xaf@example.org>' '<\xc1\xbf@example.org>' '<\xe0\x9f\xbf@example.org>' '<\xed\xa0\x80@example.org>' \
        '<\xed\xbf\xbf@example.org>' '<\xf0\x8f\xbf\xbf@example.org>' '<\xf4\x90\x80\x80@example.org>' \
        '<\xf8\x88\x80\x80\x80@example.org>' '<\xc3(@example.org>' '<"\xc3"@example.org>' '<"\\ü"@example.org>' \
        '<a@\xc3.example>' '<a@\xe2\x82>'
}

@test "non-ASCII control characters and line separators are refused in an address" {
    all_get '501 5.1.3 Bad recipient address syntax' '<\xc2\x80@example.org>' '<\xc2\x85@example.org>' \
        '<\xc2\x9f@example.org>' '<\xe2\x80\xa8@example.org>' '<"\xe2\x80\xa9"@example.org>' '<a@\xc2\x85.example>'
}

@test "characters that change the direction of writing are refused, their neighbours are not" {
    all_get '501 5.1.3 Bad recipient address syntax' '<a\xd8\x9cb@example.org>' '<\xe2\x80\x8e@example.org>' \
        '<\xe2\x80\x8f@example.org>' '<\xe2\x80\xaa@example.org>' '<"\xe2\x80\xae"@example.org>' \
        '<a@\xe2\x80\xae.example>' '<\xe2\x81\xa6@example.org>' '<\xe2\x81\xa9@example.org>'
    all_get '250 2.1.5 Recipient ok' '<\xd8\x9b@example.org>' '<\xd8\x9d@example.org>' '<\xe2\x80\x8d@example.org>' \
        '<\xe2\x80\x90@example.org>' '<\xe2\x80\xa7@example.org>' '<\xe2\x80\xaf@example.org>' \
        '<\xe2\x81\xa5@example.org>' '<\xe2\x81\xaa@example.org>'
}

@test "needless quotes around UTF-8 are dropped, as with ASCII" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<"jürgen"@example.org>' 'RCPT TO:<"j ü"@example.org>' DATA . | handler >replies
    kept_environment 1 | grep -A1 '^RECIPIENTS=' | diff - <(printf 'RECIPIENTS=jürgen@example.org\n"j ü"@example.org\n')
}

@test "local parts of UTF-8 may have 255 octets, whatever characters they make" {
    local exact
    exact=$(printf 'ü%.0s' $(seq 127))
    all_get '250 2.1.5 Recipient ok' "<x$exact@example.org>"
    all_get '501 5.1.3 Recipient address too long' "<xy$exact@example.org>"
}

@test "the U-label and the A-label of one domain are equal" {
    options=(--domain bücher.example --domain xn--r8jz45g.example)
    all_get '250 2.1.5 Recipient ok' '<a@bücher.example>' '<a@xn--bcher-kva.example>' '<a@XN--BCHER-KVA.EXAMPLE>' \
        '<a@bücher.EXAMPLE>' '<a@例え.example>'
    all_get '550 5.7.1 Relaying denied, id ID' '<a@bucher.example>' '<a@xn--bcher-kvb.example>' '<a@büchen.example>' \
        '<a@例.example>' '<a@⒈.example>'
}

@test "the U-label and the A-label of one domain are equal above others, too" {
    printf '@*.bücher.example\n' >list
    options=(--domain '*.xn--bcher-kva.example' --recipients list)
    all_get '250 2.1.5 Recipient ok' '<a@b.bücher.example>' '<a@b.c.xn--bcher-kva.example>'
    all_get '550 5.7.1 Relaying denied, id ID' '<a@bücher.example>' '<a@xbücher.example>' '<a@example>'
    refute "$SMTP_HANDLER" --check --domain '*.⒈.example' true >said 2>&1
    grep -qF 'domain *.⒈.example: no internationalized domain name' said
}

@test "a name that is not a U-label equals no A-label" {
    options=(--domain bücher.example --domain example.org)
    all_get '550 5.7.1 Relaying denied, id ID' '<a@BÜCHER.example>' '<a@bu\xcc\x88cher.example>' '<a@ｂücher.example>' \
        '<a@bücher。example>' '<a@bü\xc2\xadcher.example>' '<a@bücher.\xe2\x80\x8bexample>' '<a@ｅxample.org>' '<a@example。org>'
}

@test "without --domain both spellings of an internationalized hostname are ours" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<a@bücher.example>' 'RCPT TO:<a@xn--bcher-kva.example>' 'RCPT TO:<a@bucher.example>' |
        "$SMTP_HANDLER" --newlines strict --hostname xn--bcher-kva.example true 2>log | from_wire | tail -3 | cut -c1-3 |
        diff - <(printf '250\n250\n550\n')
}

@test "a label of UTF-8 may be longer than 63 octets" {
    options=(--domain '*')
    all_get '250 2.1.5 Recipient ok' "<a@$(printf 'ü%.0s' {1..35}).example>"
}

@test "the U-label and the A-label of one domain are equal in the list of recipients, too" {
    printf 'jürgen@bücher.example\n@xn--r8jz45g.example\n' >list
    options=(--domain '*' --recipients list)
    all_get '250 2.1.5 Recipient ok' '<jürgen@bücher.example>' '<jürgen@xn--bcher-kva.example>' '<jürgen+x@bücher.example>' '<a@例え.example>'
    all_get '550 5.1.1 No such mailbox, id ID' '<jurgen@bücher.example>' '<a@bücher.example>' '<Jürgen@bucher.example>'
    "$SMTP_HANDLER" --check --domain '*' --recipients list true | grep -qx ok
}

@test "--check names a domain that IDNA does not allow" {
    refute "$SMTP_HANDLER" --check --domain example.org --domain ⒈.example true 2>said
    grep -qx 'smtp-handler: domain ⒈.example: no internationalized domain name; see smtp-handler.conf(5), RECIPIENTS' said
    printf 'a@bücher.example\na@⒈.example\n' >list
    refute "$SMTP_HANDLER" --check --recipients list true 2>said
    grep -qx 'smtp-handler: list:2: domain ⒈.example: no internationalized domain name; see smtp-handler.conf(5), RECIPIENTS' said
    refute "$SMTP_HANDLER" --check --hostname bücher.example true 2>said
    grep -qx "smtp-handler: option hostname: 'bücher.example' is not a domain name; see --help or smtp-handler.conf(5)" said
}

# bats test_tags=libidn2
@test "libidn2 is loaded when an internationalized recipient turns up, and not before" {
    loads() {
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<ü@bücher.example> SMTPUTF8' "RCPT TO:<$1>" |
            traced -e trace=openat -o trace "$SMTP_HANDLER" --no-sandbox --newlines strict --domain "$2" true >replies 2>/dev/null
        grep -q libidn2 trace
    }
    refute loads ü@example.org example.org
    refute loads ü@example.net bücher.example
    loads ü@bücher.example xn--bcher-kva.example
    loads ü@xn--bcher-kva.example bücher.example
}

# bats test_tags=libidn2
@test "without libidn2 a recipient that may be ours is deferred, others are not" {
    mkdir lib
    : >lib/libidn2.so.0
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<a@bücher.example>' 'RCPT TO:<a@xn--bcher-kva.example>' 'RCPT TO:<b@xn--bcher-kva.example>' 'RCPT TO:<a@example.net>' |
        LD_LIBRARY_PATH=lib handler --log stderr --domain bücher.example | from_wire | tail -4 | cut -c1-9 |
        diff - <(printf '250 2.1.5\n451 4.3.5\n451 4.3.5\n550 5.7.1\n')
    [ "$(grep -c 'trouble .*libidn2 is missing' log)" = 1 ] # once a connection
    # What is there as it was given is known.
    for domain in '*' bücher.example; do
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<a@bücher.example>' |
            LD_LIBRARY_PATH=lib handler --domain xn--r8jz45g.example --domain "$domain" | from_wire | tail -1 | grep -q ^250
    done
}
