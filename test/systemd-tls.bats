load systemd
load certificates

# TLS and passwords under systemd: what root alone can read reaches the service as credentials.

# bats file_tags=disposable

secrets=/etc/smtp-handler

# make_secrets: a certificate for mx.test, and the password of joe.
make_secrets() {
    install -d -m 700 "$secrets"
    afterwards rm -rf "$secrets"
    self_signed "$secrets/tls" "${1:-mx.test}"
    echo "joe:$(hashed secret)" >"$secrets/passwords"
    chmod 600 "$secrets"/*
}

# submit URL [PASSWORD]: sends a message as joe, to a recipient elsewhere.
submit() {
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --max-time 30 --insecure --ssl-reqd --url "$1" --user "joe:${2:-secret}" \
            --mail-from joe@example.org --mail-rcpt you@elsewhere.example --upload-file -
}

# A delivery command that tells what it sees.
tell() {
    script deliver <<'SCRIPT'
#!/bin/sh
cat "$CREDENTIALS_DIRECTORY/tls.key" >/dev/null 2>&1 && key=readable
cat "$CREDENTIALS_DIRECTORY/tls.crt" >/dev/null && certificate=readable
echo "$CLIENT_PROTOCOL $SASL_USERNAME $TLS_PROTOCOL key ${key:-closed} certificate ${certificate:-closed}"
SCRIPT
}

# bats test_tags=instances
@test "who has a password submits mail to any recipient, with STARTTLS or TLS from the start" {
    make_secrets
    tell
    serve "command $scripts/deliver"
    systemctl start submission.socket submissions.socket
    submit smtp://127.0.0.1:587
    submit smtps://127.0.0.1:465
    field SMTP_REPLY SMTP_EVENT=message >said
    cat said
    [ "$(grep -cx 'ESMTPSA joe TLSv1.3 key closed certificate readable' said)" = 2 ]
    refute submit smtp://127.0.0.1:587 wrong
    [ "$(field SMTP_RESULT SMTP_EVENT=auth | sort | tr '\n' ' ')" = 'accepted accepted refused ' ]
    journal >everything
    grep -q 'auth result=accepted .*user=joe' everything
    refute grep -e secret -e "$(printf '\0joe\0secret' | base64)" -e "$(printf secret | base64)" everything
    eventually nothing_is_left
}

# bats test_tags=instances
@test "on the submission port there is no mail without TLS, nor without a password" {
    make_secrets
    serve
    systemctl start submission.socket
    port=587
    client 9
    printf 'EHLO c\r\nMAIL FROM:<joe@example.org>\r\nQUIT\r\n' >&9
    from_wire <&9 >said
    grep -q '^250-STARTTLS' said
    refute grep -q '^250.AUTH' said
    grep -q '^530 5.7.0 STARTTLS must come first' said
    printf 'EHLO c\r\nMAIL FROM:<joe@example.org>\r\nQUIT\r\n' |
        openssl s_client -quiet -starttls smtp -connect 127.0.0.1:587 >said 2>&1
    grep -q '^530 5.7.0 AUTH must come first' said
}

# bats test_tags=instances
@test "a renewed certificate serves the next connection" {
    make_secrets first.test
    serve
    systemctl start submissions.socket
    [ "$(served_name)" = first.test ]
    self_signed "$secrets/tls" second.test rsa:2048
    [ "$(served_name)" = second.test ]
}
served_name() {
    openssl s_client -connect 127.0.0.1:465 </dev/null 2>/dev/null | subject
}

@test "with tls.conf port 25 offers STARTTLS, and neither handler nor command can read the key then" {
    make_secrets
    tell
    drop_in "$examples/tls.conf"
    serve "command $scripts/deliver"
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --insecure --ssl-reqd --url smtp://127.0.0.1 --mail-from a@example.net \
            --mail-rcpt user@example.org --upload-file -
    [ "$(field SMTP_REPLY SMTP_EVENT=message)" = 'ESMTPS  TLSv1.3 key closed certificate readable' ]
    [ "$(field SMTP_TLS SMTP_EVENT=message)" = TLSv1.3 ]
    # In clear goes, too, and into a Maildir, to which each message is renamed.
    send
    serve
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --insecure --ssl-reqd --url smtp://127.0.0.1 --mail-from a@example.net \
            --mail-rcpt user@example.org --upload-file -
    [ "$(find "$state/Maildir/new" -type f | wc -l)" = 1 ]
}

@test "an expired certificate is named in the journal, and mail goes on in clear" {
    make_secrets
    openssl req -new -key "$secrets/tls.key" -subj /CN=old.test -out request
    openssl x509 -req -in request -signkey "$secrets/tls.key" -days -1 -out "$secrets/tls.crt" 2>log
    drop_in "$examples/tls.conf"
    serve
    client 9
    printf 'EHLO c\r\nQUIT\r\n' >&9
    from_wire <&9 >said
    grep -q '^250-PIPELINING' said
    refute grep STARTTLS said
    eventually expired
    send
}
expired() { field SMTP_TEXT SMTP_EVENT=trouble | grep -q '/tls.crt: expired$'; }
