load helper
load peers
load tls

# Certificates and keys: which serves whom, which do not serve, and those of clients.

setup_file() {
    make_pairs mx other ca client stranger expired early rsa
}

# certificate_for NAME: the subject of the certificate that a client gets who names it, none where empty.
certificate_for() {
    if [ -n "$1" ]; then set -- -servername "$1"; else set -- -noservername; fi
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp "$@" </dev/null 2>/dev/null | subject
}

@test "the server's name that a client gives picks the certificate, the first is for all others" {
    mapfile -t pairs < <(pair mx && pair other)
    serve "${pairs[@]}"
    [ "$(certificate_for mx.test)" = mx.test ]
    [ "$(certificate_for other.test)" = other.test ]
    [ "$(certificate_for third.test)" = mx.test ]
    [ "$(certificate_for '')" = mx.test ]
}

@test "a certificate that was renewed serves the next connection" {
    cp "$certificates"/{mx,other}.{crt,key} .
    serve --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key"
    [ "$(certificate_for '')" = mx.test ]
    mv other.crt mx.crt
    mv other.key mx.key
    [ "$(certificate_for '')" = other.test ]
}

@test "a client's certificate that was vouched for reaches the command" {
    serve --tls-client-ca "$certificates/ca.crt"
    client "$certificates" <<'END'
context = anyone()
context.load_cert_chain(arguments[0] + "/client.crt", arguments[0] + "/client.key")
for context in (context, None):
    client = Client(port, context=context)
    client.starttls()
    assert client.send_message().startswith("250")
    client.expect("221", "QUIT")
END
    kept_environment 1 | grep -qx 'TLS_CLIENT_SUBJECT=.*CN=client.test'
    hash=$(openssl x509 -in "$certificates/client.crt" -outform DER | sha256sum | cut -d' ' -f1)
    kept_environment 1 | grep -qix "TLS_CLIENT_HASH=SHA256:$hash"
    kept_environment 2 | refute grep -q '^TLS_CLIENT_'
    kept_environment 2 | grep -qx CLIENT_PROTOCOL=ESMTPS
}

@test "a client's certificate that nobody vouches for ends the connection" {
    serve --tls-client-ca "$certificates/ca.crt"
    client "$certificates" <<'END'
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context = anyone(maximum_version=version)
    context.load_cert_chain(arguments[0] + "/stranger.crt", arguments[0] + "/stranger.key")
    client = Client(port, context=context)
    try:
        client.starttls() # by TLS 1.3 the client has shaken hands before we see its certificate
        sys.exit("it was let in")
    except ssl.SSLError as error:
        assert "UNKNOWN_CA" in error.reason, error
END
    eventually sh -c '[ "$(grep -c "handshake client=127.0.0.1 text=" background)" = 2 ]'
}

# check OPTION...: what --check says.
check() {
    run "$SMTP_HANDLER" "$@" --check true
    echo "$output"
}

# each_unfit FUNCTION: calls it with the options for each pair that does not serve, and what is said of it.
each_unfit() {
    cat "$certificates/mx.key" "$certificates/ca.key" >nonsense.crt
    "$1" "$PWD/missing.crt" "$certificates/mx.key" "missing.crt: No such file or directory"
    "$1" "$certificates/mx.crt" "$PWD/missing.key" "missing.key: No such file or directory"
    "$1" "$PWD/nonsense.crt" "$certificates/mx.key" "nonsense.crt: no certificate"
    "$1" "$certificates/expired.crt" "$certificates/expired.key" "expired.crt: expired"
    "$1" "$certificates/early.crt" "$certificates/early.key" "early.crt: not valid yet"
    "$1" "$certificates/mx.crt" "$certificates/other.key" "other.key is not the key of .*mx.crt"
}

is_named_by_check() {
    check --tls-cert "$1" --tls-key "$2"
    [ "$status" = 78 ]
    grep -q "$3" <<<"$output"
    [ "${#lines[@]}" = 1 ]
}

@test "--check names a certificate or key that is missing, expired, or not its partner's" {
    each_unfit is_named_by_check
    mapfile -t pairs < <(pair mx && pair other)
    check "${pairs[@]}"
    [ "$status" = 0 ]
    [ "$output" = ok ]
    check --tls starttls
    [ "$status" = 78 ]
    check "${pairs[@]}" --tls-client-ca missing.crt
    [ "$status" = 78 ]
    grep -q 'missing.crt' <<<"$output"
}

@test "--check names the second pair where that is the unfit one" {
    mapfile -t pairs < <(pair mx)
    check "${pairs[@]}" --tls-cert "$certificates/other.crt" --tls-key "$certificates/rsa.key"
    [ "$status" = 78 ]
    grep -q "rsa.key is not the key of .*/other.crt$" <<<"$output"
}

@test "a certificate that its user may not read is named" {
    [ "$(id -u)" = 0 ] || skip "root alone can become another user"
    cp "$certificates/mx.crt" mx.crt
    cp "$certificates/mx.key" mx.key
    chmod 644 mx.crt
    chmod 600 mx.key
    chmod 711 "$BATS_RUN_TMPDIR"
    run setpriv --reuid nobody --clear-groups env ASAN_OPTIONS=detect_leaks=0 \
        "$SMTP_HANDLER" --spool /tmp --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key" --check true
    echo "$output"
    [ "$status" = 78 ]
    grep -q 'mx.key: Permission denied' <<<"$output"
}

is_not_offered() {
    serve --tls-cert "$1" --tls-key "$2"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    eventually grep -q "$3" background
    eventually no_relay_is_left
}

@test "with a certificate or key that is unfit STARTTLS is not offered, and the log says why" {
    each_unfit is_not_offered
}

@test "with --tls required and no fit certificate mail is deferred" {
    serve --tls required --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
client.expect("454 4.7.0 ", "MAIL FROM:<sender@example.net>")
client = Client(port)
client.expect("250", "HELO client.test") # who cannot ask for TLS hears the same as ever
client.expect("530 5.7.0 ", "MAIL FROM:<sender@example.net>")
END
}

# implicit_status OPTION...: what the handler exits with for a client that ends at once.
implicit_status() {
    local status=0
    python3 - "$SMTP_HANDLER" --log stderr --tls implicit "$@" true 2>log <<'END' || status=$?
import socket, subprocess, sys
ours, its = socket.socketpair()
handler = subprocess.Popen(sys.argv[1:], stdin=its, stdout=its)
its.close()
ours.shutdown(socket.SHUT_WR)
assert ours.recv(1000) == b""
sys.exit(handler.wait())
END
    echo "$status"
}

@test "where TLS must come first a bad pair is our trouble, a bad handshake the client's" {
    [ "$(implicit_status --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key")" = 78 ]
    grep -q 'trouble text=".*/expired.crt: expired"' log
    [ "$(implicit_status --tls-cert "$certificates/mx.crt" --tls-key "$certificates/mx.key")" = 0 ]
    grep -q 'handshake text="the client left"' log
}
