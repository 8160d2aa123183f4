load helper

# all_get REPLY VERB PATH...: every path gets the reply, each in a transaction of its own, in a session that
# takes any domain. VRFY marks the reply before its own.
all_get() {
    local expected=$1 verb=$2 path
    shift 2
    {
        printf 'HELO c\r\n'
        for path; do
            case $verb in
            MAIL) printf 'MAIL FROM:%s\r\n' "$path" ;;
            RCPT) printf 'MAIL FROM:<>\r\nRCPT TO:%s\r\n' "$path" ;;
            esac
            printf 'VRFY x\r\nRSET\r\n'
        done
    } | handler --domain '*' --max-errors 99 | from_wire | without_ids | awk '/^252 / { print reply } { reply = $0 }' >got
    diff -u <(yes "$expected" | head -$#) got
}

long() { printf "%${1}s" '' | tr ' ' "${2:-x}"; }

@test "a local part may hold every character of an atom" {
    all_get '250 2.1.5 Recipient ok' RCPT "<!#\$%&'*+-/=?^_\`{|}~aZ09@example.org>" '<a.b.c@example.org>'
}

@test "quoted local parts may hold blanks, specials, and quoted pairs" {
    all_get '250 2.1.5 Recipient ok' RCPT '<"john doe"@example.org>' '<"a@b"@example.org>' \
        '<"a\"b\\c"@example.org>' '<""@example.org>' '<".."@example.org>' '<"<>"@example.org>'
}

@test "malformed local parts are refused" {
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<a b@example.org>' '<@example.org>' '<a@>' '<a>' '<>' '<"a@example.org>' \
        '<"a"b@example.org>' '<a"b"@example.org>' '<a(c)@example.org>' '<a,b@example.org>' \
        '<a\b@example.org>' '<"a\">'
}

@test "non-ASCII octets of an address are refused without SMTPUTF8" {
    all_get '553 5.6.7 Non-ASCII recipient address requires SMTPUTF8' RCPT '<jürgen@example.org>' \
        '<a@exämple.org>' '<"ü"@example.org>' '<@ü.example:a@example.org>'
    all_get '550 5.6.7 Non-ASCII sender address requires SMTPUTF8' MAIL '<jürgen@example.net>' '<a@ü>'
}

# Senders and recipients of the messages that were kept.
kept_addresses() {
    local n
    for ((n = 1; n <= $(kept_count); n++)); do
        kept_environment "$n" | grep -E '^(SENDER|RECIPIENT|LOCAL|DOMAIN)=' | sort
    done
}

# mail_comes FROM TO [OPTION...]: a message with these arguments of MAIL and RCPT is delivered.
mail_comes() {
    printf '%s\r\n' 'EHLO c' "MAIL FROM:$1" "RCPT TO:$2" DATA . | handler "${@:3}" | from_wire >said
    tail -1 said | grep -q '^250 2.0.0 Delivered' || { cat said; return 1; }
}

