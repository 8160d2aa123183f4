load systemd

# What delivery commands need beyond what the units leave them: each drop-in gives it, and no more.

# relax NAME: what the administrator does with one of the drop-ins; the listener starts anew.
relax() {
    drop_in "$examples/$1.conf"
    systemctl daemon-reload
    systemctl stop --quiet smtp-handler.service
}

# keeps_the_rest FILE: the process whose /proc/PID/status this is has no privilege, and is filtered.
keeps_the_rest() {
    awk '/^Cap(Inh|Prm|Eff|Bnd|Amb):\t0+$/ || /^NoNewPrivs:\t1$/ || /^Seccomp:\t2$/ { good++ } END { exit good != 7 }' "$1"
}

# serve_http: a server that keeps the last request's body in the file `posted`.
serve_http() {
    http_port=$(free_port)
    cat >server.py <<'PYTHON'
import http.server, sys
class Keep(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        open("posted", "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("", int(sys.argv[1])), Keep).serve_forever()
PYTHON
    in_background python3 server.py "$http_port"
    eventually is_listening "$http_port"
}

# post_to HOST: the configuration's line for a command that posts the message there.
post_to() {
    echo "command curl --silent --show-error --fail --max-time 20 --data-binary @- http://$1:$http_port/"
}

@test "a command posts the message to a server with network.conf, and defers without" {
    serve_http
    serve "$(post_to 127.0.0.1)"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    [ ! -e posted ]
    relax network
    serve "$(post_to localhost)"
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    tail -1 posted | grep -qx 'It works.'
}

@test "with network.conf the other walls stand" {
    script deliver <<'SCRIPT'
#!/bin/sh
cat /proc/self/status >/var/lib/smtp-handler/status
SCRIPT
    relax network
    serve "command $scripts/deliver"
    send
    keeps_the_rest "$state/status"
}

# bats test_tags=disposable
@test "with network.conf a command finds a server by its name in the DNS" {
    serve_http
    cat >dns.py <<'PYTHON'
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, client = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    a = query[end - 4:end] == b"\0\1\0\1"
    server.sendto(query[:2] + b"\x85\x80\0\1\0" + bytes([a]) + b"\0\0\0\0" + query[12:end] +
        (b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if a else b""), client)
PYTHON
    in_background python3 dns.py
    cp /etc/resolv.conf resolv.conf
    afterwards cp "$PWD/resolv.conf" /etc/resolv.conf
    echo 'nameserver 127.0.0.1' >/etc/resolv.conf
    relax network
    serve "$(post_to tickets.example.org)"
    eventually getent hosts tickets.example.org
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    [ -s posted ]
}

# bats test_tags=disposable
@test "with localhost in network.conf a command reaches this host alone, and clients come from anywhere" {
    ip address add 192.0.2.1/32 dev lo
    afterwards ip address del 192.0.2.1/32 dev lo
    serve_http
    sed 's/^IPAddressAllow=any/IPAddressAllow=localhost/' "$examples/network.conf" >narrow.conf
    drop_in narrow.conf
    serve "$(post_to 192.0.2.1)"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    [ ! -e posted ]
    serve "$(post_to 127.0.0.1)"
    exec 9<>/dev/tcp/192.0.2.1/25
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA '' x . QUIT >&9
    from_wire <&9 | grep -q '^250 2.0.0 .*id'
    [ -s posted ]
    field SMTP_CLIENT SMTP_EVENT=message SMTP_RESULT=accepted | grep -qx 192.0.2.1
}

# make_user NAME: a user with a directory of his own in /srv.
make_user() {
    useradd --system --home-dir "/srv/$1" --shell /usr/sbin/nologin "$1"
    afterwards userdel "$1"
    install -d -o "$1" -g "$1" -m 700 "/srv/$1"
    afterwards rm -rf "/srv/$1"
}

# bats test_tags=disposable
@test "with user.conf a command writes files of that user's in his directory, and nowhere else" {
    make_user tickets
    install -d -o tickets /var/lib/other
    afterwards rm -r /var/lib/other
    script deliver <<'SCRIPT'
#!/bin/sh
cd /srv/tickets || exit 75
cat >message
cat /proc/self/status >status
for file in /etc/x /home/x /root/x /run/x /srv/x /usr/x /var/lib/x /var/lib/other/x /var/lib/smtp-handler/x; do
    echo x >$file && echo $file >>written
done 2>/dev/null
exit 0
SCRIPT
    serve "command $scripts/deliver"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    relax user
    serve "command $scripts/deliver"
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    [ "$(stat -c '%U %G %a' /srv/tickets/message)" = 'tickets tickets 600' ]
    [ ! -e /srv/tickets/written ]
    grep -q "^Uid:.$(id -u tickets).$(id -u tickets).$(id -u tickets)" /srv/tickets/status
    keeps_the_rest /srv/tickets/status
}

# bats test_tags=disposable
@test "with user.conf neither the Maildir of before nor the user's shared memory is touched" {
    make_user tickets
    serve
    send
    before=$(stat -c '%n %u' "$state" "$state"/Maildir/new/*)
    memory=$(setpriv --reuid tickets --regid tickets --clear-groups ipcmk --shmem 4096 | sed 's/.* //')
    afterwards ipcrm --shmem-id "$memory"
    relax user
    serve 'command sh -c "cat >/srv/tickets/message"'
    send
    systemctl stop smtp.socket smtp-handler.service
    eventually nothing_is_left
    [ "$(stat -c '%n %u' "$state" "$state"/Maildir/new/*)" = "$before" ]
    ipcs --shmems --id "$memory"
}

# serve_dovecot: Dovecot, with the users alice and bob, and what dovecot-lda.conf asks for.
serve_dovecot() {
    make_user vmail
    systemctl stop dovecot.service dovecot.socket
    mv /etc/dovecot dovecot
    afterwards mv "$PWD/dovecot" /etc/dovecot
    afterwards rm -r /etc/dovecot
    mkdir /etc/dovecot
    printf '%s:::::::\n' alice bob >/etc/dovecot/users
    {
        cat <<'CONF'
protocols =
ssl = no
mail_location = maildir:/srv/vmail/%n
passdb {
    driver = static
    args = nopassword=y
}
userdb {
    driver = passwd-file
    args = /etc/dovecot/users
    default_fields = uid=vmail gid=vmail home=/srv/vmail/%n
}
first_valid_uid = 1
mail_plugins = quota
plugin {
    quota = maildir:User quota
    quota_rule = *:storage=1M
}
CONF
        sed -n 's/^#   //p' "$examples/dovecot-lda.conf" | sed '/^command/d'
    } >/etc/dovecot/dovecot.conf
    chmod 644 /etc/dovecot/*
    systemctl start dovecot.service
    afterwards systemctl stop dovecot.service dovecot.socket
}

# bats test_tags=disposable
@test "with dovecot-lda.conf Dovecot delivers to its users' mailboxes, refuses others, and defers what it cannot store" {
    serve_dovecot
    command=$(sed -n 's/^#   \(command .*\)/\1/p' "$examples/dovecot-lda.conf")
    serve "$command"
    [ "$(answer alice@example.org | cut -c1)" = 4 ]
    [ -z "$(ls /srv/vmail)" ]
    relax dovecot-lda
    serve "$command"
    [ "$(answer alice@example.org)" = '250 2.0.0' ]
    [ "$(answer alice@example.org '')" = '250 2.0.0' ]
    [ "$(find /srv/vmail/alice/new -type f | wc -l)" = 2 ]
    [ "$(find /srv/vmail -type f -user vmail -group vmail | wc -l)" = "$(find /srv/vmail -type f | wc -l)" ]
    grep -qx 'Return-Path: <sender@example.net>' /srv/vmail/alice/new/*
    doveadm fetch -u alice body all | grep -c 'It works.' | grep -qx 2
    # Others
    [ "$(answer carol@example.org)" = '550 5.1.1' ]
    [ ! -e /srv/vmail/carol ]
    # A full mailbox
    head -c 900000 /dev/zero | tr '\0' x | fold -w 70 | doveadm save -u alice
    { echo; head -c 500000 /dev/zero | tr '\0' x | fold -w 70; } >large
    refute curl --silent --crlf --url smtp://127.0.0.1/c --mail-from s@example.net --mail-rcpt alice@example.org --upload-file large
    journal -n 1 -o cat SMTP_EVENT=message | grep 'result=deferred'
    # One that cannot be written
    install -d -o root -m 755 /srv/vmail/bob
    [ "$(answer bob@example.org)" = '451 4.3.0' ]
}

# bats test_tags=disposable
@test "with dovecot-lda.conf the other walls stand" {
    make_user vmail
    script deliver <<'SCRIPT'
#!/bin/sh
cat /proc/self/status >/srv/vmail/status
SCRIPT
    relax dovecot-lda
    serve "command $scripts/deliver"
    send
    keeps_the_rest /srv/vmail/status
    [ "$(stat -c %U /srv/vmail/status)" = vmail ]
}

# install_postfix: one that leaves port 25 to us and delivers to alice, a user of this host.
install_postfix() {
    local file package others=() missing=() files=()
    mapfile -t others < <(dpkg-query -W -f '${Status}\t${Provides}\t${Package}\n' |
        sed -n '/^[^\t]* installed\t.*mail-transport-agent/s/.*\t//p')
    [ ${#others[@]} = 0 ] || dpkg --purge --force-depends "${others[@]}"
    for file in "$top"/build/debs/*.deb; do
        package=$(basename "$file" .deb)
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' && continue
        missing+=("$package")
        files+=("$file")
    done
    afterwards dpkg --no-triggers --purge "${missing[@]}"
    DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --no-triggers -i \
        "${files[@]}" </dev/null >packages.log 2>&1 3>&- || { cat packages.log; return 1; }
    sed -i 's/^smtp  *inet/#&/' /etc/postfix/master.cf
    postconf -e 'mydestination = example.org' 'home_mailbox = Maildir/'
    make_user alice
    systemctl start postfix.service
    afterwards systemctl stop postfix.service postfix@-.service
}

# N messages lie in the mailbox of alice.
alice_has() { [ "$(find /srv/alice/Maildir/new -type f | wc -l)" = "$1" ]; }

# bats test_tags=disposable
@test "with sendmail.conf a Postfix on this host queues and delivers the message, and without a line of it defers" {
    install_postfix
    command=$(sed -n 's/^#   \(command .*\)/\1/p' "$examples/sendmail.conf")
    for line in SupplementaryGroups ReadWritePaths; do
        sed "/^$line/d" "$examples/sendmail.conf" >sendmail.conf
        drop_in sendmail.conf
        serve 'delivery-timeout 2' "$command"
        systemctl stop smtp-handler.service
        [ "$(answer alice@example.org)" = '451 4.3.0' ]
    done
    relax sendmail
    serve "$(sed -n 's/^#   \(max-size .*\)/\1/p' "$examples/sendmail.conf")" "$command"
    [ "$(answer alice@example.org)" = '250 2.0.0' ]
    [ "$(answer alice+null@example.org '')" = '250 2.0.0' ]
    eventually alice_has 2
    cat /srv/alice/Maildir/new/* >mails
    [ "$(grep -cx 'It works.' mails)" = 2 ]
    grep -qx 'Return-Path: <sender@example.net>' mails
    grep -qx 'Return-Path: <>' mails
    grep -qx 'Delivered-To: alice+null@example.org' mails
    # As large as may be, and larger
    { echo; head -c 8900000 /dev/zero | tr '\0' x | fold -w 70; } >large
    upload() { curl --silent --crlf --url smtp://127.0.0.1/c --mail-from s@example.net --mail-rcpt alice@example.org --upload-file "$1"; }
    upload large
    eventually alice_has 3
    cat large large >larger
    refute upload larger
    alice_has 3
    # The two lines that are offered
    journal -o cat -t postfix/postdrop | grep -q warning
    sed -E 's/^#(Restrict|Limit)/\1/' "$examples/sendmail.conf" >sendmail.conf
    drop_in sendmail.conf
    serve "$command"
    systemctl stop smtp-handler.service
    quiet=$(date +@%s.%6N)
    [ "$(answer alice@example.org)" = '250 2.0.0' ]
    eventually alice_has 4
    refute sh -c "journalctl --sync; journalctl --quiet --since $quiet -o cat | grep warning:"
    # The other walls
    script deliver <<'SCRIPT'
#!/bin/sh
cat /proc/self/status >/var/lib/smtp-handler/status
SCRIPT
    relax sendmail
    serve "command $scripts/deliver"
    send
    keeps_the_rest "$state/status"
    awk '$1 == "Uid:" { exit $2 < 61184 || $2 > 65519 }' "$state/status"
}
