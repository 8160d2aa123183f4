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

@test "every legal atom character may stand in a local part" {
    all_get '250 2.1.5 Recipient ok' RCPT "<!#\$%&'*+-/=?^_\`{|}~aZ09@example.org>" '<a.b.c@example.org>'
}

@test "quoted local parts may hold blanks, specials, and quoted pairs" {
    all_get '250 2.1.5 Recipient ok' RCPT '<"john doe"@example.org>' '<"a@b"@example.org>' \
        '<"a\"b\\c"@example.org>' '<""@example.org>' '<".."@example.org>' '<"<>"@example.org>'
}

@test "malformed local parts are refused" {
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<.a@example.org>' '<a.@example.org>' \
        '<a..b@example.org>' '<a b@example.org>' '<@example.org>' '<a@>' '<a>' '<>' '<"a@example.org>' \
        '<"a"b@example.org>' '<a"b"@example.org>' '<a(c)@example.org>' '<a,b@example.org>' \
        '<a\b@example.org>' '<"a\">'
}

@test "octets beyond ASCII are refused while nothing was agreed on" {
    all_get '553 5.6.7 Recipient address beyond ASCII without SMTPUTF8' RCPT '<jürgen@example.org>' \
        '<a@exämple.org>' '<"ü"@example.org>' '<@ü.example:a@example.org>'
    all_get '550 5.6.7 Sender address beyond ASCII without SMTPUTF8' MAIL '<jürgen@example.net>' '<a@ü>'
}

@test "domains are labels of letters, digits and inner hyphens" {
    all_get '250 2.1.5 Recipient ok' RCPT '<a@b>' '<a@1.2>' '<a@a-b.c--d.example>' \
        "<a@$(long 63).example>"
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<a@-b.c>' '<a@b-.c>' '<a@b..c>' '<a@.b>' \
        '<a@b.>' '<a@b_c>' "<a@$(long 64).example>"
}

@test "address literals of IPv4 and IPv6 are parsed to the letter" {
    all_get '250 2.1.5 Recipient ok' RCPT '<a@[192.0.2.1]>' '<a@[0.0.0.0]>' '<a@[255.255.255.255]>' \
        '<a@[IPv6:::1]>' '<a@[IPv6:::]>' '<a@[ipv6:2001:db8:0:0:0:0:0:1]>' '<a@[IPv6:2001:db8::1]>' \
        '<a@[IPv6:::ffff:192.0.2.1]>' '<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>' '<a@[IPv6:1:2:3:4:5:6::]>'
    all_get '501 5.1.3 Bad recipient address syntax' RCPT '<a@[192.0.2]>' '<a@[192.0.2.256]>' \
        '<a@[192.0.2.1.1]>' '<a@[192.0.2.]>' '<a@[1921.0.2.1]>' '<a@[]>' '<a@[192.0.2.1>' \
        '<a@[::1]>' '<a@[IPv6:1:2:3:4:5:6:7]>' '<a@[IPv6:1:2:3:4:5:6:7:8:9]>' '<a@[IPv6:1::2::3]>' \
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

@test "the null reverse-path and the bare postmaster stand where RFC 5321 has them" {
    all_get '250 2.1.0 Sender ok' MAIL '<>'
    all_get '501 5.1.7 Bad sender address syntax' MAIL '<postmaster>' '< >' '' 'a@example.net' '<a@example.net' \
        '<a@example.net>>' '<<a@example.net>>'
    all_get '250 2.1.5 Recipient ok' RCPT '<postmaster>' '<PostMaster>' '<"postmaster">'
}

@test "lengths are checked at the octet: local part 64, domain 255, path 256" {
    all_get '250 2.1.5 Recipient ok' RCPT "<$(long 64)@example.org>" \
        "<a@$(long 63).$(long 63).$(long 63).$(long 60)>"
    all_get '501 5.1.3 Recipient address too long' RCPT "<$(long 65)@example.org>" \
        "<a@$(long 63).$(long 63).$(long 63).$(long 61)>" \
        "<a@$(long 63).$(long 63).$(long 63).$(long 64)>" \
        "<@$(long 63).$(long 63),@$(long 63).$(long 63):a@example.org>"
    all_get '501 5.1.7 Sender address too long' MAIL "<$(long 65)@example.org>"
}

@test "a needlessly quoted local part is the same as the plain one" {
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
