load helper
load peers
load tls

# What systemd gives us by LoadCredential=, and what becomes of a service whose file is missing: then the
# default of SetCredential=, a line end, takes its place.

setup_file() {
    make_pairs mx
}

# credentials [NAME]: all that submission.conf loads, but for NAME, which was not found.
credentials() {
    export CREDENTIALS_DIRECTORY=$PWD/credentials
    mkdir -p credentials
    cp "$certificates/mx.crt" credentials/tls.crt
    cp "$certificates/mx.key" credentials/tls.key
    echo "joe:$(hashed secret)" >credentials/passwords
    [ $# = 0 ] || echo >"credentials/$1"
    auth=(--auth "$PASSWORD_CHECK $PWD/credentials/passwords")
}

missing() {
    echo "$PWD/credentials/$1: nothing is in it; LoadCredential= found no file"
}

# said_to TEXT: all replies to a client that says TEXT, without the text behind each status.
said_to() {
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf %s "$1" >&9
    from_wire <&9
}

@test "certificate, key and passwords among the credentials make a service for users" {
    credentials
    start_handler --submission --tls required "${auth[@]}"
    said_to $'EHLO c\r\nQUIT\r\n' | grep -x '250-STARTTLS'
    swaks --server "127.0.0.1:$port" --tls --auth PLAIN --auth-user joe --auth-password secret --to you@elsewhere.example >said
    [ "$(kept_count)" = 1 ]
    refute grep -q trouble background
}

told_twice() { [ "$(grep -cF "trouble text=\"$1\"" background)" = 2 ]; }

@test "a certificate or key that is missing is a line in the log, and mail goes on without TLS" {
    for name in tls.crt tls.key; do
        credentials "$name"
        start_handler
        said_to $'EHLO c\r\nEHLO c\r\nSTARTTLS\r\nMAIL FROM:<a@example.net>\r\nQUIT\r\n' >said
        refute grep STARTTLS said
        [ "$(tail -3 said | cut -c1-9)" = $'454 4.7.0\n250 2.1.0\n221 2.0.0' ]
        eventually told_twice "$(missing "$name"); STARTTLS is not offered; see smtp-handler-units(7), CREDENTIALS" # that of is_listening, too
        end_started
    done
}

@test "a service for users that lacks a credential answers 421, offers no AUTH, and says which" {
    for name in tls.crt tls.key passwords; do
        credentials "$name"
        start_handler --submission --tls required "${auth[@]}"
        [ "$(said_to $'EHLO c\r\n')" = '421 4.3.5 mx.test Service not available, local configuration error' ]
        eventually grep -qxF "smtp-handler: $(missing "$name"); see smtp-handler-units(7), CREDENTIALS" background
        end_started
    done
}

@test "with TLS from the start a service that lacks a credential closes without a reply in plaintext" {
    for name in tls.crt tls.key passwords; do
        credentials "$name"
        start_handler --submission --tls implicit "${auth[@]}"
        [ -z "$(said_to '')" ]
        eventually grep -qF "$(missing "$name")" background
        end_started
    done
}

@test "if strangers are served, too, missing passwords leave out AUTH alone" {
    credentials passwords
    start_handler "${auth[@]}"
    printf 'EHLO c\nMAIL FROM:<a@example.net>\nQUIT\n' | s_client >said || true
    cat said
    refute grep AUTH said
    grep -q '^250 2.1.0' said
    grep -qF "trouble text=\"$(missing passwords); AUTH is not offered; see smtp-handler-units(7), CREDENTIALS\"" background
}

@test "--check names the credential that is missing" {
    credentials tls.crt
    refute "$SMTP_HANDLER" --check --submission --tls required "${auth[@]}" true 2>said
    [ "$(cat said)" = "smtp-handler: $(missing tls.crt); see smtp-handler-units(7), CREDENTIALS" ]
    credentials passwords
    refute "$SMTP_HANDLER" --check "${auth[@]}" true 2>said
    [ "$(cat said)" = "smtp-handler: $(missing passwords); see smtp-handler-units(7), CREDENTIALS" ]
}
