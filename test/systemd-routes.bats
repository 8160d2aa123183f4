load systemd

# README's "Different commands for different addresses", typed as it stands.

# type_readme: what the administrator does, with programs of his own that say what they were run for.
type_readme() {
    local name
    for name in ticket list; do
        afterwards rm -f "/usr/local/bin/$name"
        cat >"/usr/local/bin/$name" <<'PROGRAM'
#!/bin/sh
set -e
cat >>/var/lib/smtp-handler/"${0##*/}"
echo "${0##*/} $*"
PROGRAM
        chmod 755 "/usr/local/bin/$name"
    done
    afterwards rm -f /etc/smtp-recipients
    : >/etc/smtp-recipients
    serve 'recipients /etc/smtp-recipients'
    readme '@lists.example.org' >typed
    bash -ex typed >said 2>&1 || { cat said && return 1; }
    tail -1 said | grep -qx ok
    [ "$(wc -l </etc/smtp-recipients)" = 6 ]
}

# replies RECIPIENT: to RCPT, and if that is accepted to the message, without ids.
replies() {
    client 9
    in_turn 9 'HELO client.test' 'MAIL FROM:<sender@example.net>' "RCPT TO:<$1>" DATA $'Subject: test\r\n\r\nIt works.\r\n.' \
        QUIT | without_ids | sed -n '3p; /^354/{n;p}'
    cat <&9 >/dev/null
}

@test "mail for each address goes to the program that README's file says, and all other is refused" {
    type_readme
    replies tickets@example.org | diff - <(printf '%s\n' '250 2.1.5 Recipient ok' '250 2.0.0 ticket --queue tickets')
    replies Tickets+17@example.org | tail -1 | grep -qx '250 2.0.0 ticket --queue tickets'
    replies sales@example.org | tail -1 | grep -qx '250 2.0.0 ticket --queue sales'
    replies Any.body@lists.example.org | tail -1 | grep -qx '250 2.0.0 list Any.body@lists.example.org'
    replies info@example.org | tail -1 | grep -qx '250 2.0.0 ticket --queue tickets'
    replies joe@example.org | tail -1 | grep -qx '250 2.0.0 Delivered, id ID'
    replies postmaster@example.org | tail -1 | grep -qx '250 2.0.0 Delivered, id ID'
    replies former@example.org | head -1 | grep -qx '550 5.1.6 Has moved, write to new@example.net'
    replies support@example.org | head -1 | grep -qx '550 5.1.1 No such mailbox, id ID'
    [ "$(find "$state/Maildir/new" -type f | wc -l)" = 2 ]
    [ "$(grep -c '^It works' "$state/ticket")" = 4 ]
    field SMTP_ROUTE SMTP_TO=info@example.org | grep -qx tickets@example.org
}

@test "a wrong line is named by smtp-handler-check, and its mail is deferred until the file is mended by mv" {
    type_readme
    sed 's/^sales.*/sales@example.org nothing-here/' /etc/smtp-recipients >new
    cat new >/etc/smtp-recipients
    smtp-handler-check >said 2>&1 || true
    grep -qF '/etc/smtp-recipients:2: delivery command nothing-here: no such program in PATH' said
    [ "$(replies sales@example.org | head -1 | cut -c1-9)" = '451 4.3.5' ]
    [ "$(replies tickets@example.org | tail -1 | cut -c1-9)" = '250 2.0.0' ]
    journal SMTP_EVENT=trouble | grep -qF '/etc/smtp-recipients:2: sales@example.org: delivery command nothing-here'
    sed -i 's/nothing-here/ticket/' new
    mv new /etc/smtp-recipients
    chmod 644 /etc/smtp-recipients
    [ "$(replies sales@example.org | tail -1 | cut -c1-9)" = '250 2.0.0' ]
}

@test "a Maildir for each user is a line of the file, as the manual has it, below what the units let it write" {
    afterwards rm -f /etc/smtp-recipients
    { echo 'postmaster@example.org = joe@example.org'
        manual smtp-handler-command.7 'maildir-deliver /var/lib/smtp-handler/{user}'; } >/etc/smtp-recipients
    [ "$(wc -l </etc/smtp-recipients)" = 2 ]
    serve 'recipients /etc/smtp-recipients'
    sed -i '/^command/d' "$configuration"
    smtp-handler-check | tail -1 | grep -qx ok
    for recipient in Joe@example.org ann+lists@example.org postmaster; do
        [ "$(replies "$recipient" | tail -1 | cut -c1-9)" = '250 2.0.0' ]
    done
    [ "$(find "$state/joe/new" -type f | wc -l)" = 2 ]
    [ "$(find "$state/ann/new" -type f | wc -l)" = 1 ]
}
