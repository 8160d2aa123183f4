load systemd
load certificates

# What README says of port 25, typed as it stands by an administrator. Its first block opens the port; each
# test types that, and then its own.

# bats file_tags=disposable,instances

# write_block FILE TEXT: README's block with the text. There is no network here: apt-get has nothing to do, but
# its packages must be there.
write_block() {
    { echo 'apt-get() { [ "$*" = "-qq update" ] || { [ "$1 $2" = "install -y" ] && dpkg-query --show "${@:3}"; }; }' &&
        readme "$2"; } >"$1"
}

# typed TEXT: types README's block with the text, in the tree, up to the first command that fails; what it
# shows is in the file `said`.
typed() {
    write_block block "$1"
    (cd "$top" && bash -e "$BATS_TEST_TMPDIR/block") >said 2>&1 </dev/null || { cat said && return 1; }
}

# open_port: everything is as before anybody typed anything, and then README's first block is typed.
open_port() {
    afterwards rm -rf /etc/smtp-handler /etc/smtp-recipients /usr/local/bin/ticket /usr/local/bin/list
    afterwards systemctl disable --now {smtp,submission,submissions,tls-relay}.socket
    rm -f "$configuration"
    typed 'cat >/usr/local/bin/ticket'
}

# reply_to RECIPIENT: what RCPT gets.
reply_to() {
    client 9
    in_turn 9 'HELO client.test' 'MAIL FROM:<sender@example.net>' "RCPT TO:<$1>" QUIT | tail -1
    cat <&9 >/dev/null
}

# is_logged PATTERN: a message has a line in the log with this.
is_logged() { journal -o cat SMTP_EVENT=message | grep -e "$1"; }

@test "README's ten lines open port 25: a mail for tickets@ is the script's, and is seen in the log" {
    [ "$(readme 'cat >/usr/local/bin/ticket' | wc -l)" = 10 ]
    open_port
    grep '^<-  250 2.0.0 ticket [0-9a-f-]* opened' said
    eventually is_logged 'result=accepted .*to=tickets@example.org .*command=/usr/local/bin/ticket .*ended="exit 0"'
    # Its line in the log may come a moment later.
    bash <(tail -1 block) | grep 'message result=accepted '
    id=$(sed -n 's/^<-  250 2.0.0 ticket \([^ ]*\) opened.*/\1/p' said)
    grep -qx 'This is a test mailing' "$state/$id"
    reply_to nobody@example.org | grep -q '^550 5.1.1'
    [ "$(answer postmaster)" = '250 2.0.0' ]
    [ "$(find "$state/Maildir/new" -type f | wc -l)" = 1 ]
}

@test "README's lines for a drop-in give the command the network" {
    open_port
    [ "$(systemctl show -P PrivateNetwork smtp-handler@1.service)" = yes ]
    typed 'network.conf'
    [ "$(systemctl show -P PrivateNetwork smtp-handler@1.service)" = no ]
    [ "$(answer tickets@example.org)" = '250 2.0.0' ]
}

# certificate_shown: the fingerprint of the certificate that a client gets on port 25.
certificate_shown() {
    openssl s_client -starttls smtp -connect 127.0.0.1:25 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint
}

@test "README's lines for TLS serve it with a certificate of its own, then with links to another" {
    open_port
    typed 'openssl req'
    grep '^=== TLS started' said
    grep '^<~  250 2.0.0 ticket' said
    eventually is_logged 'result=accepted .*tls=TLSv1.3'
    [ "$(certificate_shown)" = "$(openssl x509 -noout -fingerprint -in /etc/smtp-handler/tls.crt)" ]
    live=/etc/letsencrypt/live/mx.example.org
    afterwards rm -rf /etc/letsencrypt
    mkdir -p "$live"
    self_signed other mx.example.org
    cp other.crt "$live/fullchain.pem"
    cp other.key "$live/privkey.pem"
    typed 'ln -sf'
    [ "$(certificate_shown)" = "$(openssl x509 -noout -fingerprint -in other.crt)" ]
}

@test "README's lines for users let joe send with his password, and nobody without" {
    open_port
    typed 'openssl req'
    write_block block 'openssl passwd'
    "$commands/at-terminal" secret bash -e block >said
    grep '^<~  235 2.7.0' said
    grep '^<~  250 2.0.0' said
    refute grep -w secret /etc/smtp-handler/passwords
    eventually is_logged 'result=accepted .*to=you@example.net .*user=joe'
    "$commands/at-terminal" wrong bash <(tail -1 block) >said || true
    grep '^<~\* 535 5.7.8' said
}

@test "README's lines for a busy host put a listener in the place of services for each connection" {
    open_port
    typed 'busy.conf'
    [ "$(answer tickets@example.org)" = '250 2.0.0' ]
    systemctl is-active smtp-handler.service
}

@test "README's five commands show what is in force, who listens, what became of a mail, and what went wrong" {
    open_port
    # Whatever a command finds, the next is typed.
    write_block block 'ss -ltnp'
    [ "$(wc -l <block)" = 6 ]
    printf '#!/bin/sh\necho "the ticket system is closed" >&2\nexit 75\n' >/usr/local/bin/ticket
    [ "$(answer tickets@example.org)" = '451 4.3.0' ]
    eventually is_logged 'result=deferred .*to=tickets@example.org'
    drop=/etc/systemd/system/smtp-handler@.service.d/user.conf
    install -D -m 644 /dev/stdin "$drop" <<<$'[Service]\nDynamicUser=no\nUser=nobody-here'
    systemctl daemon-reload
    exec 9<>/dev/tcp/127.0.0.1/25
    [ -z "$(cat <&9)" ]
    rm "$drop"
    systemctl daemon-reload
    journalctl --sync
    mkdir each
    number=0
    sed 1d block | while read -r line; do
        number=$((number + 1))
        bash -c "$line" >"each/$number" 2>&1 || true
    done
    tail -1 each/1 | grep -qx ok
    grep -qx 'domain example.org' each/1
    grep -q 'users:(("systemd"' each/2
    grep -q 'message result=deferred .*to=tickets@example.org' each/3
    grep -q 'text="the ticket system is closed"' each/4
    grep -q 'Failed at step USER' each/5
    echo 'domain' >>"$configuration"
    bash -c "$(sed -n 2p block)" >each/1 2>&1 || true
    grep -q "/etc/smtp-handler.conf:.*domain" each/1
}

@test "README's report draws the day that is in the journal" {
    open_port
    command -v gnuplot || skip 'gnuplot is not installed'
    report='/usr/local/share/doc/smtp-handler/examples/smtp-report --plot day.svg'
    grep -qF "\`$report\`" "$top/README.md"
    eventually is_logged result=accepted
    bash -c "$report" | grep '^accepted  *[1-9]'
    grep -q '</svg>' day.svg
}

@test "the manual's lines for removal leave mail, keys and a changed configuration, and nothing that listens" {
    open_port
    typed 'openssl req'
    afterwards make -s -C "$top" install
    manual smtp-handler-units.7 'make uninstall' >block
    (cd "$top" && bash -ex "$OLDPWD/block") >said 2>&1 || { cat said && return 1; }
    [ -z "$(ss -Hltn 'sport = :25')" ]
    [ ! -e /usr/local/sbin/smtp-handler ]
    [ "$(systemctl show -P LoadState smtp.socket)" = not-found ]
    [ -e /etc/smtp-handler/tls.key ]
    grep -qx 'domain example.org' "$configuration"
    [ -n "$(find "$state" -type f -name '*-*-*')" ]
}
