load helper

# Once and only once: --done-list.

# says OPTION... : says standard input all at once, so that it acknowledges no answer; the replies from
# the message on.
says() {
    sed 's/$/\r/' | handler --done-list list "$@" | from_wire | without_ids | sed '1,/^354/d; /^221/d'
}

# begin OPTION...: a client that waits for its answers.
begin() {
    [ -p client ] || mkfifo client
    handler --done-list list "$@" <client >replies &
    started+=($!)
    exec 9>client
    eventually grep -q '^220' replies
}

# say LINE... REPLY: and waits until the last reply begins so.
say() {
    printf '%s\r\n' "${@:1:$#-1}" >&9
    eventually replied "${!#}"
}

replied() { tail -1 replies | grep -q "^$1"; }

message=('HELO c' 'MAIL FROM:<sender@example.net>' 'RCPT TO:<user@example.org>' DATA 'Subject: test' '' body .)

entries() { find list -type f ! -name lock | wc -l; }
no_entries() { [ "$(entries)" = 0 ]; }

# entry_of TEXT: the entry of a message with that, to the recipient of one_message, as the manual has it.
entry_of() {
    local key
    key=$({ printf 'sender@example.net\0user@example.org\0'; printf %b "$1" | openssl sha256 -binary; } | sha256sum)
    echo "list/${key:0:2}/${key:0:64}"
}

by_extension=(sh -c '[ -z "$EXTENSION" ] || [ -e "up$EXTENSION" ] || exit "$EXTENSION"; echo "$RECIPIENTS" >>delivered')

@test "a retry leaves out a recipient who has the message, and gets 250" {
    [ "$(one_message | says)" = '250 2.0.0 Delivered, id ID' ]
    [ "$(one_message | says)" = '250 2.0.0 Delivered before' ]
    [ "$(kept_count)" = 1 ]
    grep -q 'message result=accepted .* to=user@example.org recipients=1 size=[0-9]* status=2.0.0 done=1 reply=' log
    [ "$(entries)" = 1 ]
}

@test "a message that the command threw away is not remembered, and comes to it again" {
    delivery=(sh -c 'echo >>runs; [ "$CLIENT_HELO" = friend ] || exit 99; exec "$0"' "$commands/keep")
    [ "$(one_message | says)" = '250 2.0.0 Delivered, id ID' ]
    no_entries
    # The true sender, after a stranger has sent a copy.
    [ "$(one_message | sed 's/^EHLO .*/EHLO friend/' | says)" = '250 2.0.0 Delivered, id ID' ]
    [ "$(kept_count)" = 1 ]
    [ "$(entries)" = 1 ]
    grep -c 'message result=discarded' log | grep -qx 1
}

