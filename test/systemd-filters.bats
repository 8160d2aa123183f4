load systemd

# Programs of Debian's packages, as these configure them, that judge mail under the units.

# start_packaged SERVICE TEST...: starts it and waits, for minutes if need be, until the test holds.
start_packaged() {
    systemctl start "$1"
    afterwards systemctl stop "$1"
    for _ in 1 2 3 4 5; do
        if eventually "${@:2}"; then return 0; fi
    done
    systemctl status "$1"
    return 1
}

# The reply about user@example.org.
to_recipient() {
    client 9
    in_turn 9 'HELO client.test' 'MAIL FROM:<sender@example.net>' 'RCPT TO:<user@example.org>' QUIT | tail -1
    cat <&9 >/dev/null
}

@test "README's lines against spam let Debian's rspamd refuse GTUBE, and other mail come with its fields" {
    [ -e /usr/lib/systemd/system/rspamd.service ] || skip 'rspamd is not installed'
    # It starts in a second, not in a minute, without all top-level domains.
    printf '%s\n' com net org >"$scripts/tlds"
    echo "url_tld = \"$scripts/tlds\";" >/etc/rspamd/local.d/options.inc
    afterwards rm /etc/rspamd/local.d/options.inc
    start_packaged rspamd is_listening 11332
    serve 'domain localhost'
    # Without the drop-in.
    echo 'milter 127.0.0.1:11332' >>"$configuration"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    sed -i '/^milter/d' "$configuration"
    readme 'milter 127.0.0.1:11332' | sed '/^apt-get /d' >typed
    # The listener has drop-ins of its own, and takes them up when it is restarted.
    [ "$SERVED_BY" = instances ] || sed -i '/^install/{p;s/smtp-handler@[.]service[.]d/smtp-handler.service.d/}
        s/daemon-reload/& \&\& systemctl try-restart smtp-handler.service/' typed
    bash -x typed >said 2>errors || true # swaks exits 26
    cat said errors
    grep -q '^<\*\* 550 5.7.1 Gtube pattern' said
    grep -qx ok said
    refute grep warning said
    answer user@example.org | grep -qx '250 2.0.0'
    grep -q '^X-Spam' "$state"/Maildir/new/*
    # It is gone.
    systemctl stop rspamd
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    smtp-handler-check >said
    grep -qF 'warning: ' said
    grep -q 'option milter: 127.0.0.1:11332: Connection refused; messages would be deferred' said
}

@test "with opendkim.conf OpenDKIM of Debian's package verifies mail, without it the milter is denied" {
    [ -e /usr/lib/systemd/system/opendkim.service ] || skip 'opendkim is not installed'
    printf '%s\n' 'Mode v' 'AlwaysAddARHeader yes' >>/etc/opendkim.conf
    afterwards sed -i '/^Mode v$/d; /^AlwaysAddARHeader/d' /etc/opendkim.conf
    start_packaged opendkim test -S /run/opendkim/opendkim.sock
    serve "$(sed -n 's/^#   \(milter .*opendkim.*\)/\1/p' "$examples/opendkim.conf")"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    field SMTP_TEXT SMTP_EVENT=command | grep 'Permission denied'
    smtp-handler-check >said
    grep -q 'option milter: /run/opendkim/opendkim.sock: Permission denied' said
    drop_in "$examples/opendkim.conf"
    systemctl daemon-reload
    systemctl stop smtp-handler.service
    systemctl start smtp.socket
    client 9
    in_turn 9 'HELO client.test' 'MAIL FROM:<sender@example.net>' 'RCPT TO:<user@example.org>' DATA \
        $'From: sender@example.net\r\n\r\nIt works.\r\n.' QUIT | tail -1 | grep '^250 2.0.0'
    grep -q "^Authentication-Results: $(hostname);" "$state"/Maildir/new/*
}

@test "with postgrey.conf postgrey of Debian's package greylists a stranger, and then lets him in with its field, without it its server is out of reach" {
    [ -e /lib/systemd/system/postgrey.service ] || skip 'postgrey is not installed'
    # It lets a stranger in after two seconds, not after five minutes.
    cp /etc/default/postgrey options
    afterwards cp "$PWD/options" /etc/default/postgrey
    sed -i 's/^POSTGREY_OPTS="\(.*\)"/POSTGREY_OPTS="\1 --delay=2"/' /etc/default/postgrey
    grep -q '^POSTGREY_OPTS=.*--delay=2"$' /etc/default/postgrey
    afterwards find /var/lib/postgrey -type f -delete
    start_packaged postgrey is_listening 10023
    serve "$(sed -n 's/^#   \(policy .*\)/\1/p' "$examples/postgrey.conf")"
    to_recipient | grep '^451 4.3.0'
    field SMTP_TEXT SMTP_EVENT=trouble | grep 'policy server 127.0.0.1:10023: '
    smtp-handler-check >said
    grep -q 'warning: .*option policy: 127.0.0.1:10023: .*; recipients would be deferred; see smtp-handler-units(7), PRIVATE NETWORK$' said
    drop_in "$examples/postgrey.conf"
    systemctl daemon-reload
    systemctl stop smtp-handler.service
    systemctl start smtp.socket
    to_recipient | grep '^451 4.2.0 Greylisted, see '
    refute ls "$state"/Maildir/new/*
    let_in() { [ "$(answer user@example.org)" = '250 2.0.0' ]; }
    eventually let_in
    cat "$state"/Maildir/new/* >mail
    sed -n 2p mail | grep -E '^X-Greylist: delayed [0-9]+ seconds by postgrey-'
    # It is gone.
    systemctl stop postgrey
    to_recipient | grep '^451 4.3.0'
    [ "$(find "$state"/Maildir/new -type f | wc -l)" = 1 ]
}
