# Serves with credentials, as systemd gives them. The units set CREDENTIALS_DIRECTORY and no_new_privs; here
# that is done by hand.

# serve_credentials [PAIR] [OPTION...]: serves with credentials, of PAIR, and a command that tells what it can read.
serve_credentials() {
    local handler=$SMTP_HANDLER
    mkdir -p credentials
    cp "$certificates/$1.crt" credentials/tls.crt
    cp "$certificates/$1.key" credentials/tls.key
    echo "alice:$(hashed secret)" >credentials/passwords
    echo token >credentials/token
    printf '#!/bin/sh\nfor name in tls.crt tls.key passwords token; do\n%s\ndone\n' \
        'cat "$CREDENTIALS_DIRECTORY/$name" >/dev/null 2>&1 && printf "$name "' >tell
    printf '#!/bin/sh\n%s\nexec setpriv --no-new-privs %s "$@"\n' \
        "CREDENTIALS_DIRECTORY=$PWD/credentials export CREDENTIALS_DIRECTORY" "$handler" >start
    chmod +x tell start
    delivery=("$PWD/tell")
    SMTP_HANDLER=$PWD/start start_handler --auth "$PASSWORD_CHECK $PWD/credentials/passwords" "${@:2}"
}

# A message's reply tells that certificate and token can be read, and nothing else.
says_closed() {
    client "$@" <<'END'
def closed(client):
    reply = client.send_message()
    assert reply == "250 2.0.0 tls.crt token", reply
for lines in [line.split("|") for line in arguments]:
    client = Client(port)
    for line in lines:
        code, _, rest = line.partition(" ")
        client.expect(*((code, rest) if code.isdigit() else ("2", line)))
    closed(client)
    closed(client)
END
}
