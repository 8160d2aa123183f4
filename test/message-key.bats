load helper

# The name of a message that a retry has, too: {key} and MESSAGE_KEY.

# key_of TEXT RECIPIENT...: what the manual says, of a message of `one_message` with that content.
key_of() {
    local text=$1
    shift
    { printf '%s\0' sender@example.net; printf '%s\n' "$@" | LC_ALL=C sort | tr '\n' '\0'
        printf %b "$text" | openssl sha256 -binary; } | sha256sum | cut -d' ' -f1
}

text='Subject: test\n\nbody\n'

# send OPTION...: standard input, by a client; all must be accepted.
send() {
    sed 's/$/\r/' | handler "$@" | from_wire >replies
    refute grep '^[45]' replies
}

# told N: the key that run N was told, in its environment and as its only argument.
told() {
    [ "$(kept_arguments "$1")" = "<$(kept_environment "$1" | sed -n 's/^MESSAGE_KEY=//p')>" ]
    kept_arguments "$1" | tr -d '<>'
}

@test "{key} and MESSAGE_KEY are the SHA-256 of sender, recipient and the client's content" {
    delivery=("$commands/keep" '{key}')
    one_message | send
    [ "$(told 1)" = "$(key_of "$text" user@example.org)" ]
    # Neither our trace nor the client's name belongs to the content.
    one_message | sed 's/client.test/other.test/' | send --no-trace
    [ "$(told 2)" = "$(told 1)" ]
    one_message | sed s/body/Body/ | send
    [ "$(told 3)" = "$(key_of 'Subject: test\n\nBody\n' user@example.org)" ]
    one_message | sed 's/^MAIL.*/MAIL FROM:<>/' | send
    [ "$(told 4)" = "$({ printf '\0user@example.org\0'; printf %b "$text" | openssl sha256 -binary; } | sha256sum | cut -d' ' -f1)" ]
}

@test "the key of several recipients is the same in any order, and another than that of some of them" {
    delivery=("$commands/keep" '{key}')
    one_message b@example.org ab@example.org a@example.org | send
    [ "$(told 1)" = "$(key_of "$text" a@example.org ab@example.org b@example.org)" ]
    one_message a@example.org b@example.org ab@example.org | send
    [ "$(told 2)" = "$(told 1)" ]
    one_message b@example.org b@example.org ab@example.org | send
    [ "$(told 3)" = "$(key_of "$text" ab@example.org b@example.org)" ]
    mapfile -t hundred < <(seq -f 'user%g@example.org' 100 | shuf)
    one_message "${hundred[@]}" | send
    [ "$(told 4)" = "$(key_of "$text" "${hundred[@]}")" ]
}

@test "a run for one recipient has the key of that one, no matter who else is named" {
    delivery=("$commands/keep" '{key}')
    one_message a@example.org b@example.org | sed s/EHLO/LHLO/ | send --lmtp --one-recipient
    [ "$(told 1)" = "$(key_of "$text" a@example.org)" ]
    [ "$(told 2)" = "$(key_of "$text" b@example.org)" ]
    one_message a@example.org b@example.org | send --one-recipient --done-list list
    [ "$(told 3)" = "$(told 1)" ]
    [ "$(told 4)" = "$(told 2)" ]
    [ -e "list/$(told 1 | cut -c1-2)/$(told 1)" ]
    [ -e "list/$(told 2 | cut -c1-2)/$(told 2)" ]
}

@test "an octet makes another key, and BDAT's are counted as they come" {
    delivery=("$commands/keep" '{key}')
    body='A: b\n\n\0\0001x\n'
    { printf 'EHLO c\r\nMAIL FROM:<sender@example.net> BODY=BINARYMIME\r\nRCPT TO:<user@example.org>\r\n'
        printf 'BDAT 6\r\nA: b\n\nBDAT 4 LAST\r\n\0\1x\nQUIT\r\n'; } | handler | from_wire >replies
    grep -q '^250 2.0.0 Delivered' replies
    [ "$(told 1)" = "$(key_of "$body" user@example.org)" ]
    # In one chunk it is the same message.
    { printf 'EHLO c\r\nMAIL FROM:<sender@example.net> BODY=BINARYMIME\r\nRCPT TO:<user@example.org>\r\n'
        printf 'BDAT 10 LAST\r\nA: b\n\n\0\1x\nQUIT\r\n'; } | handler | from_wire >replies
    [ "$(told 2)" = "$(told 1)" ]
}

