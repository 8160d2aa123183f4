load helper
load peers

# helpers/lmtp-deliver, a delivery command that speaks LMTP to a server that stays.

: "${LMTP_DELIVER:=$(dirname "$SMTP_HANDLER")/helpers/lmtp-deliver/lmtp-deliver}"

setup_file() {
    export MESSAGE=$BATS_FILE_TMPDIR/message
    echo x >"$MESSAGE"
}

# mock [STEP=REPLY...]: from now on the server on the socket ./lmtp says that.
mock() {
    printf '%s\n' "$@" | sed '/^$/d' >script
    : >said
    [ ! -S lmtp ] || return 0
    in_background "$commands/lmtp-server.py" lmtp
    eventually is_served
}

is_served() {
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("lmtp")'
}

# deliver RECIPIENT...: gives it standard input; $status and the files `text` and `errors` are what
# became of it.
deliver() {
    status=0
    RECIPIENTS=$(printf '%s\n' "$@") SENDER=sender@example.net timeout 60 "$LMTP_DELIVER" ./lmtp >text 2>errors || status=$?
}

# ended STATUS [TEXT]: how the last delivery ended.
ended() {
    if ! [ "$status" = "$1" ] || ! diff text <(printf '%s' "${2:+$2$'\n'}"); then
        echo "$status:"
        cat text errors
        return 1
    fi
}

@test "all commands that may go together go together, and the message by BDAT" {
    mock
    printf 'Subject: x\n\n.dot\n..\nend\n' >message
    deliver a@example.org b@example.org <message
    ended 0 '2.0.0 <a@example.org> saved'
    [ ! -s errors ]
    eventually grep -q QUIT said
    sed "s/$(hostname)/HOST/" said | diff - <(cat <<'EOF'
--
LHLO HOST
--
MAIL FROM:<sender@example.net> SIZE=29
RCPT TO:<a@example.org>
RCPT TO:<b@example.org>
--
BDAT 29 LAST
--
QUIT
EOF
)
    sed 's/$/\r/' message | cmp - content
}

@test "what the server does not offer is not used" {
    mock offer=
    printf 'Subject: gr\374n\n\n.dot\n.\n..\nend\n' >message
    deliver a@example.org b@example.org <message
    ended 0 '2.0.0 <a@example.org> saved'
    eventually grep -q QUIT said
    sed 1,2d said | diff - <(cat <<'EOF'
--
MAIL FROM:<sender@example.net>
--
RCPT TO:<a@example.org>
--
RCPT TO:<b@example.org>
--
DATA
--
QUIT
EOF
)
    sed 's/^\./../; s/$/\r/' message | cmp - content
}

@test "keywords of extensions have any case, and the server's own name is not one" {
    mock 'LHLO=250-CHUNKING\n250-8bitMIME\n250 size 1000'
    printf '\374\n' >message
    deliver a@example.org <message
    ended 0 '2.0.0 <a@example.org> saved'
    grep -x 'MAIL FROM:<sender@example.net> SIZE=3 BODY=8BITMIME' said
    grep -x DATA said
}

@test "a message of any octets comes to the server with CR LF behind each line, by BDAT and by DATA" {
    local offer
    for offer in 'PIPELINING SIZE CHUNKING BINARYMIME' SIZE; do
        mock offer="$offer"
        while IFS='|' read -r sent by_bdat by_data; do
            printf '%b' "$sent" >message
            deliver a@example.org <message
            ended 0 '2.0.0 <a@example.org> saved'
            [ "$offer" = SIZE ] || by_data=$by_bdat
            printf '%b' "$by_data" | cmp - content
            grep -x "MAIL FROM:<sender@example.net> SIZE=$(printf '%b' "$by_bdat" | wc -c)" said
            : >said
        done <<'EOF'
||
\n|\r\n|\r\n
x|x|x\r\n
.|.|..\r\n
.\n|.\r\n|..\r\n
a\n.b\n\n..\n.|a\r\n.b\r\n\r\n..\r\n.|a\r\n..b\r\n\r\n...\r\n..\r\n
a\r\n.\r\nb\r\n|a\r\n.\r\nb\r\n|a\r\n..\r\nb\r\n
a\nb\r\nc\n|a\r\nb\r\nc\r\n|a\r\nb\r\nc\r\n
a\0b\n\0\n.\0|a\0b\r\n\0\r\n.\0|a\0b\r\n\0\r\n..\0\r\n
EOF
    done
}

