load helper
load peers

# --recipient-check: a program that is asked about each recipient.

# check_with SCRIPT: a program for --recipient-check, in $check, that is this shell script.
check_with() {
    printf '#!/bin/sh\n%s\n' "$1" >check
    chmod 755 check
    check=$PWD/check
}

# replies_to [OPTION...] -- RECIPIENT...: what is answered to them, with no ids.
replies_to() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    { printf 'EHLO c\nMAIL FROM:<s@example.net>\n'; printf 'RCPT TO:<%s>\n' "$@"; printf 'QUIT\n'; } | sed 's/$/\r/' |
        handler "${options[@]}" >replies
    echo $? >status
    from_wire <replies | without_ids | sed '1,/^250 2.1.0/d' | sed '$d'
}

@test "each exit status of the program has its reply, as those of the command have" {
    local status reply
    while read -r status reply; do
        got=$(replies_to --recipient-check "$commands/end $status" -- user@example.org)
        [ "${got#"$reply"}" != "$got" ] || { echo "$status: $got"; return 1; }
        exited 0
    done <<'EOF'
0 250 2.1.5 Recipient ok
1 451 4.3.0 Local error in processing, try again later, id ID
64 451 4.3.5
65 554 5.6.0
67 550 5.1.1 No such mailbox, id ID
68 550 5.1.2
69 554 5.3.0
73 451 4.2.0
75 451 4.3.0
76 554 5.5.0
77 550 5.7.0
78 451 4.3.5
99 250 2.1.5 Recipient ok
100 554 5.0.0
111 451 4.3.0
112 554 5.0.0
127 451 4.3.0
EOF
    # It is not the command: what that may not refuse, it may.
    [ "$(replies_to --never-refuse --recipient-check "$commands/end 67" -- user@example.org)" = '550 5.1.1 No such mailbox, id ID' ]
}

@test "the first line of its output is the text of the reply, and its standard error goes to the log" {
    check_with 'echo "no $1 here"; echo more; echo oops >&2; exit 67'
    [ "$(replies_to --recipient-check "$check {user}" -- Joe+x@example.org)" = '550 5.1.1 no joe here' ]
    grep -q 'command id=[^ ]* text=oops$' log
    grep -q 'recipient result=refused .* to=Joe+x@example.org status=5.1.1 command=.*/check ended="exit 67" reply="no joe here" seconds=' log
    check_with 'echo 5.1.6 Has moved; exit 67'
    [ "$(replies_to --recipient-check "$check" -- user@example.org)" = '550 5.1.6 Has moved' ]
    grep -q 'recipient result=refused .* status=5.1.6 ' log
    # What it says of whom it accepts is not told.
    [ "$(replies_to --recipient-check "$commands/end 0 found" -- user@example.org)" = '250 2.1.5 Recipient ok' ]
}

@test "it is told what the command is told, and reads nothing" {
    export ASKED=$PWD/asked
    check_with 'env >"$ASKED"; printf "<%s>\n" "$@" >>"$ASKED"; wc -c >>"$ASKED"; grep -q "^SENDER=s@" "$ASKED"'
    replies_to --dsn --recipient-check "$check --of {recipient} {local} {domain} {extension} {sender} \"two words\" {recipients}" -- \
        User+Box@Example.ORG
    grep '^<' asked | diff - <(printf '<%s>\n' --of User+Box@example.org User+Box example.org Box s@example.net 'two words' User+Box@example.org)
    [ "$(tail -1 asked)" = 0 ]
    for variable in SENDER=s@example.net RECIPIENT=User+Box@example.org RECIPIENTS=User+Box@example.org LOCAL=User+Box \
        DOMAIN=example.org EXTENSION=Box RECIPIENT_USER=user CLIENT_ADDRESS=unknown CLIENT_HELO=c CLIENT_PROTOCOL=ESMTP \
        MESSAGE_SIZE=0 DEADLINE=30; do
        grep -qxF "$variable" asked || { echo "$variable"; return 1; }
    done
    grep -q '^TRANSACTION_ID=.*-1$' asked
    # What is of other recipients, or of the message, is not there.
    refute grep -qE '^(NOTIFY|ORCPT)=' asked
    printf 'EHLO c\r\nMAIL FROM:<s@example.net> SIZE=77\r\nRCPT TO:<a@example.org>\r\n' | handler --recipient-check "$check" >replies
    grep -qx MESSAGE_SIZE=77 asked
}

@test "it is asked only about whom domain and list let in" {
    check_with 'echo "$RECIPIENT" >>"$KEPT/asked"; [ "$LOCAL" != gone ]'
    printf '%s@example.org\n' joe gone >list
    replies_to --recipients list --recipient-check "$check" -- joe@example.org ann@example.org joe@example.com gone@example.org postmaster |
        cut -c1-9 | diff - <(printf '%s\n' '250 2.1.5' '550 5.1.1' '550 5.7.1' '451 4.3.0' '250 2.1.5')
    diff "$KEPT/asked" - <<<$'joe@example.org\ngone@example.org\npostmaster'
}

