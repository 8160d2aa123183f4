load helper

# XCLIENT, as Postfix has it: a proxy names the client that it speaks for.

# The proxy, as a UCSPI server would tell of it.
from_proxy() {
    PROTO=TCP TCPREMOTEIP=${proxy:-192.0.2.7} TCPREMOTEPORT=4711 TCPREMOTEHOST=proxy.test TCPLOCALIP=192.0.2.1 "$@"
}

@test "XCLIENT names the client in Received, log, variables and macros" {
    delivery=("$commands/keep" '{client_address}' '{helo}')
    from_proxy conversation --xclient 192.0.2.0/24 <<'CLIENT' 4<<'SERVER'
EHLO proxy.test
XCLIENT ADDR=203.0.113.5 NAME=client.example.net PORT=1025
EHLO client.test
MAIL FROM:<sender@example.net>
RCPT TO:<user@example.org>
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
250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT
250 LIMITS MAILMAX=1000 RCPTMAX=1000
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
    kept 1 | grep -qF 'Received: from client.test (client.example.net [203.0.113.5])'
    kept_arguments 1 | diff - <(printf '<%s>\n' 203.0.113.5 client.test)
    kept_environment 1 | grep '^CLIENT_' | sort | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=client.test \
        HOSTNAME=client.example.net PORT=1025 PROTOCOL=ESMTP)
    grep -q 'message result=accepted .*client=203.0.113.5 hostname=client.example.net helo=client.test' log
    grep -q 'connection client=203.0.113.5 hostname=client.example.net proxy=192.0.2.7' log
}

# told ATTRIBUTES [LINE...]: the reply to XCLIENT, and to each line after it.
told() {
    local attributes=$1
    shift
    printf '%s\r\n' "XCLIENT $attributes" "$@" | from_proxy handler --xclient 192.0.2.7 "${options[@]}" | from_wire | tail -n +2
}