@test "lines and dots at every place of the pieces that the message is read in come through" {
    mock offer='SIZE CHUNKING'
    seq 60000 | sed '0~3s/^/./; 0~7s/.*//' >message
    for cut in 0 1 2 3; do
        { head -c $((65532 + cut)) /dev/zero | tr '\0' x; printf '\n.\n..\n'; cat message; } >whole
        deliver a@example.org <whole
        ended 0 '2.0.0 <a@example.org> saved'
        sed 's/$/\r/' whole | cmp - content
    done
    mock offer=SIZE
    for cut in 0 1 2 3; do
        { head -c $((65532 + cut)) /dev/zero | tr '\0' x; printf '\n.\n..\n'; cat message; } >whole
        deliver a@example.org <whole
        ended 0 '2.0.0 <a@example.org> saved'
        sed 's/^\./../; s/$/\r/' whole | cmp - content
    done
}

@test "a message with bare CRs, or bare LFs among CR LFs, goes as BINARYMIME or not at all" {
    mock
    for message in 'a\rb\n' 'a\r\nb\nc\r\n' 'a\r'; do
        printf '%b' "$message" >message
        deliver a@example.org <message
        ended 0 '2.0.0 <a@example.org> saved'
        grep -q '^MAIL FROM:<sender@example.net> SIZE=[0-9]* BODY=BINARYMIME$' said
        sed '/\r$/!{/\r./s/$/\r/}' message | head -c "$(wc -c <content)" | cmp - content
        : >said
    done
    for offer in CHUNKING BINARYMIME; do
        mock offer="$offer"
        deliver a@example.org <message
        ended 65 '5.6.3 The server takes no BINARYMIME'
        refute grep MAIL said
    done
}

@test "only what is left to read of standard input is the message, and a pipe is trouble" {
    mock
    printf 'one\ntwo\n' >message
    { read -r _; deliver a@example.org; } <message
    ended 0 '2.0.0 <a@example.org> saved'
    printf 'two\r\n' | cmp - content
    status=0
    mkfifo pipe
    cat message >pipe &
    deliver a@example.org <pipe
    ended 75
    grep -qx 'lmtp-deliver: standard input: I[a-z]* seek' errors # libraries differ
}

@test "SMTPUTF8 is said when an address or the sender of the message needs it" {
    mock
    deliver grün@example.org <"$MESSAGE"
    ended 0 '2.0.0 <gr??n@example.org> saved'
    grep -x 'MAIL FROM:<sender@example.net> SIZE=3 SMTPUTF8' said
    CLIENT_PROTOCOL=UTF8LMTP deliver a@example.org <"$MESSAGE"
    [ "$(grep -c SMTPUTF8 said)" = 2 ]
    CLIENT_PROTOCOL=ESMTP deliver a@example.org <"$MESSAGE"
    [ "$(grep -c SMTPUTF8 said)" = 2 ]
    mock offer=8BITMIME
    deliver a@example.org grün@example.org <"$MESSAGE"
    ended 65 '5.6.7 The server takes no SMTPUTF8'
    refute grep MAIL said
    CLIENT_PROTOCOL=UTF8LMTP deliver a@example.org <"$MESSAGE"
    ended 0 '2.0.0 <a@example.org> saved'
}

