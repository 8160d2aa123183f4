load helper
load peers
load tls

# Certificates and keys: which serves whom, which do not serve, and those of clients.

setup_file() {
    make_pairs mx other ca client stranger expired early rsa
}

# certificate_for NAME: the subject of the certificate that a client gets with this name, or without one if empty.
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

@test "a client's certificate that an authority signed reaches the command" {
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

@test "a client's certificate that no authority signed is told, and not taken for one that was" {
    serve --tls-client-ca "$certificates/ca.crt"
    client "$certificates" <<'END'
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    for name in "stranger", "expired":
        context = anyone(minimum_version=version, maximum_version=version)
        context.load_cert_chain(*(arguments[0] + "/" + name + end for end in (".crt", ".key")))
        client = Client(port, context=context)
        client.starttls()
        assert client.send_message().startswith("250")
        client.expect("221", "QUIT")
END
    for number in 1 2 3 4; do
        kept_environment "$number" >environment
        grep -x 'TLS_CLIENT_ERROR=self-signed certificate' environment ||
            grep -x 'TLS_CLIENT_ERROR=certificate has expired' environment
        refute grep -E '^TLS_CLIENT_(SUBJECT|HASH)' environment
    done
    [ "$(grep -c "handshake client=127.0.0.1 text=\"the client's certificate: self-signed certificate\"" background)" = 2 ]
    [ "$(grep -c "handshake client=127.0.0.1 text=\"the client's certificate: certificate has expired\"" background)" = 2 ]
}

# kind_of_key [OPTION...]: that of the certificate that openssl s_client gets with these.
kind_of_key() {
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp "$@" </dev/null 2>/dev/null |
        openssl x509 -noout -subject -text | sed -nE 's/^subject=CN = //p; s/.*Public Key Algorithm: //p' | tr '\n' ' '
}

# Clients that can use one kind of key, or both: these get the one that costs less.
only_rsa=(-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384)
only_ecdsa=(-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384)
either=(-tls1_3 -sigalgs RSA-PSS+SHA256:ECDSA+SHA256)

@test "of an ECDSA and an RSA certificate with one name each client gets the one that it can use" {
    local first pairs named
    for first in 'mx rsa' 'rsa mx'; do
        mapfile -t pairs < <(pair "${first% *}" && pair other && pair "${first#* }")
        serve "${pairs[@]}"
        for named in '-servername mx.test' -noservername '-servername third.test'; do
            # shellcheck disable=SC2086 # words
            {
                [ "$(kind_of_key $named "${only_rsa[@]}")" = 'mx.test rsaEncryption ' ]
                [ "$(kind_of_key $named "${only_ecdsa[@]}")" = 'mx.test id-ecPublicKey ' ]
                [ "$(kind_of_key $named "${either[@]}")" = 'mx.test id-ecPublicKey ' ]
            }
        done
        [ "$(kind_of_key -servername other.test)" = 'other.test id-ecPublicKey ' ]
        [ "$(kind_of_key -servername other.test "${only_rsa[@]}")" = '' ]
        end_started
    done
}

@test "of two certificates of one kind for a name the first serves, and a wildcard is for one label" {
    self_signed wild '*.mx.test'
    serve --tls-cert "$PWD/wild.crt" --tls-key "$PWD/wild.key" --tls-cert "$certificates/rsa.crt" \
        --tls-key "$certificates/rsa.key" --tls-cert "$certificates/mx.crt" --tls-key "$certificates/mx.key"
    [ "$(certificate_for a.mx.test)" = '*.mx.test' ]
    [ "$(certificate_for mx.test)" = mx.test ]
    [ "$(certificate_for a.b.mx.test)" = '*.mx.test' ] # the first, as for all others
    [ "$(kind_of_key -servername mx.test "${either[@]}")" = 'mx.test id-ecPublicKey ' ]
}

@test "the whole chain of a certificate's file is sent, and nothing else" {
    openssl req -new -key "$certificates/mx.key" -subj /CN=mx.test -out request
    quietly openssl x509 -req -in request -CA "$certificates/ca.crt" -CAkey "$certificates/ca.key" -days 30 -out leaf.crt
    cat leaf.crt "$certificates/ca.crt" >chain.crt
    for file in leaf chain; do
        serve --tls-cert "$PWD/$file.crt" --tls-key "$certificates/mx.key" --tls-client-ca "$certificates/ca.crt"
        openssl s_client -connect "127.0.0.1:$port" -starttls smtp -showcerts </dev/null 2>/dev/null |
            grep -c 'BEGIN CERTIFICATE' >"$file.count"
        end_started
    done
    [ "$(cat leaf.count chain.count | tr '\n' ' ')" = '1 2 ' ]
}

# each_unfit FUNCTION: calls it with the options for each pair that does not serve, and what is said of it.
each_unfit() {
    cat "$certificates/mx.key" "$certificates/ca.key" >nonsense.crt
    openssl x509 -in "$certificates/mx.crt" -outform DER -out c.der
    "$1" "$PWD/missing.crt" "$certificates/mx.key" "missing.crt: No such file or directory"
    "$1" "$certificates/mx.crt" "$PWD/missing.key" "missing.key: No such file or directory"
    "$1" "$PWD/nonsense.crt" "$certificates/mx.key" "nonsense.crt: no certificate"
    "$1" "$PWD/c.der" "$certificates/mx.key" "c.der: in DER; 'openssl x509 -inform DER' makes PEM of it"
    "$1" "$certificates/expired.crt" "$certificates/expired.key" "expired.crt: expired"
    "$1" "$certificates/early.crt" "$certificates/early.key" "early.crt: not valid yet"
    "$1" "$certificates/mx.crt" "$certificates/other.key" "other.key is not the key of .*mx.crt"
}

is_named_by_check() {
    check --tls-cert "$1" --tls-key "$2" true
    [ "$status" = 78 ]
    grep -q "$3" <<<"$output"
    [ "$(wc -l <<<"$output")" = 1 ]
}

@test "--check names a certificate or key that is missing, expired, or does not match" {
    each_unfit is_named_by_check
    mapfile -t pairs < <(pair mx && pair other)
    check "${pairs[@]}" true
    [ "$status" = 0 ]
    [ -z "$output" ]
    tail -1 checked | grep -qx ok
    check --tls starttls true
    [ "$status" = 78 ]
    check "${pairs[@]}" --tls-client-ca missing.crt true
    [ "$status" = 78 ]
    grep -q 'missing.crt' <<<"$output"
}

@test "--check names the second pair if that is the wrong one" {
    mapfile -t pairs < <(pair mx)
    check "${pairs[@]}" --tls-cert "$certificates/other.crt" --tls-key "$certificates/rsa.key" true
    [ "$status" = 78 ]
    grep -q "rsa.key is not the key of .*/other.crt$" <<<"$output"
}

@test "a certificate that the user may not read is named" {
    needs_root 'become another user'
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

# STARTTLS is not offered if that can be seen at a glance; otherwise it is answered with 454, and not offered any more.
is_not_available() {
    : >background
    serve --tls-cert "$1" --tls-key "$2"
    client "$3" <<'END'
client = Client(port)
missing = "No such file" in arguments[0]
assert missing != ("STARTTLS" in client.expect("250", "EHLO client.test"))
client.expect("454 4.7.0 ", "STARTTLS")
client.expect("454 4.7.0 ", "STARTTLS")
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    eventually grep -q "$3" background
    eventually no_relay_is_left
    end_started
}

@test "with a wrong certificate or key there is no TLS, mail goes on, and the log says why" {
    each_unfit is_not_available
}

@test "with --tls required and no valid certificate mail is deferred" {
    serve --tls required --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key"
    client <<'END'
client = Client(port)
assert "STARTTLS" in client.expect("250", "EHLO client.test")
client.expect("530 5.7.0 ", "MAIL FROM:<sender@example.net>")
client.expect("454 4.7.0 ", "STARTTLS")
client.expect("454 4.7.0 ", "MAIL FROM:<sender@example.net>")
client = Client(port)
client.expect("250", "HELO client.test") # a client without TLS gets the same as ever
client.expect("530 5.7.0 ", "MAIL FROM:<sender@example.net>")
END
}

@test "with --tls required and no certificate at all each client gets 421" {
    serve --tls required --tls-cert "$PWD/missing.crt" --tls-key "$certificates/mx.key"
    client <<'END'
assert Client(port).greeting.startswith("421 4.3.5 ")
END
    grep -q 'missing.crt: No such file or directory' background
}

@test "a session without STARTTLS starts no relay" {
    serve
    client <<'END'
client = Client(port)
assert "STARTTLS" in client.expect("250", "EHLO client.test")
assert client.send_message().startswith("250")
assert relays() == []
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

@test "with TLS from the start a bad pair is our trouble, a bad handshake the client's" {
    [ "$(implicit_status --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key")" = 78 ]
    grep -q 'trouble text=".*/expired.crt: expired; the connection is closed; see smtp-handler.conf(5), TLS"' log
    [ "$(implicit_status --tls-cert "$certificates/mx.crt" --tls-key "$certificates/mx.key")" = 0 ]
    grep -q 'handshake text="the client left"' log
}
