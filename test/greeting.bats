load helper

@test "the greeting names the host, and QUIT ends the session" {
    conversation <<'CLIENT' 4<<'SERVER'
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
221 2.0.0 mx.test closing connection
SERVER
    exited 0
}

@test "EHLO lists the extensions that are honoured, and nothing else" {
    conversation --max-size 10M <<'CLIENT' 4<<'SERVER'
EHLO client.test
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 10485760
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
221 2.0.0 mx.test closing connection
SERVER
}

@test "HELO is answered in one line" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
221 2.0.0 mx.test closing connection
SERVER
}

@test "HELO and EHLO take any argument, or none" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO
EHLO
EHLO two words
helo -option
HELO a;b
HELO [192.0.2.300]
HELO [192.0.2.30]
HELO [IPv6:2001:db8::1]
HELO WIN_HOST
MAIL FROM:<>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 mx.test
250 mx.test
250 mx.test
250 mx.test
250 mx.test
250 mx.test
250 2.1.0 Sender ok
SERVER
}

# greet GREETING: a message behind it; the client's name in macro, variable and trace must be one.
greet() {
    rm -f "$KEPT"/* log
    printf '%b\r\n' "$1" 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA . | handler "${@:2}" | tail -1 | grep -q '^250 2.0.0'
    name=$(kept_environment 1 | sed -n 's/^CLIENT_HELO=//p')
    kept_arguments 1 | diff - <(printf '<%s>\n' "$name")
    kept 1 | grep -qxF "Received: from $name"
}

@test "the client is known by what it says in its greeting if that is a name or a literal" {
    delivery=("$commands/keep" '{helo}')
    for said in client.test WIN_HOST a..b. 192.0.2.1 '[192.0.2.30]' '[IPv6:2001:db8::1]' '[2001:db8:41:8::19]' '[1:2:3:4:5:6:7:8]' \
        "$(printf '%255s' '' | tr ' ' x)"; do
        for verb in HELO EHLO 'EHLO '; do
            greet "$verb $said"
            [ "$name" = "$said" ]
            grep -qF " helo=$said from=<> " log
            grep -qF "connection helo=$said messages=1 " log
        done
    done
    greet 'LHLO client.test' --lmtp
    [ "$name" = client.test ]
}

@test "a client that says something else is unknown, and the log has what it said" {
    delivery=("$commands/keep" '{helo}')
    long=$(printf '%256s' '' | tr ' ' x)
    while IFS='|' read -r said logged; do
        for verb in HELO EHLO; do
            greet "$verb$said"
            [ "$name" = unknown ] || { echo "$said"; return 1; }
            grep -qF " helo=$logged from=<> " log || { echo "$said"; cat log; return 1; }
            grep -qF "connection helo=$logged messages=1 " log
        done
    done <<EOF
|unknown
   |unknown
 two words|"two words"
 -option|-option
 a;b|a;b
 MÜLLER-PC|M??LLER-PC
 Bob's PC|"Bob's PC"
 \$(reboot)"x|"\$(reboot)\\"x"
 a=b|"a=b"
 FE80::1|FE80::1
 [IPv6:fe80::1%eth0]|[IPv6:fe80::1%eth0]
 [IPv6:1:2:3:4:5:6:7::]|[IPv6:1:2:3:4:5:6:7::]
 [192.0.2.300]|[192.0.2.300]
 [|[
 $long|$long
 ${long}yz|$long
EOF
    greet LHLO --lmtp
    [ "$name" = unknown ]
}

@test "control characters in a greeting get 500, as in any command" {
    printf '%b\r\n' 'EHLO a\tb' 'HELO a\x01' 'HELO \x7f' 'MAIL FROM:<>' | handler | from_wire | cut -c1-9 |
        diff - <(printf '%s\n' '220 mx.te' '500 5.5.2' '500 5.5.2' '500 5.5.2' '503 5.5.1')
}

@test "a client that disconnects without QUIT is no trouble of ours" {
    conversation </dev/null 4<<'SERVER'
220 mx.test ESMTP smtp-handler
SERVER
    exited 0
}

@test "without --hostname the greeting has the host's own name" {
    printf 'QUIT\n' | "$SMTP_HANDLER" true 2>/dev/null | head -1 >greeting
    name=$(uname -n)
    grep -qE '^\w([[:alnum:]_-]*\w)?(\.\w([[:alnum:]_-]*\w)?)*$' <<<"$name" || name=localhost
    grep -q "^220 $name ESMTP" greeting
}