@test "a large message, which waits in a file, has the key of its content" {
    head -c 3000000 /dev/urandom | base64 >large
    delivery=("$commands/keep" '{key}')
    one_message a@example.org b@example.org | sed '/^body$/{r large
        d}' | send
    [ "$(told 1)" = "$({ printf 'sender@example.net\0a@example.org\0b@example.org\0'
        { printf 'Subject: test\n\n'; cat large; } | openssl sha256 -binary; } | sha256sum | cut -d' ' -f1)" ]
}

@test "--message-key and --done-list tell the key to every command, else {key} alone does" {
    one_message | send --message-key
    kept_environment 1 | grep -qx "MESSAGE_KEY=$(key_of "$text" user@example.org)"
    one_message | send --done-list list
    kept_environment 2 | grep -qx "MESSAGE_KEY=$(key_of "$text" user@example.org)"
    one_message | MESSAGE_KEY=ours send
    refute grep -q MESSAGE_KEY < <(kept_environment 3)
}

@test "{key} in a command of the list is told to that one alone, in any order" {
    printf 'a@example.org %s {key}\nb@example.org %s\n' "$commands/keep" "$commands/keep" >list
    one_message a@example.org b@example.org | sed s/EHLO/LHLO/ | send --lmtp --recipients list
    [ "$(told 1)" = "$(key_of "$text" a@example.org)" ]
    refute grep -q MESSAGE_KEY < <(kept_environment 2)
    one_message b@example.org a@example.org | sed s/EHLO/LHLO/ | send --lmtp --recipients list
    refute grep -q MESSAGE_KEY < <(kept_environment 3)
    [ "$(told 4)" = "$(told 1)" ]
}

@test "who leaves a duplicate out by the done-list has the key of the others" {
    delivery=(sh -c 'echo "$MESSAGE_KEY" >>"$KEPT/keys"')
    one_message a@example.org | send --done-list list
    one_message b@example.org a@example.org c@example.org | send --done-list list
    [ "$(sed -n 2p "$KEPT/keys")" = "$(key_of "$text" b@example.org c@example.org)" ]
}

# reads OPTION...: how often the message, of 1 MB, is read to make a key.
reads() {
    { one_message a@example.org b@example.org | sed '/^body$/,$d'; head -c 1000000 /dev/zero | tr '\0' x | fold -w 100
        printf '\n.\n'; } | sed 's/$/\r/' >asked
    ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o trace -e trace=pread64 "$SMTP_HANDLER" --hostname mx.test --domain example.org "$@" \
        <asked >replies 2>>log
    grep -q '^250 2.0.0 Delivered' replies
    grep -c 'pread64(.* = 65536' trace || true
}

@test "nobody reads the message for a key that nobody asks for, and once for all recipients" {
    [ "$(reads true)" = 0 ]
    [ "$(reads --message-key true)" = 15 ]
    [ "$(reads --message-key --done-list list --one-recipient true '{key}')" = 15 ]
}

@test "{key} may stand in a script, but not in a recipient check" {
    [ "$(deliver_by sh -c 'echo {key}')" = "250 2.0.0 $(key_of "$text" user@example.org)" ]
    check --recipient-check 'true {key}' true
    [ "$status" = 64 ]
    [ "$output" = 'smtp-handler: option recipient-check: {key}: there is no message yet' ]
    printf 'recipient-check true {key}\ncommand true\n' >file
    check --config file
    grep -qF 'file:1: option recipient-check: {key}: there is no message yet' <<<"$output"
}
