load helper
load peers
load tls
load credentials

# What systemd gives a service as credentials, the key and the passwords, is closed to the delivery command
# whatever the client does. The units set CREDENTIALS_DIRECTORY and no_new_privs; here that is done by hand.

setup_file() {
    make_pairs ca mx rsa expired
}

@test "behind HELO, EHLO and XCLIENT the command can read neither key nor passwords" {
    serve_credentials mx --xclient 127.0.0.1
    says_closed 'HELO c' 'EHLO c' 'XCLIENT HELO=c PROTO=SMTP' 'XCLIENT HELO=c PROTO=ESMTP' 'HELO c|EHLO c' \
        'EHLO c|XCLIENT HELO=c PROTO=ESMTP'
}

@test "behind TLS and AUTH, and when the command has run, the password program and the relay can read them, and not the command" {
    serve_credentials mx
    client <<'END'
def closed(client):
    reply = client.send_message()
    assert reply == "250 2.0.0 tls.crt token", reply
client = Client(port)
client.expect("250", "EHLO client.test")
closed(client)
client.expect("220", "STARTTLS")
client.shake_hands()
client.expect("250", "EHLO client.test")
closed(client)
client.expect("535", "AUTH PLAIN AGFsaWNlAHdyb25n")
closed(client)
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
closed(client)
END
}

@test "if the certificate has expired, or is not the key's, the command can read neither key nor passwords" {
    serve_credentials expired
    says_closed 'EHLO c' 'HELO c' 'EHLO c|454 STARTTLS'
    grep -q 'tls.crt: expired' background
    cp "$certificates/rsa.key" credentials/tls.key
    cp "$certificates/mx.crt" credentials/tls.crt
    says_closed 'EHLO c' 'HELO c' 'EHLO c|454 STARTTLS'
    grep -q 'is not the key of' background
}

@test "a command of the list of recipients can read neither key nor passwords" {
    printf '@example.org %s\n' "$PWD/tell" >list
    serve_credentials mx --recipients list
    says_closed 'HELO c' 'EHLO c'
    grep -q ' route=@example.org command=.*/tell ' background
}

@test "a filter can read neither key nor passwords, though it runs first" {
    printf '#!/bin/sh\n./tell >told\n' >filter
    chmod +x filter
    serve_credentials mx --filter "$PWD/filter"
    says_closed 'EHLO c'
    [ "$(cat told)" = 'tls.crt token ' ]
}

@test "if the relay cannot be started, the command can read neither key nor passwords" {
    mkdir alone
    cp "$SMTP_HANDLER" alone/
    PASSWORD_CHECK=$(dirname "$SMTP_HANDLER")/helpers/password-check
    SMTP_HANDLER=$PWD/alone/smtp-handler serve_credentials mx
    says_closed 'EHLO c' 'HELO c'
    grep -q 'no tls-relay in ' background
}

@test "a key and a file of passwords that options name are closed to the command if they are credentials" {
    serve_credentials mx --tls-cert "$PWD/credentials/tls.crt" --tls-key "$PWD/credentials/own"
    mv credentials/tls.key credentials/own
    sed -i 's/passwords token/passwords own token/' tell
    says_closed 'EHLO c' 'HELO c'
}

@test "a client that had the command run before EHLO gets TLS all the same" {
    serve_credentials mx
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
assert client.send_message().startswith("250")
client.starttls()
assert client.send_message() == "250 2.0.0 tls.crt token"
END
    refute grep trouble background
}

# mounted MOUNTS FILE...: with such mounts, which of the files the command can read, by the reply.
mounted() {
    unshare -m true || skip "no mounts can be made here"
    mkdir -p secret/up/credentials other/deep/down
    echo "alice:$(hashed secret)" >secret/up/credentials/passwords
    echo key >secret/up/credentials/tls.key
    echo token >secret/up/credentials/token
    touch other/file other/token other/deep/token
    printf '#!/bin/sh\nfor file in %s; do cat "$file" >/dev/null 2>&1 && printf "%%s " "$file"; done; true\n' "${*:2}" >tell
    chmod +x tell
    one_message | sed 's/$/\r/' | unshare -m sh -c "$1"'
        export CREDENTIALS_DIRECTORY="$PWD/${CREDENTIALS:-secret/up/credentials}"
        exec setpriv --no-new-privs "$@"' sh "$SMTP_HANDLER" --hostname mx.test --domain example.org --log stderr \
        --auth "/bin/true ${CREDENTIALS:-secret/up/credentials}/passwords" -- ./tell 2>log 3>&- 4>&- | from_wire | without_ids | sed -n '/^354/{n;p}'
}

@test "through no other mount of their file system can the command read key and passwords" {
    for mount in 'secret other' 'secret/up other' 'secret/up/credentials other' 'secret other/deep/down' 'secret/up/credentials/tls.key other/file'; do
        files=
        for name in passwords tls.key token; do
            for directory in secret/up/credentials other{,/deep/down}{,/up}{,/credentials}; do files+=" $directory/$name"; done
        done
        mounted "mount --bind ${mount% *} ${mount#* };" "$files" other/file >said
        cat said log
        grep -q '^250 2.0.0 .*secret/up/credentials/token' said
        refute grep -e key -e passwords said
        [[ $mount != *file ]] || refute grep other/file said
    done
    [ "$(mounted '' other/file secret/up/credentials/tls.key)" = '250 2.0.0 other/file' ]
}

@test "if the credentials are mounted from elsewhere, the command cannot read key and passwords there" {
    CREDENTIALS=other/deep/down mounted 'mount --bind secret/up/credentials other/deep/down;' \
        {secret/up/credentials,other/deep/down}/{passwords,tls.key,token} >said
    cat said log
    [ "$(cat said)" = '250 2.0.0 secret/up/credentials/token other/deep/down/token' ]
}

@test "if key or passwords have hard links, the message is deferred, and the log says so" {
    serve_credentials mx
    ln credentials/passwords credentials/copy
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
assert client.send_message().startswith("451 ")
END
    grep -q 'trouble .*Landlock: Too many links' background
    rm credentials/copy
    says_closed 'HELO c'
}

@test "with credentials a message still goes into a Maildir" {
    serve_credentials mx
    end_started
    delivery=("$MAILDIR_DELIVER" "$PWD/Maildir")
    SMTP_HANDLER=$PWD/start start_handler
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
assert client.send_message().startswith("250")
END
    [ "$(find Maildir/new -type f | wc -l)" = 1 ]
}

@test "without credentials the runner makes no rules" {
    needs_root 'look into a process that hides'
    one_message | sed 's/$/\r/' |
        traced -f -o trace -e trace=landlock_create_ruleset "$SMTP_HANDLER" --domain example.org true >said
    grep -q '^250 2.0.0' said
    [ "$(grep -c 'landlock_create_ruleset({' trace)" = 1 ]
}