@test "what the server replies to the message, or to the recipient, is what the sender gets" {
    while IFS='|' read -r reply status text handled; do
        for step in RCPT message; do
            mock "$step=$reply"
            delivery=("$LMTP_DELIVER" ./lmtp)
            one_message | sed 's/$/\r/' | handler >replies
            from_wire <replies | without_ids >said_by_us
            deliver a@example.org <"$MESSAGE"
            ended "$status" "$text"
            [ "$(sed -n '/^354/{n;p}' said_by_us)" = "$handled" ] || { cat said_by_us; return 1; }
        done
    done <<'EOF'
451 4.3.0 Try again|75|4.3.0 Try again|451 4.3.0 Try again
451 Try again|75|Try again|451 4.3.0 Try again
452 4.2.2 Quota exceeded|75|4.2.2 Quota exceeded|451 4.2.2 Quota exceeded
421 4.3.2 Going down|75|4.3.2 Going down|451 4.3.2 Going down
450|75||451 4.3.0 Local error in processing, try again later, id ID
550 5.1.1 No such user|67|5.1.1 No such user|550 5.1.1 No such user
550-5.1.1 No such\n550-\n550 5.1.1 user|67|5.1.1 No such user|550 5.1.1 No such user
550 5.1.2 No such host|68|5.1.2 No such host|550 5.1.2 No such host
552 5.2.2 Full|100|5.2.2 Full|554 5.2.2 Full
552 5.3.4 Too big|69|5.3.4 Too big|554 5.3.4 Too big
554 5.5.0 Bad|76|5.5.0 Bad|554 5.5.0 Bad
554 5.6.0 Bad content|65|5.6.0 Bad content|554 5.6.0 Bad content
550 5.7.1 Spam|77|5.7.1 Spam|550 5.7.1 Spam
501 5.1.3 Bad address|67|5.1.3 Bad address|550 5.1.3 Bad address
503 5.5.1 Not now|75|Not now|451 4.3.0 Not now
530 5.7.0 Who are you|75|Who are you|451 4.3.0 Who are you
554 4.3.0 Which|100|4.3.0 Which|554 5.0.0 Which
554 5.1.1x|100|5.1.1x|554 5.0.0 5.1.1x
EOF
}

@test "without an enhanced code a refused recipient is unknown, and a refused message is just refused" {
    mock 'RCPT=550 mailbox unavailable'
    deliver a@example.org <"$MESSAGE"
    ended 67 'mailbox unavailable'
    mock 'message=550 mailbox unavailable'
    deliver a@example.org <"$MESSAGE"
    ended 100 'mailbox unavailable'
}

@test "a sender or DATA that is refused or deferred is so for all recipients" {
    for offer in '' PIPELINING; do
        for step in MAIL DATA; do
            mock offer="$offer" "$step=550 5.7.1 Not from you" RCPT:b@example.org='250 fine'
            deliver a@example.org b@example.org <"$MESSAGE"
            ended 77 '5.7.1 Not from you'
            mock offer="$offer" "$step=450 4.7.1 Later" 'RCPT=503 5.5.1 No sender'
            [ "$step" = MAIL ] || continue
            deliver a@example.org b@example.org <"$MESSAGE"
            ended 75 '4.7.1 Later'
        done
    done
}

@test "a server that greets or introduces itself otherwise than with success defers" {
    mock 'greeting=554 5.3.2 No service'
    deliver a@example.org <"$MESSAGE"
    ended 75
    diff errors - <<<'lmtp-deliver: ./lmtp: greeting: 554 5.3.2 No service'
    mock 'LHLO=500 5.5.1 This is SMTP'
    deliver a@example.org <"$MESSAGE"
    ended 75
    diff errors - <<<'lmtp-deliver: ./lmtp: LHLO: 500 5.5.1 This is SMTP'
}

@test "of two recipients, one of whom RCPT refuses or defers, none gets the message" {
    while IFS='|' read -r a b status text; do
        mock "RCPT:a@example.org=$a" "RCPT:b@example.org=$b"
        deliver a@example.org b@example.org <"$MESSAGE"
        ended "$status" "$text"
        refute grep BDAT said
        [ ! -s content ]
    done <<'EOF'
250 2.1.5 OK|550 5.1.1 No b|75|Not all recipients accept it: No b
550 5.1.1 No a|250 2.1.5 OK|75|Not all recipients accept it: No a
250 2.1.5 OK|450 4.2.0 Not b|75|4.2.0 Not b
450 4.2.0 Not a|250 2.1.5 OK|75|4.2.0 Not a
450 4.2.0 Not a|550 5.1.1 No b|75|4.2.0 Not a
550 5.1.1 No a|450 4.2.0 Not b|75|4.2.0 Not b
550 5.1.1 No a|550 5.1.1 No b|67|5.1.1 No a
550 5.1.1 No a|550 5.7.1 Not b|100|Refused for several reasons: Not b
EOF
}