@test "of several recipients only those whose mail was kept are remembered" {
    delivery=("${by_extension[@]}")
    for _ in first retry; do
        [ "$(one_message a@example.org b+99@example.org | says --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
        [ "$(entries)" = 1 ]
    done
    [ "$(cat delivered)" = a@example.org ]
    grep -c 'message result=discarded .* to=b+99@example.org ' log | grep -qx 2
}

@test "an entry is named by sender, recipient and message" {
    one_message | says
    [ "$(find list/?? -type f)" = "$(entry_of 'Subject: test\n\nbody\n')" ]
    [ ! -s "$(entry_of 'Subject: test\n\nbody\n')" ]
    head -c 70000 /dev/zero | tr '\0' x >long
    { one_message | sed '/^\.$/,$d'; cat long; printf '\n.\n'; } | says
    [ -e "$(entry_of "Subject: test\n\nbody\n$(cat long)\n")" ]
}

@test "another sender, recipient or text is another message, another client is not" {
    one_message | says
    one_message | sed s/sender@/other@/ | says
    one_message | sed s/user@/other@/ | says
    one_message | sed s/body/other/ | says
    [ "$(kept_count)" = 4 ]
    [ "$(one_message | sed 's/client.test/other.test/' | says)" = '250 2.0.0 Delivered before' ]
    [ "$(one_message | says --no-trace)" = '250 2.0.0 Delivered before' ]
    [ "$(kept_count)" = 4 ]
}

@test "a client that goes on has acknowledged the answer, and the same message again is new" {
    begin
    for times in 1 2; do
        say "${message[@]}" '250 2.0.0 Delivered, id'
        [ "$(entries)" = 1 ]
        say NOOP '250 2.0.0 Ok'
        eventually no_entries
    done
    say "${message[@]}" '250 2.0.0 Delivered, id'
    [ "$(entries)" = 1 ]
    say QUIT 221
    eventually no_entries
    [ "$(kept_count)" = 3 ]
}

@test "what came before the answer acknowledges nothing, nor does QUIT" {
    delivery=(sh -c 'touch began; until [ -e "$KEPT/go" ]; do sleep 0.02; done')
    begin
    printf '%s\r\n' "${message[@]}" >&9
    eventually test -e began
    printf 'NOOP\r\n' >&9
    touch "$KEPT/go"
    eventually replied '250 2.0.0 Ok'
    [ "$(entries)" = 1 ]
    say NOOP '250 2.0.0 Ok'
    eventually no_entries
    rm began "$KEPT/go"
    printf '%s\r\n' "${message[@]}" >&9
    eventually test -e began
    printf 'QUIT\r\n' >&9
    touch "$KEPT/go"
    eventually replied 221
    [ "$(entries)" = 1 ]
}

@test "a client that disconnects after the answer has not acknowledged it" {
    begin
    say "${message[@]}" '250 2.0.0 Delivered, id'
    exec 9>&-
    eventually grep -q 'connection .* ended=eof' log
    [ "$(entries)" = 1 ]
    [ "$(one_message | says)" = '250 2.0.0 Delivered before' ]
}

@test "a retry that comes while the message is being delivered waits" {
    delivery=(sh -c 'touch began; echo >>"$KEPT/times"; until [ -e go ]; do sleep 0.02; done')
    begin
    printf '%s\r\n' "${message[@]}" >&9
    eventually test -e began
    [ "$(one_message | says)" = '451 4.3.0 Local error in processing, try again later, id ID' ]
    grep -q 'trouble text="done-list: Operation already in progress; see smtp-handler-command(7), ONCE AND ONLY ONCE"' log
    touch go
    [ "$(one_message other@example.org | says)" = '250 2.0.0 Delivered, id ID' ]
    eventually replied '250 2.0.0 Delivered, id'
    [ "$(one_message | says)" = '250 2.0.0 Delivered before' ]
    [ "$(wc -l <"$KEPT/times")" = 2 ]
}

@test "what a client sends acknowledges all answers before" {
    begin
    say "${message[@]}" "${message[@]:1:5}" other . '250 2.0.0 Delivered, id'
    eventually test "$(kept_count)" = 2
    [ "$(entries)" = 2 ]
    say NOOP '250 2.0.0 Ok'
    eventually no_entries
}

@test "with a done-list one-recipient mode takes several recipients and gives one answer: 250 if all accept" {
    delivery=("${by_extension[@]}")
    printf 'EHLO c\r\n' | handler --one-recipient --done-list list | from_wire | grep -qx '250 LIMITS MAILMAX=1000 RCPTMAX=1000'
    [ "$(one_message a@example.org b@example.org | says --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
    diff delivered - <<<$'a@example.org\nb@example.org'
    grep -q 'connection .* messages=1 accepted=1 ' log
}

@test "a message that all recipients refuse is refused, for whatever reasons" {
    delivery=("${by_extension[@]}")
    [ "$(one_message a+67@example.org b+67@example.org | says --one-recipient)" = '550 5.1.1 No such mailbox, id ID' ]
    [ "$(one_message a+67@example.org b+77@example.org | says --one-recipient)" = '554 5.0.0 Message refused, id ID' ]
    [ "$(one_message a+73@example.org b+73@example.org | says --one-recipient)" = '451 4.2.0 Mailbox temporarily unavailable, try again later, id ID' ]
    [ ! -e delivered ]
}

@test "a mixed outcome is 451, and the retry delivers to the rest" {
    delivery=("${by_extension[@]}")
    for last in c+75 c+67; do
        local all=(a@example.org "$last@example.org" b@example.org)
        rm -f delivered
        rm -rf list
        [ "$(one_message "${all[@]}" | says --one-recipient)" = '451 4.3.0 Local error in processing, try again later, id ID' ]
        diff delivered - <<<$'a@example.org\nb@example.org'
        [ "$(one_message "${all[@]}" | says --one-recipient)" = '451 4.3.0 Local error in processing, try again later, id ID' ]
        touch up75 up67
        [ "$(one_message "${all[@]}" | says --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
        diff delivered - <<<$'a@example.org\nb@example.org'"
$last@example.org"
        rm up75 up67
    done
}

@test "the entries of a message that is not accepted as a whole stay until it is" {
    delivery=("${by_extension[@]}")
    local both=("${message[@]:0:2}" 'RCPT TO:<a@example.org>' 'RCPT TO:<b+75@example.org>' "${message[@]:3}")
    begin --one-recipient
    say "${both[@]}" '451 4.3.0'
    say NOOP '250 2.0.0 Ok'
    [ "$(entries)" = 1 ]
    touch up75
    say "${both[@]}" '250 2.0.0 Delivered'
    [ "$(entries)" = 2 ]
    say NOOP '250 2.0.0 Ok'
    eventually no_entries
    diff delivered - <<<$'a@example.org\nb+75@example.org'
}

@test "a command for all recipients is run on a retry for the rest" {
    delivery=("$commands/keep" '{recipients}')
    one_message b@example.org | says
    [ "$(one_message a@example.org b@example.org c@example.org | says)" = '250 2.0.0 Delivered, id ID' ]
    kept_arguments 2 | diff - <(printf '<%s@example.org>\n' a c)
    kept_environment 2 | grep -A1 '^RECIPIENTS=' | diff - <(printf 'RECIPIENTS=a@example.org\nc@example.org\n')
    grep -q 'message result=accepted .* recipients=3 .* done=1 command=' log
    [ "$(one_message d@example.org a@example.org | says)" = '250 2.0.0 Delivered, id ID' ]
    kept_environment 3 | grep -qx RECIPIENT=d@example.org
    [ "$(one_message a@example.org b@example.org c@example.org d@example.org | says)" = '250 2.0.0 Delivered before' ]
    [ "$(kept_count)" = 3 ]
}

@test "a refusal of the rest on a retry is deferred, since others have the message" {
    one_message a@example.org | says
    delivery=("$commands/end" 67)
    [ "$(one_message b@example.org c@example.org | says)" = '550 5.1.1 No such mailbox, id ID' ]
    [ "$(one_message a@example.org b@example.org | says)" = '451 4.3.0 Local error in processing, try again later, id ID' ]
}

@test "with a done-list LMTP and PRDR answer each recipient as ever" {
    delivery=("${by_extension[@]}")
    for how in LMTP PRDR; do
        rm -rf list delivered
        local options=(--one-recipient) greeting=EHLO prdr=' PRDR' around=353
        [ $how = PRDR ] || { options=(--lmtp) greeting=LHLO prdr='' around=; }
        one_message a@example.org b+75@example.org | sed "s/EHLO/$greeting/; s/\(^MAIL.*\)/\1$prdr/" >client_says
        says "${options[@]}" <client_says | cut -c1-3 | diff - <(printf '%s\n' $around 250 451 ${around:+250})
        says "${options[@]}" <client_says | diff - <(cat <<SERVER
${around:+353 Each recipient is answered by itself
}250 2.0.0 Delivered before
451 4.3.0 Local error in processing, try again later, id ID${around:+
250 2.0.0 Delivered, id ID}
SERVER
)
        diff delivered - <<<a@example.org
    done
}

@test "the longest addresses are remembered, each by itself" {
    local label domain local_part
    label=$(printf '%63s' '' | tr ' ' d)
    domain=$label.$label.$label.$label
    local_part=$(printf '%254s' '' | tr ' ' x)
    one_message "${local_part}a@$domain" "${local_part}a@localhost" | says --domain '*'
    [ "$(one_message "${local_part}a@$domain" "${local_part}b@$domain" | says --domain '*')" = '250 2.0.0 Delivered, id ID' ]
    kept_environment 2 | grep -qx "RECIPIENT=${local_part}b@$domain"
}

@test "the same domain in capitals is the same, in a sender and in a recipient" {
    one_message | says
    [ "$(one_message | sed 's/@example/@EXAMPLE/' | says)" = '250 2.0.0 Delivered before' ]
    [ "$(kept_count)" = 1 ]
}

@test "a recipient who is named twice has the message once" {
    delivery=("${by_extension[@]}")
    [ "$(one_message a@example.org a@example.org | says --one-recipient)" = '250 2.0.0 Delivered, id ID' ]
    diff delivered - <<<a@example.org
}

@test "an entry of the done-list that is a week old does not count" {
    one_message | says
    touch -d '8 days ago' "$(find list/?? -type f)"
    [ "$(one_message | says)" = '250 2.0.0 Delivered, id ID' ]
    touch -d '6 days ago' "$(find list/?? -type f)"
    [ "$(one_message | says)" = '250 2.0.0 Delivered before' ]
    [ "$(kept_count)" = 2 ]
}

@test "if a directory of the done-list is full, or entries are old, the next message cleans it" {
    local number=0
    until [[ $(entry_of "$number\n") == list/??/??0* ]]; do number=$((number + 1)); done
    directory=$(dirname "$(entry_of "$number\n")")
    mkdir -p "$directory"
    printf "$directory/%064d\n" {1..400} | xargs touch -d '1 day ago'
    touch -d '2 days ago' "$directory/$(printf %064d 7)"
    touch -d '8 days ago' "$directory/$(printf %064d 9)"
    touch "$directory/a stranger"
    one_message | sed "s/^body/$number/; /^Subject/,/^\$/d" | says
    [ "$(find "$directory" -name '????????????????????????????????????????????????????????????????' | wc -l)" = 390 ]
    [ -e "$(entry_of "$number\n")" ]
    [ ! -e "$directory/$(printf %064d 7)" ]
    [ ! -e "$directory/$(printf %064d 9)" ]
    [ -e "$directory/a stranger" ]
}

@test "a done-list that cannot be used is named at start" {
    touch file
    for directory in file/list missing/list file /proc/list; do
        refute handler --done-list "$directory" --check
        grep -q "^smtp-handler: option done-list: $directory: " log
        handler --done-list "$directory" </dev/null >said || [ $? = 78 ]
        [ ! -s said ] || grep -q '^421 4.3.5' said
    done
    handler --done-list list --check | tail -1 | grep -qx ok
}

@test "--check makes no done-list, nor anything else: that is for a session's user" {
    mkdir empty
    for path in empty/list "$PWD/empty/list/" list; do
        handler --check --done-list "$path" --spool empty | tail -1 | grep -qx ok
        [ ! -e "$path" ]
    done
    [ -z "$(ls empty)" ]
    chmod 555 empty
    chmod 711 "$BATS_RUN_TMPDIR"
    if ASAN_OPTIONS=detect_leaks=0 as_another "$SMTP_HANDLER" --check --done-list "$PWD/empty/list" true 2>errors; then
        false
    fi
    grep -qx "smtp-handler: option done-list: $PWD/empty/list: Permission denied; see smtp-handler-command(7), ONCE AND ONLY ONCE" errors
    one_message | handler --done-list list >replies
    [ -d list ]
}

@test "a done-list that cannot be read defers the message" {
    mkdir list
    touch list/{{0..9},{a..f}}{{0..9},{a..f}}
    [ "$(one_message | says)" = '451 4.3.0 Local error in processing, try again later, id ID' ]
    [ "$(kept_count)" = 0 ]
    grep -q 'trouble text="done-list: Not a directory; see smtp-handler-command(7), ONCE AND ONLY ONCE"' log
}

@test "a done-list that cannot be written after the command's success does not change the reply" {
    delivery=(sh -c 'rm -r list; touch list')
    [ "$(one_message | says)" = '250 2.0.0 Delivered, id ID' ]
    grep -q 'trouble text="done-list, after a delivery: Not a directory; see smtp-handler-command(7), ONCE AND ONLY ONCE"' log
}
