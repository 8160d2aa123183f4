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

@test "what was agreed reaches the command, the trace header and the log" {
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

@test "variables about TLS that we are started with do not reach the command" {
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