@test "of two recipients with different replies to the message, all are deferred" {
    while IFS='|' read -r a b status text; do
        mock "message:a@example.org=$a" "message:b@example.org=$b"
        deliver a@example.org b@example.org <"$MESSAGE"
        ended "$status" "$text"
        printf 'x\r\n' | cmp - content
    done <<'EOF'
250 2.0.0 a|250 2.0.0 b|0|2.0.0 a
250 2.0.0 a|552 5.2.2 Full|75|Not all recipients accept it: Full
552 5.2.2 Full|250 2.0.0 b|75|Not all recipients accept it: Full
250 2.0.0 a|452 4.2.2 Full|75|4.2.2 Full
452 4.2.2 Full|250 2.0.0 b|75|4.2.2 Full
554 5.7.1 Spam|554 5.7.1 Spam, too|77|5.7.1 Spam
250 2.0.0 a|250 2.0\c|75|
250 2.0.0 a|\c|75|
554 5.7.1 Spam|\c|75|
EOF
}

@test "each recipient has the server's own reply in LMTP and with PRDR" {
    delivery=("$LMTP_DELIVER" ./lmtp)
    replies=(RCPT:b@example.org='550 5.1.1 No b' message:c@example.org='452 4.2.2 Full' message:d@example.org='250 2.0.0 kept as 17')
    commands() { printf '%s\r\n' "$1" "MAIL FROM:<s@example.net>$2" "RCPT TO:<"{a,b,c,d}"@example.org>" DATA x . QUIT; }
    expected() { printf '%s\n' '250 2.0.0 <a@example.org> saved' '550 5.1.1 No b' '451 4.2.2 Full' '250 2.0.0 kept as 17'; }
    mock "${replies[@]}"
    commands 'LHLO c' '' | handler --lmtp | from_wire | without_ids | sed '1,/^354/d; /^221/d' | diff - <(expected)
    commands 'EHLO c' ' PRDR' | handler --one-recipient | from_wire | without_ids | sed '1,/^353/d; /^221/d' | head -4 | diff - <(expected)
}

@test "a server that breaks off at any reply, or within one, defers" {
    local step offer reply begun=0
    for offer in 'PIPELINING CHUNKING' PIPELINING ''; do
        for step in greeting LHLO MAIL RCPT RCPT:b@example.org DATA message message:b@example.org; do
            [ "$offer/$step" != 'PIPELINING CHUNKING/DATA' ] || continue
            for reply in '\c' '250 2.0.0 OK\c' '250-2.0.0 OK\n\c' '250-2.0.0 OK\n250 2.0.0 O\c' '550 5.1.1 No\c' '2\c'; do
                mock offer="$offer" "$step=$reply"
                deliver a@example.org b@example.org <"$MESSAGE"
                ended 75 || { echo "$step=$reply"; return 1; }
                grep -q '^lmtp-deliver: ./lmtp: [A-Za-z]*: \(the server broke off\|Connection reset by peer\|Broken pipe\)$' errors
                begun=$((begun + 1))
            done
        done
    done
    [ "$begun" = 138 ]
}

