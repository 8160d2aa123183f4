load helper
load peers
load tls

# STARTTLS and implicit TLS with real clients, over loopback.

setup_file() {
    make_pairs mx rsa
}

# message_comes OPTION...: s_client delivers a message with these.
message_comes() {
    one_message | (
        cat
        eventually test -e "$KEPT/1.message"
    ) | s_client "$@" >said
}

@test "mail comes over TLS 1.3 and 1.2, with keys of elliptic curves and of RSA" {
    local name version
    for name in mx rsa; do
        mapfile -t pairs < <(pair "$name")
        serve "${pairs[@]}"
        for version in 1_3 1_2; do
            rm -f "$KEPT"/*
            message_comes "-tls$version"
            [ "$(kept_count)" = 1 ]
            kept_environment 1 | grep -qx "TLS_PROTOCOL=TLSv${version/_/.}"
        done
    done
    eventually no_relay_is_left
}

log_has_refusals() { [ "$(grep -c 'handshake client=' background)" = "$1" ]; }

@test "TLS 1.1 and older is refused" {
    serve
    for version in 1 1_1; do
        run s_client "-tls$version" -cipher ALL:@SECLEVEL=0 <<<QUIT
        [ "$status" != 0 ]
        grep 'alert protocol version' <<<"$output"
    done
    eventually log_has_refusals 2
    # It is not for other reasons.
    s_client -tls1_2 -cipher ALL:@SECLEVEL=0 <<<QUIT | tr -d '\r' | grep '^221 '
    log_has_refusals 2
}

@test "the parameters of TLS reach the command, the trace header and the log" {
    serve
    client <<'END'
client = Client(port)
client.starttls()
client.expect("250", "NOOP")
assert client.send_message().startswith("250"), client
client.expect("221", "QUIT")
END
    kept_environment 1 | grep -qx TLS_PROTOCOL=TLSv1.3
    kept_environment 1 | grep -qE '^TLS_CIPHER=TLS_'
    kept_environment 1 | grep -qx TLS_SERVER_NAME=mx.test
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=ESMTPS
    kept_environment 1 | refute grep -q ^TLS_CLIENT_
    kept 1 | grep -q 'with ESMTPS'
    eventually grep -q 'message result=accepted .* tls=TLSv1.3 ' background
    eventually grep -q 'connection .* tls=TLSv1.3 .*ended=quit' background
}

send_by_curl() {
    printf 'Subject: test\r\n\r\nbody\r\n' |
        curl --silent --show-error --cacert "$certificates/mx.crt" --resolve "mx.test:$port:127.0.0.1" \
            --mail-from sender@example.net --mail-rcpt user@example.org --upload-file - "$@"
}

send_by_swaks() {
    swaks --silent --server "127.0.0.1:$port" --helo client.test --from sender@example.net \
        --to user@example.org "$@"
}

@test "curl and swaks send over STARTTLS" {
    serve
    send_by_curl --ssl-reqd --url "smtp://mx.test:$port/client.test"
    send_by_swaks --tls
    [ "$(kept_count)" = 2 ]
    for number in 1 2; do kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPS; done
}

@test "curl and swaks send over TLS that comes before the greeting" {
    serve --tls implicit
    send_by_curl --url "smtps://mx.test:$port/client.test"
    send_by_swaks --tls-on-connect
    [ "$(kept_count)" = 2 ]
    for number in 1 2; do kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPS; done
    client <<'END'
client = Client(port, implicit=True)
assert client.greeting == "220 mx.test ESMTP smtp-handler", client.greeting
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("502", "STARTTLS")
END
}

@test "no session tickets are sent, and no session is resumed" {
    serve
    client <<'END'
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context, session = anyone(minimum_version=version, maximum_version=version), None
    for _ in range(2):
        client = Client(port, context=context)
        client.expect("250", "EHLO client.test")
        client.expect("220", "STARTTLS")
        client.socket = context.wrap_socket(client.socket, server_hostname="mx.test", session=session)
        client.replies = client.socket.makefile("rb")
        client.expect("250", "EHLO client.test")
        session = client.socket.session
        assert not client.socket.session_reused
        assert not session.has_ticket
        client.expect("221", "QUIT")
END
}

@test "a client that offers protocols must offer smtp or esmtp" {
    serve
    client <<'END'
def agreed(*protocols):
    context = anyone()
    context.set_alpn_protocols(protocols)
    client = Client(port, context=context)
    client.starttls()
    return client.socket.selected_alpn_protocol()
assert agreed("http/1.1", "smtp") == "smtp"
assert agreed("esmtp") == "esmtp"
assert agreed("esmtp", "smtp") == "smtp"
for protocols in ("http/1.1",), ("imap", "smtps"), ("smt",), ("SMTP",):
    try:
        agreed(*protocols)
        sys.exit("let in with %s" % (protocols,))
    except ssl.SSLError as error:
        assert "no application protocol" in str(error), error
END
    eventually log_has_refusals 4
}

@test "each file is read once, and no configuration of OpenSSL" {
    needs_root 'look into a process that hides'
    mapfile -t pairs < <(pair mx && pair rsa)
    printf 'openssl_conf = bad\n' >bad.cnf
    OPENSSL_CONF=$PWD/bad.cnf traced -o opened -e trace=openat "$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay" \
        --no-sandbox --client-ca "$certificates/mx.crt" "${pairs[1]}" "${pairs[3]}" "${pairs[5]}" "${pairs[7]}" 3>said 4</dev/null || true
    [ "$(head -c 1 said)" = R ]
    for file in "${pairs[1]}" "${pairs[3]}" "${pairs[5]}" "${pairs[7]}" "$certificates/mx.crt"; do
        [ "$(grep -cF "\"$file\"" opened)" = 1 ]
    done
    refute grep -E '\.cnf|/ssl/' opened
}

@test "variables of TLS in our environment do not reach the command" {
    export TLS_PROTOCOL=TLSv1.3 TLS_CLIENT_SUBJECT=/CN=boss SASL_USERNAME=boss
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
assert client.send_message().startswith("250")
END
    kept_environment 1 >environment
    grep -qx CLIENT_PROTOCOL=ESMTP environment
    refute grep -E '^(TLS_|SASL_)' environment
}
