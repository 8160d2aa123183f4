# Tests with a mail server of their own, for bats: copy `serve` and `teardown`. Each message to any
# address becomes a file in $mails, which is whole when the client gets its 250.

# serve [COMMAND...]: a mail server at $address, which gives each message to the command.
serve() {
    PATH=$PATH:/usr/local/sbin:/usr/sbin
    export mails=$BATS_TEST_TMPDIR/mails
    mkdir "$mails"
    [ $# -gt 0 ] || set -- sh -c 'cat >"$mails/$TRANSACTION_ID"'
    # Descriptor 3 is that of bats, which would wait until it is closed.
    smtp-handler --listen 127.0.0.1:0 --user "$(id -u)" --domain '*' --log stderr -- "$@" \
        2>"$BATS_TEST_TMPDIR/log" 3>&- &
    server=$!
    until address=$(sed -n 's/^listening on //p' "$BATS_TEST_TMPDIR/log") && [ -n "$address" ]; do
        kill -0 "$server" 2>/dev/null || { cat "$BATS_TEST_TMPDIR/log" && return 1; }
        sleep 0.05
    done
}

teardown() {
    kill "$server"
    cat "$BATS_TEST_TMPDIR/log" # shown if the test failed
}

# What is tested: put your own program here.
send() {
    printf 'Subject: hello\n\nIt works.\n' | curl --silent --show-error --crlf \
        --url "smtp://$address" --mail-from me@example.org --mail-rcpt you@example.net --upload-file -
}

@test "a mail arrives" {
    serve
    send
    grep -qx 'Subject: hello' "$mails"/*
    grep -qx 'It works.' "$mails"/*
}

@test "a refusal is told" {
    serve sh -c 'echo 5.2.2 mailbox full; exit 77'
    run send
    [ "$status" != 0 ]
    [ -z "$(ls "$mails")" ]
}