@test "replies that are malformed, too long, too many or out of turn defer" {
    local step reply long many
    long=$(head -c 5000 /dev/zero | tr '\0' x)
    many=$(printf '250-x\\n%.0s' $(seq 100))
    for step in greeting LHLO MAIL RCPT message; do
        for reply in '' 'x' '25' '2500' '250x' '99 no' '150 2.0.0 early' '650 no' '250-a\n251 b' '250-a\n550 b' "250 $long" "250-$long" \
            "${many}250 OK" '250 2.0.0 OK\n250 2.0.0 again' '354 more' '-250 OK' ' 250 OK'; do
            [ "$step" != message ] || [ "$reply" != '250 2.0.0 OK\n250 2.0.0 again' ] || continue # nothing is asked after it
            mock offer=CHUNKING "$step=$reply"
            deliver a@example.org <"$MESSAGE"
            ended 75 || { echo "$step=$reply"; return 1; }
            [ -s errors ]
        done
    done
    mock "message=250 2.0.0 $(head -c 1000 /dev/zero | tr '\0' x)"
    deliver a@example.org <"$MESSAGE"
    [ "$status" = 0 ]
    [ "$(head -c 509 text)" = "2.0.0 $(head -c 480 /dev/zero | tr '\0' x)" ]
    mock $'message=250 2.0.0 \t\e[31m\x01red\xc3\x9f'
    deliver a@example.org <"$MESSAGE"
    ended 0 '2.0.0  ?[31m?red??'
}

@test "a server that does not answer defers, a second before the deadline" {
    in_background python3 -c 'import socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("lmtp")
server.listen()
time.sleep(60)'
    eventually test -S lmtp
    DEADLINE=2 deliver a@example.org <"$MESSAGE"
    ended 75
    diff errors - <<<'lmtp-deliver: the server did not answer in time'
}

@test "a thousand recipients with long addresses go through, and neither side waits for the other" {
    mock
    long=$(head -c 60 /dev/zero | tr '\0' x)
    mapfile -t addresses < <(seq -f "%g$long@$long.example.org" 700)
    deliver "${addresses[@]}" <"$MESSAGE"
    [ "$status" = 0 ]
    [ "$(grep -c ^RCPT said)" = 700 ]
    [ "$(grep -c -- -- said)" -lt 20 ]
}

@test "without a server, or with a name that nothing has, the message is deferred" {
    deliver a@example.org <"$MESSAGE"
    ended 75
    diff errors - <<<'lmtp-deliver: ./lmtp: connect: No such file or directory'
    port=$(free_port)
    for name in "127.0.0.1:$port" "[::1]:$port"; do
        status=0
        SENDER='' RECIPIENT=a@example.org "$LMTP_DELIVER" "$name" <"$MESSAGE" 2>errors || status=$?
        [ "$status" = 75 ]
    done
}

@test "any system call that fails defers, but for those when all is said" {
    mock
    echo x >message
    local call number counted=0
    for call in socket connect sendto recvfrom pread64 lseek; do
        for number in $(seq 12); do
            status=0
            SENDER='' RECIPIENT=a@example.org traced -o trace -e trace="$call" -e inject="$call:error=EIO:when=$number" "$LMTP_DELIVER" ./lmtp <message >text 2>errors || status=$?
            grep -q INJECTED trace || break
            [ "$status" != 127 ] || continue # the loader's own
            [ "$(tail -n +2 trace | grep -c QUIT)" = 0 ] || { [ "$status" = 0 ]; break; }
            [ "$status" = 75 ] || { echo "$call $number: $status"; return 1; }
            counted=$((counted + 1))
        done
    done
    [ "$counted" -ge 14 ]
}

@test "a null sender is passed on, and without an envelope or with a malformed one the status is 64" {
    mock
    SENDER='' RECIPIENT=a@example.org "$LMTP_DELIVER" ./lmtp <"$MESSAGE" >text
    grep -x 'MAIL FROM:<> SIZE=3' said
    for envelope in SENDER= RECIPIENT=a 'SENDER= RECIPIENT=' $'SENDER=a\nb RECIPIENT=a' $'SENDER= RECIPIENTS=a\n\nb' $'SENDER= RECIPIENT=a\rb' \
        "SENDER= RECIPIENT=$(head -c 1001 /dev/zero | tr '\0' x)"; do
        status=0
        [[ $envelope =~ ^(SENDER=[^ ]*)?\ ?(RECIPIENTS?=.*)?$ ]]
        env -u SENDER -u RECIPIENT -u RECIPIENTS ${BASH_REMATCH[1]:+"${BASH_REMATCH[1]}"} ${BASH_REMATCH[2]:+"${BASH_REMATCH[2]}"} \
            "$LMTP_DELIVER" ./lmtp <"$MESSAGE" >text 2>errors || status=$?
        [ "$status" = 64 ]
        diff errors - <<<'lmtp-deliver: no SENDER and RECIPIENTS in the environment'
    done
    [ "$(grep -c MAIL said)" = 1 ]
}