# A message behind XCLIENT; what is known of the client is in `environment`.
message_behind() {
    rm -f "$KEPT"/*
    told "$1" "${@:2}" 'MAIL FROM:<s@example.net>' 'RCPT TO:<user@example.org>' DATA . >said
    tail -1 said | grep -q '^250 2.0.0 Delivered'
    kept_environment 1 | grep -E '^(CLIENT|SASL)_' | sort >environment
}

@test "outside of --xclient, XCLIENT is neither offered nor obeyed" {
    local says=('EHLO c' 'XCLIENT ADDR=203.0.113.5 LOGIN=root' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA .)
    printf '%s\r\n' "${says[@]}" | from_proxy handler | from_wire >said
    refute grep -q '250.XCLIENT' said
    grep -qx '550 5.7.0 XCLIENT not permitted' said
    kept 1 | grep -qF '(proxy.test [192.0.2.7])'
    kept_environment 1 | refute grep -q '^SASL_'
    proxy=192.0.2.8
    printf '%s\r\n' "${says[@]}" | from_proxy handler --xclient 192.0.2.7 | from_wire | diff <(without_ids <said) <(without_ids)
    printf '%s\r\n' "${says[@]}" | handler --xclient ::/0 | from_wire | diff <(without_ids <said) <(without_ids)
}

# is_believed NETWORKS ADDRESS
is_believed() {
    printf 'EHLO c\r\n' | proxy=$2 from_proxy handler --xclient "$1" | grep -q '^250-XCLIENT'
}

@test "--xclient takes networks of IPv4 and IPv6, in lists, and repeated" {
    is_believed 192.0.2.7 192.0.2.7
    is_believed '10.0.0.0/8, 192.0.2.0/29' 192.0.2.7
    is_believed '::ffff:192.0.2.0/120' 192.0.2.7
    is_believed 0.0.0.0/0 203.0.113.9
    is_believed 192.0.2.7 ::ffff:192.0.2.7
    is_believed 2001:db8::/33 2001:db8:7fff::1
    is_believed '10.0.0.0/8 ::1' ::1
    refute is_believed 192.0.2.0/29 192.0.2.8
    refute is_believed 2001:db8::/33 2001:db8:8000::1
    refute is_believed 0.0.0.0/0 ::1
    printf 'EHLO c\r\n' | from_proxy handler --xclient ::1 --xclient 192.0.2.7 | grep -q '^250-XCLIENT'
    printf 'xclient ::1\nxclient 192.0.2.0/24\n' >config
    printf 'EHLO c\r\n' | from_proxy handler --config config | grep -q '^250-XCLIENT'
}

@test "a malformed list of networks is named at the start" {
    local wrong
    for wrong in ',' example.org 192.0.2.1/33 192.0.2.1/24 192.0.2.0/ 192.0.2.0/24x 192.0.2 2001:db8::1/64 ::/129 '192.0.2.1;::1' \
        "$(seq -s, -f 10.0.0.%g 65)"; do
        refute "$SMTP_HANDLER" --xclient "$wrong" --check true 2>said
        grep -qF "smtp-handler: option xclient: '${wrong:0:60}" said
    done
    "$SMTP_HANDLER" --xclient "$(seq -s, -f 10.0.0.%g 64)" --check true
}

@test "attributes of XCLIENT have names of either case and xtext for values" {
    message_behind 'addr=203.0.113.5 Name=a+2Db.example pOrT=+31025' 'HELO c'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=c HOSTNAME=a-b.example PORT=1025 PROTOCOL=SMTP)
}

@test "addresses of IPv6 in XCLIENT may have a tag, and those mapped to IPv6 are IPv4" {
    message_behind 'ADDR=2001:DB8:0::5' 'HELO c'
    grep -qx CLIENT_ADDRESS=2001:db8::5 environment
    kept 1 | grep -qF 'from c ([IPv6:2001:db8::5])'
    message_behind 'ADDR=IPV6:2001:DB8:0::5' 'HELO c'
    grep -qx CLIENT_ADDRESS=2001:db8::5 environment
    kept 1 | grep -qF 'from c ([IPv6:2001:db8::5])'
    message_behind 'ADDR=ipv6:::ffff:203.0.113.5' 'HELO c'
    grep -qx CLIENT_ADDRESS=203.0.113.5 environment
    kept 1 | grep -qF 'from c ([203.0.113.5])'
}

@test "what the proxy does not know is unknown, and a new address does not keep the old port or name" {
    message_behind 'NAME=[UNAVAILABLE] ADDR=[unavailable]' 'HELO c'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=unknown HELO=c HOSTNAME=unknown PORT=unknown PROTOCOL=SMTP)
    kept 1 | grep -qx 'Received: from c'
    message_behind 'ADDR=203.0.113.5' 'HELO c'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=c HOSTNAME=unknown PORT=unknown PROTOCOL=SMTP)
    message_behind 'NAME=[TEMPUNAVAIL]' 'HELO c'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=192.0.2.7 HELO=c HOSTNAME=unknown PORT=4711 PROTOCOL=SMTP)
    message_behind 'PORT=[UNAVAILABLE]' 'HELO c'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=192.0.2.7 HELO=c HOSTNAME=proxy.test PORT=unknown PROTOCOL=SMTP)
}

@test "after the proxy's XCLIENT its client may not send one" {
    message_behind 'ADDR=203.0.113.5 NAME=a.example' 'EHLO c' 'XCLIENT ADDR=203.0.113.6 LOGIN=root'
    refute grep -q '250.XCLIENT' said
    grep -qx '550 5.7.0 XCLIENT not permitted' said
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=c HOSTNAME=a.example PORT=unknown PROTOCOL=ESMTP)
    grep -q 'connection client=203.0.113.5 .*proxy=192.0.2.7' log
    message_behind 'ADDR=203.0.113 NAME=a.example' 'XCLIENT ADDR=203.0.113.6' 'HELO c'
    grep -qx CLIENT_ADDRESS=203.0.113.6 environment
}

@test "HELO and PROTO of XCLIENT greet in the client's place; without them it must greet" {
    message_behind 'ADDR=203.0.113.5 HELO=client.test PROTO=ESMTP'
    diff environment <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=client.test HOSTNAME=unknown PORT=unknown PROTOCOL=ESMTP)
    message_behind 'HELO=[203.0.113.5]'
    grep -qx 'CLIENT_HELO=\[203.0.113.5\]' environment
    grep -qx CLIENT_PROTOCOL=SMTP environment
    [ "$(told 'HELO=c PROTO=ESMTP' 'MAIL FROM:<> SIZE=1')" = $'220 mx.test ESMTP smtp-handler\n250 2.1.0 Sender ok' ]
    told 'HELO=c' 'MAIL FROM:<> SIZE=1' | tail -1 | grep -q '^555 5.5.4'
    told 'ADDR=203.0.113.5 PROTO=ESMTP' 'MAIL FROM:<>' | tail -1 | grep -q '^503 5.5.1'
    told 'HELO=[UNAVAILABLE]' 'MAIL FROM:<>' | tail -1 | grep -q '^503 5.5.1'
    printf 'EHLO c\r\nXCLIENT ADDR=203.0.113.5\r\nMAIL FROM:<>\r\n' | from_proxy handler --xclient 192.0.2.7 | from_wire | tail -1 | grep -q '^503 5.5.1'
}

@test "a NAME that is no name is unknown, and so is the client that is said to greet so" {
    long=$(printf '%256s' '' | tr ' ' x)
    for name in '' a+0Db 'a+2' a=b x,y '[203.0.113.5]' -a +C3+BC "$long"; do
        message_behind "NAME=$name ADDR=203.0.113.5" 'HELO c'
        diff environment <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HELO=c HOSTNAME=unknown PORT=unknown PROTOCOL=SMTP)
        kept 1 | grep -qF 'from c ([203.0.113.5])'
    done
    while read -r said logged; do
        rm -f log
        message_behind "HELO=$said"
        grep -qx CLIENT_HELO=unknown environment
        kept 1 | grep -qF 'from unknown (proxy.test [192.0.2.7])'
        grep -qF " helo=$logged from=" log || { echo "$said"; cat log; return 1; }
    done <<EOF
two+20words "two words"
+00+0A+C3 ???
-option -option
a+2 a+2
a=b "a=b"
MÜLLER-PC M??LLER-PC
$long $long
${long}yz $long
EOF
    told 'HELO=' 'MAIL FROM:<>' | tail -1 | grep -q '^503 5.5.1'
}

@test "LOGIN of XCLIENT authenticates the client as AUTH does" {
    message_behind 'LOGIN=user+40example.org' 'EHLO c'
    grep -E '^SASL|PROTOCOL' environment | diff - <(printf '%s\n' CLIENT_PROTOCOL=ESMTPA SASL_METHOD=XCLIENT SASL_USERNAME=user@example.org)
    grep -q 'message .*user=user@example.org' log
    message_behind 'LOGIN=[UNAVAILABLE]' 'EHLO c'
    refute grep -q '^SASL' environment
    options=(--submission --auth true)
    told 'LOGIN=user' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@elsewhere.example>' | tail -2 | cut -c1-9 | diff - <(printf '250 2.1.0\n250 2.1.5\n')
    told 'PORT=1' 'HELO c' 'MAIL FROM:<>' | tail -1 | grep -q '^530 5.7.0'
    options=(--auth true)
    told 'PORT=1' 'EHLO c' 'AUTH XCLIENT dXNlcg==' | tail -1 | grep -q '^538'
}

@test "XCLIENT names our own endpoint, for address literals" {
    told 'DESTADDR=198.51.100.25 DESTPORT=25' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@[198.51.100.25]>' 'RCPT TO:<a@[192.0.2.1]>' |
        tail -2 | cut -c1-9 | diff - <(printf '250 2.1.5\n550 5.7.1\n')
    told 'DESTADDR=IPV6:2001:db8::25' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@[IPv6:2001:db8:0::25]>' | tail -1 | grep -q '^250'
    told 'DESTADDR=[UNAVAILABLE]' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@[192.0.2.1]>' | tail -1 | grep -q '^550'
    told 'PORT=1' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@[192.0.2.1]>' | tail -1 | grep -q '^250'
}

@test "a malformed XCLIENT is refused as a whole, and changes nothing" {
    local wrong
    for wrong in NAME =x X=y ADDR=203.0.113 ADDR=203.0.113.256 ADDR=2001:db8::1:: ADDR=IPV6:203.0.113.5 ADDR=IPV6: 'ADDR=[203.0.113.5]' \
        ADDR=client.test ADDR=1.2.3.004 PORT=65536 PORT=-1 PORT=x PORT= PROTO=LMTP 'PROTO=[UNAVAILABLE]' PROTO= PROTO=+ LOGIN= LOGIN=a+2 LOGIN=a=b \
        LOGIN=a+0Ab LOGIN=+C3 "LOGIN=$(printf '%256s' '' | tr ' ' x)" "ADDR=$(printf '%300s' '' | tr ' ' 1)" DESTADDR=x DESTPORT=65536 'PORT=1 PORT=1' 'ADDR=203.0.113.5 PORT=x' 'NAME = x' \
        'NAME=x HELO=y HELO=z' "ADDR=203.0.113 NAME=x"; do
        rm -f "$KEPT"/*
        told "$wrong" 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA . >said
        head -1 said | grep -q '^501 5.5.4 Bad parameter: ' || { echo "$wrong"; return 1; }
        kept 1 | grep -qF '(proxy.test [192.0.2.7])'
    done
    told '' | grep -qx '501 5.5.4 Argument missing'
}

@test "XCLIENT within a transaction is refused" {
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'XCLIENT ADDR=203.0.113.5' 'RCPT TO:<a@example.org>' 'XCLIENT ADDR=203.0.113.5' RSET 'XCLIENT ADDR=203.0.113.5' |
        from_proxy handler --xclient 192.0.2.7 | from_wire | tail -n +4 | cut -c1-9 | diff - <(printf '%s\n' '503 5.5.1' '250 2.1.5' '503 5.5.1' '250 2.0.0' '220 mx.te')
}

@test "LMTP accepts XCLIENT" {
    options=(--lmtp)
    message_behind 'ADDR=203.0.113.5 HELO=c'
    head -1 said | grep -qx '220 mx.test LMTP smtp-handler'
    grep -qx CLIENT_PROTOCOL=LMTP environment
    grep -qx CLIENT_ADDRESS=203.0.113.5 environment
}

@test "STARTTLS comes before XCLIENT, or not at all" {
    options=(--tls required)
    UCSPITLS='' SSLCTLFD=5 SSLREADFD=5 SSLWRITEFD=5 told 'ADDR=203.0.113.5' 5</dev/null | grep -q '^530 5.7.0'
    options=(--tls starttls)
    UCSPITLS='' SSLCTLFD=5 SSLREADFD=5 SSLWRITEFD=5 told 'ADDR=203.0.113.5 LOGIN=user' 'EHLO c' STARTTLS 5</dev/null >said
    refute grep -q '250.STARTTLS' said
    tail -1 said | grep -q '^503 5.5.1'
}

@test "commands pipelined behind XCLIENT keep their order, however they are cut" {
    printf 'HELO a\r\nXCLIENT PORT=1\r\nNOOP\r\nHELO b\r\nQUIT\r\n' | from_proxy handler --xclient 192.0.2.7 | from_wire | cut -c1-3 |
        diff - <(printf '%s\n' 220 250 220 250 250 221)
}