@test "who is refused gets no message, and the others do" {
    check_with '[ "$LOCAL" != gone ] || exit 67'
    one_message joe@example.org gone@example.org ann@example.org | sed 's/$/\r/' | handler --recipient-check "$check" >replies
    from_wire <replies | grep -c '^550 5.1.1' | grep -qx 1
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | grep -A1 ^RECIPIENTS= | diff - <(printf 'RECIPIENTS=joe@example.org\nann@example.org\n')
}

@test "an address that the program would take for an option or a path is refused unasked" {
    check_with 'echo "$*" >>"$KEPT/asked"'
    [ "$(replies_to --recipient-check "$check {recipient}" -- -v@example.org)" = '553 5.1.3 Recipient address not allowed, id ID' ]
    [ "$(replies_to --recipient-check "$check /etc/users/{local}" -- ../shadow@example.org)" = '553 5.1.3 Recipient address not allowed, id ID' ]
    [ ! -e "$KEPT/asked" ]
    printf 'EHLO c\r\nMAIL FROM:<-f@example.net>\r\n' | handler --recipient-check "$check {sender}" | grep '^553 5.1.7 '
    refute grep 'protocol violation' log
}

@test "its deferrals are no errors of the client, its refusals are" {
    # shellcheck disable=SC2046 # a list
    replies_to --recipient-check "$commands/end 75" -- $(seq -f 'user%g@example.org' 60) | sort | uniq -c | tr -s ' ' |
        diff - <(echo ' 60 451 4.3.0 Local error in processing, try again later, id ID')
    grep -q 'connection .* errors=0 ' log
    # shellcheck disable=SC2046 # a list
    replies_to --recipient-check "$commands/end 67" -- $(seq -f 'user%g@example.org' 60) | cut -c1-9 | uniq -c | tr -s ' ' |
        diff - <(echo ' 20 550 5.1.1')
    from_wire <replies | tail -1 | grep '^421 4.7.0 .* Too many errors'
    refute grep 'protocol violation' log
}

@test "more recipients of a connection than a message may have are deferred without asking" {
    check_with 'echo "$RECIPIENT" >>"$KEPT/asked"'
    { printf 'EHLO c\n'; for n in 1 2; do printf 'MAIL FROM:<>\n'; printf 'RCPT TO:<%s@example.org>\n' a$n b$n; printf 'RSET\n'; done; } |
        sed 's/$/\r/' | handler --max-recipients 3 --recipient-check "$check" | from_wire | grep -E '^(250 2.1.5|451) ' | cut -c1-9 |
        diff - <(printf '%s\n' '250 2.1.5' '250 2.1.5' '250 2.1.5' '451 4.3.0')
    diff "$KEPT/asked" - <<<$'a1@example.org\nb1@example.org\na2@example.org'
    grep -q 'recipient result=deferred .* to=b2@example.org .* ended="not run: too many recipients in this connection"' log
}

@test "a program that cannot be run, is killed, or was removed defers" {
    check_with 'kill -9 $$'
    replies_to --recipient-check "$check" -- user@example.org | grep -q '^451 4.3.0 '
    grep -q 'recipient result=deferred .* ended="signal 9"' log
    check_with 'rm "$0"'
    replies_to --recipient-check "$check" -- a@example.org b@example.org | cut -c1-9 | diff - <(printf '%s\n' '250 2.1.5' '451 4.3.5')
    grep -q 'recipient result=deferred .* ended="not executed: No such file or directory"' log
    printf '#!/nowhere/sh\n' >check
    chmod 755 check
    replies_to --recipient-check "$check" -- a@example.org | grep -q '^451 4.3.5 '
}

@test "a program that hangs is killed whole after half a minute, and earlier replies do not wait for it" {
    check_with 'case $LOCAL in slow) sleep 600 & echo $! >child; sleep 600 ;; esac'
    mkfifo client
    in_background sh -c '"$@" <client >replies 2>log' sh "$SMTP_HANDLER" --hostname mx.test --domain example.org --recipient-check "$check" true
    exec 9>client
    printf 'EHLO c\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<slow@example.org>\r\nQUIT\r\n' >&9
    eventually test -s child
    eventually grep -q '^250 2.1.5' replies
    exec 9>&-
    started_waiting=$SECONDS
    until grep -q '^221 ' replies; do
        [ $((SECONDS - started_waiting)) -lt "$(patience 60)" ]
        sleep 0.2
    done
    grep -q '^451 4.3.0 ' replies
    grep -qE 'recipient result=deferred .* ended=timeout seconds=3[0-9]\.' log
    gone() { ! kill -0 "$(cat child)"; }
    eventually gone
}

@test "a user who may send to anybody is not checked" {
    { printf 'XCLIENT ADDR=192.0.2.1 LOGIN=alice\nEHLO c\nMAIL FROM:<alice@example.org>\n'
        printf 'RCPT TO:<%s>\n' joe@example.com joe@example.org; printf 'QUIT\n'; } | sed 's/$/\r/' |
        PROTO=TCP TCPREMOTEIP=127.0.0.1 handler --submission --xclient 127.0.0.1 --recipient-check "$commands/end 67" |
        from_wire | grep -c '^250 2.1.5' | grep -qx 2
}