@test "lmtp-deliver --help tells how it is called; wrong arguments exit 64" {
    for option in --help -h; do
        "$LMTP_DELIVER" "$option" </dev/null >text 2>errors
        [ "$(head -1 text)" = 'usage: lmtp-deliver SOCKET' ]
        [ ! -s errors ]
    done
    refute "$LMTP_DELIVER" --help >/dev/full
    for arguments in '' 'a/b c' --wrong lmtp localhost:24 127.0.0.1 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:+24 127.0.0.1:24x 1.2.3:24 \
        ::1:24 '[::1]' '[::1' '[127.0.0.1]:24' '[]:24' ':24'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        SENDER='' RECIPIENT=a "$LMTP_DELIVER" $arguments </dev/null 2>errors || status=$?
        [ "$status" = 64 ] || { echo "$arguments: $status"; return 1; }
        diff - errors <<<'usage: lmtp-deliver SOCKET'
    done
    status=0
    "$LMTP_DELIVER" '' </dev/null 2>errors || status=$?
    [ "$status" = 64 ]
}

# keep_for_us [OPTION...]: a handler that serves LMTP at $server with commands/keep.
keep_for_us() {
    port=$(free_port)
    server=127.0.0.1:$port
    in_background "$SMTP_HANDLER" --lmtp --hostname inner.test --domain example.org --listen "$server" --user "$(id -un)" --log stderr "$@" \
        "$commands/keep"
    eventually is_listening "$port"
}

@test "a message goes through two handlers as it was sent, with either line end" {
    keep_for_us --no-trace
    delivery=("$LMTP_DELIVER" "$server")
    printf '.\n..\n\na\0b\n.x\n' >body
    number=0
    for ending in lf crlf; do
        number=$((number + 1))
        { printf 'EHLO c\nMAIL FROM:<s@example.net>\nRCPT TO:<a@example.org>\nDATA\n'; sed 's/^\./../' body; printf '.\nQUIT\n'; } | sed 's/$/\r/' |
            handler --no-trace --line-ending "$ending" | from_wire | without_ids | tail -2 | head -1 | grep -qx '250 2.0.0 Delivered, id ID'
        kept "$number" | sed 1d | cmp - <(sed 1d body) # an empty line stands in front, since a dot begins no field
    done
}

@test "a message of 25 MB and one of binary octets go through two handlers as they were sent" {
    keep_for_us --no-trace --max-size 60M
    delivery=("$LMTP_DELIVER" "$server")
    { printf 'Subject: x\r\n\r\n'; head -c 19000000 /dev/urandom | base64 | sed 's/$/\r/'; } >large
    { printf 'Subject: x\r\n\r\n'; head -c 3000000 /dev/urandom; } >binary
    number=0
    for name in large binary; do
        number=$((number + 1))
        { printf 'EHLO c\r\nMAIL FROM:<s@example.net>%s\r\nRCPT TO:<a@example.org>\r\n' "$([ $name = large ] || echo ' BODY=BINARYMIME')"
            printf 'BDAT %s LAST\r\n' "$(wc -c <$name)"; cat $name; printf 'QUIT\r\n'; } |
            handler --no-trace --max-size 60M | from_wire | tail -2 | head -1 | grep -q '^250 2.0.0 '
    done
    kept 1 | cmp - <(tr -d '\r' <large)
    kept 2 | cmp - binary
}