@test "dots may stand anywhere in a local part, which is quoted then" {
    all_get '250 2.1.5 Recipient ok' RCPT '<.a@example.org>' '<a.@example.org>' '<a..b@example.org>' '<...@example.org>' '<.@example.org>'
    mail_comes '<jo..an..77@docomo.example>' '<.user.@example.org>'
    kept_addresses | diff - <(printf '%s\n' DOMAIN=example.org 'LOCAL=".user."' 'RECIPIENT=".user."@example.org' 'SENDER="jo..an..77"@docomo.example')
    kept 1 | head -1 | grep -qFx 'Return-Path: <"jo..an..77"@docomo.example>'
    kept 1 | grep -qF 'for <".user."@example.org>;'
    rm "$KEPT"/*
    mail_comes '<"jo..an"@docomo.example>' '<"a.b"@example.org>'
    kept_addresses | diff - <(printf '%s\n' DOMAIN=example.org LOCAL=a.b RECIPIENT=a.b@example.org 'SENDER="jo..an"@docomo.example')
    # The quotes count.
    all_get '250 2.1.5 Recipient ok' RCPT "<.$(long 252)@example.org>"
    all_get '501 5.1.3 Recipient address too long' RCPT "<.$(long 253)@example.org>"
}

@test "a list of recipients may have such dots with quotes or without" {
    printf 'a..b@example.org\n"c.."@example.org\n' >list
    "$SMTP_HANDLER" --check --domain example.org --recipients list true | grep -qx ok
    for _ in scanned indexed indexed; do
        printf 'RCPT TO:<%s@example.org>\r\n' a..b '"A..b"' c.. '"c.."' a.b '"a...b"'
    done | { printf 'HELO c\r\nMAIL FROM:<>\r\n'; cat; } | handler --recipients list | from_wire | sed 1,3d | cut -c1-9 |
        diff - <(for _ in 1 2 3; do printf '%s\n' '250 2.1.5' '250 2.1.5' '250 2.1.5' '250 2.1.5' '550 5.1.1' '550 5.1.1'; done)
}

@test "domains are labels of letters, digits, underscores and inner hyphens" {
    all_get '250 2.1.5 Recipient ok' RCPT '<a@b>' '<a@1.2>' '<a@a-b.c--d.example>' \
        "<a@$(long 63).example>" '<a@b_c>' '<a@_b.c_>' '<a@_>'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<a@-b.c>' '<a@b-.c>' '<a@b..c>' '<a@.b>' \
        '<a@b.>' "<a@$(long 64).example>"
    mail_comes '<root@app_web_1>' '<a@my_host.example>' --domain my_host.example
    kept_addresses | diff - <(printf '%s\n' DOMAIN=my_host.example LOCAL=a RECIPIENT=a@my_host.example SENDER=root@app_web_1)
}

@test "an underscore may stand in every name: our own, a domain, an entry of the list, the client's host" {
    printf 'a@my_host.example\n@other_host.example\n' >list
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@my_host.example>' 'RCPT TO:<b@my_host.example>' 'RCPT TO:<b@other_host.example>' DATA . |
        PROTO=TCP TCPREMOTEIP=192.0.2.4 TCPREMOTEHOST=client_1.example handler --hostname my_app --domain my_host.example \
            --domain other_host.example --recipients list | from_wire | cut -c1-9 |
        diff - <(printf '%s\n' '220 my_ap' '250 my_ap' '250 2.1.0' '250 2.1.5' '550 5.1.1' '250 2.1.5' '354 Send ' '250 2.0.0')
    kept_environment 1 | grep -qx CLIENT_HOSTNAME=client_1.example
    kept 1 | grep -qF 'from c (client_1.example [192.0.2.4])'
    "$SMTP_HANDLER" --check --domain my_host.example --recipients list true | grep -qx ok
}

@test "a host whose name has an underscore greets with it" {
    needs_root 'name a host'
    printf 'QUIT\r\n' | unshare --uts sh -c 'echo my_app >/proc/sys/kernel/hostname && exec "$0" true' "$SMTP_HANDLER" 2>log | from_wire |
        diff - <(printf '220 my_app ESMTP smtp-handler\n221 2.0.0 my_app closing connection\n')
}

@test "a path without angle brackets ends at the first blank that is not quoted" {
    all_get '250 2.1.5 Recipient ok' RCPT a@example.org ' a@example.org ' '"a b"@example.org' '"a\" > b"@example.org' a..b@example.org \
        @relay.example:a@example.org postmaster 'a@[192.0.2.1]'
    all_get '250 2.1.0 Sender ok' MAIL a@example.net ' "a b"@example.net'
    mail_comes 'a@example.net SIZE=10 BODY=8BITMIME' ' "b c"@example.org'
    kept_addresses | diff - <(printf '%s\n' DOMAIN=example.org 'LOCAL="b c"' 'RECIPIENT="b c"@example.org' SENDER=a@example.net)
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:a@example.net SIZE=x' 'MAIL FROM:a@example.net FOO' | handler | from_wire | tail -2 |
        diff - <(printf '%s\n' '501 5.5.4 Bad parameter: SIZE=x' '555 5.5.4 Parameter not recognized: FOO')
}

@test "an empty path without angle brackets is no sender, nor are halves of the brackets" {
    all_get '501 5.1.7 Bad sender address syntax' MAIL '' ' ' ' SIZE=10' 'SIZE=10' ' SMTPUTF8' 'prdr' 'a@example.net>' '<a@example.net' '>' '<' '@' 'a@' '@example.net' \
        'a@example.net,b@example.net' 'a@example.net(b)'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '' ' ' ' NOTIFY=NEVER' 'a@example.org>' '<a@example.org' a '""' '>' '<' 'a@b,c@d'
}

@test "a sender without a domain gets our hostname" {
    all_get '250 2.1.0 Sender ok' MAIL '<root>' root '<a..b>' '<"a b">' '<postmaster>' "<$(long 255)>"
    all_get '501 5.1.7 Sender address too long' MAIL "<$(long 256)>"
    mail_comes '<root>' '<a@example.org>'
    mail_comes 'cron..job SIZE=5' '<a@example.org>'
    kept_addresses | grep SENDER | diff - <(printf '%s\n' SENDER=root@mx.test 'SENDER="cron..job"@mx.test')
    kept 1 | head -1 | grep -qFx 'Return-Path: <root@mx.test>'
    grep -q 'message result=accepted .* from=root@mx.test ' log
    mail_comes '<>' '<a@example.org>'
    kept_environment 3 | grep -qx SENDER=
    mail_comes '<root>' '<a@example.org>' --hostname Host.EXAMPLE
    kept_environment 4 | grep -qx SENDER=root@host.example
}

@test "address literals of IPv4 and IPv6 are parsed to the letter" {
    all_get '250 2.1.5 Recipient ok' RCPT '<a@[192.0.2.1]>' '<a@[0.0.0.0]>' '<a@[255.255.255.255]>' \
        '<a@[IPv6:::1]>' '<a@[IPv6:::]>' '<a@[ipv6:2001:db8:0:0:0:0:0:1]>' '<a@[IPv6:2001:db8::1]>' \
        '<a@[IPv6:::ffff:192.0.2.1]>' '<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>' '<a@[IPv6:1:2:3:4:5:6::]>' \
        '<a@[::1]>' '<a@[2001:db8:41:8::19]>' '<a@[1:2:3:4:5:6:7:8]>'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<a@[192.0.2]>' '<a@[192.0.2.256]>' \
        '<a@[192.0.2.1.1]>' '<a@[192.0.2.]>' '<a@[1921.0.2.1]>' '<a@[]>' '<a@[192.0.2.1>' \
        '<a@[IPv6:1:2:3:4:5:6:7]>' '<a@[1:2:3:4:5:6:7]>' '<a@[:]>' '<a@[::1%lo]>' '<a@[ipv4:192.0.2.1]>' \
        '<a@[IPv6:1:2:3:4:5:6:7:8:9]>' '<a@[IPv6:1::2::3]>' \
        '<a@[IPv6:12345::]>' '<a@[IPv6:g::]>' '<a@[IPv6:1:2:3:4:5:6:7::]>' '<a@[IPv6:1:]>' \
        '<a@[IPv6::::]>' '<a@[X400:abc]>' '<a@[192.0.2.1]x>'
}

@test "source routes are accepted and dropped" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<@one.example,@two.example:sender@example.net>
RCPT TO:<@relay.example:user@example.org>
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
    kept_environment 1 | grep -qx 'SENDER=sender@example.net'
    kept_environment 1 | grep -qx 'RECIPIENT=user@example.org'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<@a,b:c@d>' '<@a:>' '<@a c@d>' '<@:c@d>' '<@a,:c@d>'
}

@test "MAIL takes the null reverse-path, RCPT does not but takes the bare postmaster" {
    all_get '250 2.1.0 Sender ok' MAIL '<>'
    all_get '501 5.1.7 Bad sender address syntax' MAIL '< >' '<a@example.net>>' '<<a@example.net>>'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<>' '<root>' '<"a b">'
    all_get '250 2.1.5 Recipient ok' RCPT '<postmaster>' '<PostMaster>' '<"postmaster">'
}

@test "addresses are measured to the octet: local part 255, domain 255, path 512" {
    local domain route
    domain=$(long 63).$(long 63).$(long 63).$(long 63)
    route=@$(long 63).$(long 63),@$(long 63).$(long 63)
    all_get '250 2.1.5 Recipient ok' RCPT "<$(long 255)@example.org>" "<a@$domain>" "<$(long 255)@$domain>" \
        "<\"$(long 252) \"@$domain>" "<$route:$(long 242)@example.org>"
    all_get '501 5.1.3 Recipient address too long' RCPT "<$(long 256)@example.org>" "<a@x$domain>" "<\"$(long 253) \"@example.org>" \
        "<$route:$(long 243)@example.org>"
    all_get '250 2.1.0 Sender ok' MAIL "<$(long 255)@$domain>"
    all_get '501 5.1.7 Sender address too long' MAIL "<$(long 256)@example.org>"
}

@test "a needlessly quoted local part is the same as the unquoted one" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<"j\o\e"@example.net>
RCPT TO:<"a \b"@example.org>
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
    kept_environment 1 | grep -qx 'SENDER=joe@example.net'
    kept_environment 1 | grep -qx 'RECIPIENT="a b"@example.org'
    kept_environment 1 | grep -qx 'LOCAL="a b"'
}