@test "--check tells what is wrong with the program, as of the command" {
    check --domain example.org --recipient-check /nowhere/check true
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: recipient check /nowhere/check: no such program' ]
    check --domain example.org --recipient-check 'true {nobody}' true
    [ "$status" = 64 ]
    [ "$output" = 'smtp-handler: unknown {nobody} in the recipient check' ]
    printf 'domain example.org\n\nrecipient-check cat "a b" >x\ncommand true\n' >c.conf
    check --config c.conf
    [ "$status" = 0 ]
    [ "$output" = 'smtp-handler: warning: c.conf:3: recipient check: argument >x: no shell reads it; write sh -c "..."' ]
    grep -qx 'recipient-check cat "a b" >x' checked
    for wrong in ' ' '"" x' 'x "y'; do
        check --domain example.org --recipient-check "$wrong" true
        [ "$status" = 64 ]
        [ "$output" = "smtp-handler: option recipient-check: '$wrong' is not a program and its arguments, up to 64 words; double quotes keep blanks" ]
    done
    check_with 'exit 0'
    sed -i 's:sh$:nosuchshell:' check
    check --domain example.org --recipient-check "$check" true
    grep -q "recipient check $check" <<<"$output"
}

@test "tinycdb's cdb is such a program: not there is refused, no file is deferred" {
    printf '+15,0:joe@example.org->\n\n' | cdb -c users.cdb -
    replies_to --recipient-check "cdb -q $PWD/users.cdb {recipient}" -- joe@example.org ann@example.org | cut -c1-9 |
        diff - <(printf '%s\n' '250 2.1.5' '554 5.0.0')
    replies_to --recipient-check "cdb -q $PWD/nowhere.cdb {recipient}" -- joe@example.org | grep -q '^451 4.3.0 '
    grep -q 'recipient .* command=cdb ended="exit 111"' log
    grep -q 'command id=.*nowhere.cdb' log
}

@test "Dovecot's doveadm user is such a program: unknown is refused, no server is deferred" {
    home=$(mktemp -d)
    chmod 755 "$home"
    printf 'joe:::::::\n' >"$home/users"
    cat >dovecot.conf <<EOF
protocols =
ssl = no
base_dir = $home/run
state_dir = $home/state
log_path = $PWD/dovecot.log
mail_location = maildir:$home/mail/%n
auth_username_format = %n
first_valid_uid = 1
passdb {
    driver = passwd-file
    args = $home/users
}
$([ "$(id -u)" = 0 ] || printf 'default_%s\n' "internal_user = $(id -un)" "internal_group = $(id -gn)" "login_user = $(id -un)")
userdb {
    driver = passwd-file
    args = $home/users
    default_fields = uid=nobody gid=$(id -gn nobody) home=$home/mail/%n
}
EOF
    asks="doveadm -c $PWD/dovecot.conf user -a $home/run/auth-userdb -u {user}@{domain}"
    replies_to --recipient-check "$asks" -- joe@example.org | grep -q '^451 4.3.0 '
    grep -q 'recipient .* command=doveadm ended="exit 75"' log
    in_background dovecot -F -c "$PWD/dovecot.conf"
    eventually test -S "$home/run/auth-userdb"
    replies_to --recipient-check "$asks" -- joe@example.org Joe+x@example.org ann@example.org | cut -c1-9 |
        diff - <(printf '%s\n' '250 2.1.5' '250 2.1.5' '550 5.1.1') || { cat log dovecot.log; return 1; }
    grep -q 'recipient .* to=ann@example.org .* command=doveadm ended="exit 67"' log
    rm -rf "$home"
}

@test "Postfix's tables are asked by the manual's script: not there is refused, trouble is deferred" {
    needs_root 'own the files that Postfix trusts'
    mkdir postfix
    printf 'shlib_directory = %s\nmeta_directory = %s\n' "$peers/postfix/usr/lib/postfix" \
        "$peers/postfix/usr/share/postfix" >postfix/main.cf
    printf 'mail_owner = daemon\nsetgid_group = games\n' >>postfix/main.cf
    export MAIL_CONFIG=$PWD/postfix LD_LIBRARY_PATH=$peers/postfix/usr/lib/postfix
    PATH=$peers/postfix/usr/sbin:$PATH
    printf 'joe@example.org joe\n' >virtual
    check_with "$(sed -n '/^found=.*postmap/,/^exit/p' "$top/manual/smtp-handler.conf.5" | sed "s:\\\\e:\\\\:g; s:hash\\:/etc/postfix/virtual:texthash\\:$PWD/virtual:")"
    grep -q "texthash:$PWD/virtual" check
    replies_to --recipient-check "$check" -- joe@example.org ann@example.org | cut -c1-9 |
        diff - <(printf '%s\n' '250 2.1.5' '550 5.1.1') || { cat log; return 1; }
    rm virtual
    replies_to --recipient-check "$check" -- joe@example.org | grep -q '^451 4.3.0 '
    grep -q 'recipient .* ended="exit 75"' log
}