# Dovecot's LMTP on a socket and a port, for the users a, b and full, whose mail is all ours.
start_dovecot() {
    home=$(mktemp -d)
    chmod 755 "$home"
    port=$(free_port)
    reader=$(id -un)
    [ "$reader" != root ] || reader=nobody # root gets no mail
    install -d -o "$reader" "$home/mail"
    printf '%s:::::::\n' a b >"$home/users"
    printf 'full:::::::userdb_quota_rule=*:bytes=1\n' >>"$home/users"
    cat >dovecot.conf <<EOF
protocols = lmtp
listen = 127.0.0.1
ssl = no
base_dir = $home/run
state_dir = $home/state
log_path = $PWD/dovecot.log
mail_location = maildir:$home/mail/%n
first_valid_uid = 1
auth_username_format = %n
$([ "$(id -u)" = 0 ] || printf 'default_%s\n' "internal_user = $reader" "internal_group = $(id -gn)" "login_user = $reader")
mail_plugins = quota
quota_full_tempfail = yes
plugin {
    quota = maildir:User quota
}
passdb {
    driver = passwd-file
    args = $home/users
}
userdb {
    driver = passwd-file
    args = $home/users
    default_fields = uid=$reader gid=$(id -gn "$reader") home=$home/mail/%n
}
service lmtp {
    unix_listener lmtp {
        mode = 0666
    }
    inet_listener lmtp {
        port = $port
    }
}
EOF
    in_background dovecot -F -c "$PWD/dovecot.conf"
    eventually is_listening "$port"
}

@test "Dovecot gets the message by its LMTP, and what it says reaches the sender" {
    start_dovecot
    for server in "$home/run/lmtp" "127.0.0.1:$port"; do
        rm -rf "$home"/mail/*
        delivery=("$LMTP_DELIVER" "$server")
        { printf 'EHLO c\nMAIL FROM:<s@example.net> PRDR\n'; printf 'RCPT TO:<%s@example.org>\n' a missing full b
            printf 'DATA\nSubject: x\n\n..dot\n...\nend\n.\nQUIT\n'; } | sed 's/$/\r/' | handler --one-recipient | from_wire | without_ids |
            sed -n '/^353/,${/^353/!p}' | head -4 | sed -E 's/@example.org> [A-Za-z0-9+/]{22} /@example.org> ID /' >replies
        diff replies - <<'EOF' || { cat dovecot.log log; return 1; }
250 2.0.0 <a@example.org> ID Saved
550 5.1.1 <missing@example.org> User doesn't exist: missing@example.org
451 4.2.2 <full@example.org> Quota exceeded (mailbox for user is full)
250 2.0.0 <b@example.org> ID Saved
EOF
        for user in a b; do
            [ "$(find "$home/mail/$user/new" -type f | wc -l)" = 1 ]
            sed '1,/^Subject:/d' "$home/mail/$user"/new/* | diff - <(printf '\n.dot\n..\nend\n')
        done
    done
    rm -rf "$home"
}

@test "what Postfix sends to several users of Dovecot arrives once, and the rest is bounced or waits" {
    start_dovecot
    delivery=("$LMTP_DELIVER" "$home/run/lmtp")
    dovecot_port=$port
    lmtp=$(free_port)
    in_background "$SMTP_HANDLER" --lmtp --hostname mx.test --domain example.org --listen "127.0.0.1:$lmtp" --user "$(id -un)" --log stderr "${delivery[@]}"
    eventually is_listening "$lmtp"
    start_postfix "lmtp:inet:127.0.0.1:$lmtp"
    printf 'Subject: x\n\n.dot\n' | "${postfix[@]}" sendmail -i -f '' {a,b,missing,full}@example.org
    eventually grep -q 'to=<full@example.org>.*status=deferred (host 127.0.0.1\[127.0.0.1\] said: 451 4.2.2 <full@example.org> Quota exceeded' maillog
    eventually grep -q "to=<missing@example.org>.*status=bounced (host 127.0.0.1\[127.0.0.1\] said: 550 5.1.1 <missing@example.org> User doesn't exist" maillog
    eventually grep -q 'to=<a@example.org>.*status=sent' maillog
    eventually grep -q 'to=<b@example.org>.*status=sent' maillog
    [ "$dovecot_port" != "$lmtp" ]
    for user in a b; do
        [ "$(find "$home/mail/$user/new" -type f | wc -l)" = 1 ]
        tail -1 "$home/mail/$user"/new/* | grep -qx '.dot'
    done
    rm -rf "$home"
}
