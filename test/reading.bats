load helper

teardown() {
    end_started
    rm -rf "$home"
}

# Dovecot, on free ports of loopback, with all it writes below $home, which its users can reach.
start_dovecot() {
    imap=$(free_port)
    pop3=$(free_port)
    reader=$(id -un)
    if [ "$reader" = root ]; then # to whom Dovecot gives no mail
        reader=nobody
        chown -R nobody "$home/Maildir"
    fi
    printf 'reader:{PLAIN}secret\n' >"$home/passwd"
    sed -e "s|/etc/dovecot/smtp-handler.passwd|$home/passwd|" -e "s|maildir:/var/mail/smtp-handler|maildir:$home/Maildir|" -e "s|home=[^ ]*|home=$home|" \
        -e "s|uid=smtp-handler gid=smtp-handler|uid=$reader gid=$(id -gn "$reader")|" "$top/units/dovecot.conf" >dovecot.conf
    cat >>dovecot.conf <<EOF
base_dir = $home/run
state_dir = $home/state
log_path = $PWD/dovecot.log
$([ "$(id -u)" = 0 ] || printf 'default_%s\n' "internal_user = $reader" "internal_group = $(id -gn)" "login_user = $reader")
service imap-login {
    inet_listener imap {
        port = $imap
    }
    inet_listener imaps {
        port = 0
    }
    chroot =
}
service pop3-login {
    inet_listener pop3 {
        port = $pop3
    }
    inet_listener pop3s {
        port = 0
    }
    chroot =
}
EOF
    in_background dovecot -F -c "$PWD/dovecot.conf"
    eventually is_listening "$imap"
    eventually is_listening "$pop3"
}

fetch() {
    set -o pipefail
    curl --silent --show-error --user reader:secret --url "$1" | tr -d '\r'
}

@test "mail sent through a superserver is read over IMAP and POP3 as it was sent" {
    home=$(mktemp -d)
    chmod 755 "$home"
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$MAILDIR_DELIVER" "$home/Maildir"
    eventually is_listening "$port"
    cat >mail <<'EOF'
From: Sender <sender@example.net>
To: User <user@example.org>
Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=
Message-ID: <1@example.net>
Date: Mon, 23 Nov 2026 12:00:00 +0000
Content-Type: text/plain; charset=utf-8

Grüße.
.
.. dots
EOF
    curl --silent --show-error --crlf --url "smtp://127.0.0.1:$port/client.test" --mail-from sender@example.net \
        --mail-rcpt user@example.org --upload-file mail
    start_dovecot
    for url in "imap://127.0.0.1:$imap/INBOX;MAILINDEX=1" "pop3://127.0.0.1:$pop3/1"; do
        fetch "$url" >fetched || { cat dovecot.log; return 1; }
        head -1 fetched | grep -qx 'Return-Path: <sender@example.net>'
        sed '1,/^From: /{/^From: /!d}' fetched | diff - mail
    done
}

@test "Dovecot accepts the configuration as it is shipped" {
    doveconf -n -c "$top/units/dovecot.conf" >settings
    grep -q '^mail_location = maildir:/var/mail/smtp-handler' settings
}
