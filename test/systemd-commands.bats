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

@test "with network.conf the command gains the network and nothing else" {
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
    read -r -t 100 _ <&9
    in_turn 9 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA $'\r\nx\r\n.' QUIT | grep -q '^250 2.0.0 .*id'
    [ -s posted ]
    field SMTP_CLIENT SMTP_EVENT=message SMTP_RESULT=accepted | grep -qx 192.0.2.1
}

@test "a policy server on this host is asked with postgrey.conf, and recipients are deferred without" {
    in_background python3 "$top/test/commands/policy-server.py" 10023 asked answer 'PREPEND X-Policy: asked'
    eventually test -e asked
    script deliver <<'SCRIPT'
#!/bin/sh
grep -qx 'X-Policy: asked'
SCRIPT
    serve "policy 127.0.0.1:10023" "command $scripts/deliver"
    client 9
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' QUIT >&9
    from_wire <&9 | grep -q '^451 4.3.0 '
    relax postgrey
    serve "policy 127.0.0.1:10023" "command $scripts/deliver"
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    grep -qx recipient=user@example.org asked
}

@test "what a command leaves in the background ends with its session, under a listener with the listener" {
    script deliver <<'SCRIPT'
#!/bin/sh
sleep 1000 >/dev/null 2>&1 </dev/null &
echo $! >/var/lib/smtp-handler/left
SCRIPT
    serve "command $scripts/deliver"
    send
    if [ "$SERVED_BY" = listener ]; then
        runs_on
        systemctl stop smtp.socket smtp-handler.service
    fi
    eventually nothing_is_left
    refute runs_on
}
runs_on() { grep -q sleep "/proc/$(cat "$state/left")/cmdline"; }

@test "what a command writes to /tmp or /var/tmp nobody else sees, and is gone with the service" {
    script deliver <<'SCRIPT'
#!/bin/sh
set -e
echo here >/tmp/mails
echo here >/var/tmp/mails
cat /tmp/mails /var/tmp/mails >/var/lib/smtp-handler/seen
SCRIPT
    serve "command $scripts/deliver"
    send
    [ "$(cat "$state/seen")" = $'here\nhere' ]
    [ ! -e /tmp/mails ]
    [ ! -e /var/tmp/mails ]
    systemctl stop smtp.socket smtp-handler.service
    eventually nothing_is_left
    [ -z "$(find /tmp /var/tmp -path '*smtp-handler*' -name mails)" ]
}

# Node.js: a command that keeps the message with what the kernel says of it.
node_command() {
    script deliver <<'SCRIPT'
#!/usr/bin/node
const fs = require('fs')
const mail = fs.readFileSync(0)
fs.writeFileSync('/var/lib/smtp-handler/mail', mail)
fs.writeFileSync('/var/lib/smtp-handler/status', fs.readFileSync('/proc/self/status'))
console.log(require('crypto').createHash('sha256').update(mail).digest('hex'))
SCRIPT
}

@test "with jit.conf a command in Node.js runs and gains nothing else, without it dies and defers" {
    node_command
    serve 'no-trace' "command $scripts/deliver"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    relax jit
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    tail -1 "$state/mail" | grep -qx 'It works.'
    field SMTP_REPLY SMTP_RESULT=accepted | grep -qx "$(sha256sum <"$state/mail" | cut -c1-64)"
    keeps_the_rest "$state/status"
}

@test "with jit.conf a command in Java runs, without it dies and defers" {
    command -v keytool >/dev/null || skip 'no Java; make check-systemd installs it'
    serve "command keytool -genkeypair -alias user -keyalg EC -dname CN=user -storepass secret -keystore /var/lib/smtp-handler/keys"
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    [ ! -e "$state/keys" ]
    relax jit
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    [ -s "$state/keys" ]
}

# make_user NAME: a user with a directory of his own in /srv.
make_user() {
    useradd --system --home-dir "/srv/$1" --shell /usr/sbin/nologin "$1"
    install -d -o "$1" -g "$1" -m 700 "/srv/$1"
    without_user "$1"
}

# without_user NAME: afterwards he is gone, and his directory.
without_user() {
    afterwards userdel "$1"
    afterwards rm -rf "/srv/$1"
}

# prepare NAME: what one of the drop-ins says must be there first.
prepare() {
    sed -nE 's/^#   (useradd|install)/\1/p' "$examples/$1.conf" | sh -ex
    without_user "$(sed -n 's/^User=//p' "$examples/$1.conf")"
}

# bats test_tags=disposable
@test "with user.conf a command writes files of that user's in his directory, and nowhere else" {
    prepare user
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
    # Before the directory is made
    mv /srv/tickets /srv/tickets-later
    relax user
    [ "$(answer user@example.org)" = '451 4.3.0' ]
    field SMTP_TEXT SMTP_EVENT=command | tail -1 | grep '/srv/tickets'
    mv /srv/tickets-later /srv/tickets
    systemctl stop smtp-handler.service
    [ "$(answer user@example.org)" = '250 2.0.0' ]
    [ "$(stat -c '%U %G %a' /srv/tickets/message)" = 'tickets tickets 600' ]
    [ ! -e /srv/tickets/written ]
    grep -q "^Uid:.$(id -u tickets).$(id -u tickets).$(id -u tickets)" /srv/tickets/status
    keeps_the_rest /srv/tickets/status
}

# bats test_tags=disposable
@test "with user.conf neither the service's Maildir nor the user's shared memory is touched" {
    prepare user
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
    prepare dovecot-lda
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
passdb {
    driver = static
    args = nopassword=y
}
mail_plugins = quota
plugin {
    quota = maildir:User quota
    quota_rule = *:storage=1M
}
CONF
        sed -n 's/^#   //p' "$examples/dovecot-lda.conf" | sed -E '/^(useradd|install|command) /d'
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
@test "with dovecot-lda.conf the command gains its mailboxes and nothing else" {
    prepare dovecot-lda
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
    awk -v user="$(id -u smtp-handler)" '$1 == "Uid:" { exit $2 != user }' "$state/status"
}

# bats test_tags=disposable,instances
@test "behind Debian's chrooted Postfix by LMTP, as README says, what the command defers waits in the queue" {
    install_postfix
    postconf -e mydestination=
    script deliver <<'SCRIPT'
#!/bin/sh
cd /var/lib/smtp-handler && [ -e mended ] && cat >mail
SCRIPT
    serve "command $scripts/deliver"
    systemctl stop smtp.socket
    afterwards rm -r "$units/lmtp.socket.d"
    afterwards systemctl disable --now lmtp.socket
    readme 'lmtp.socket.d' | bash -ex
    printf 'Subject: test\n\nIt works.\n' | /usr/sbin/sendmail -f sender@example.net tickets@example.org
    eventually deferred
    eventually waits_in_the_queue # until then it is not flushed
    touch "$state/mended"
    postqueue -f
    eventually grep -x 'It works.' "$state/mail"
    field SMTP_FROM SMTP_EVENT=message SMTP_RESULT=accepted | grep -qx sender@example.net
    postmap -q tickets@example.org hash:/etc/postfix/smtp-handler
    refute postmap -q nobody@example.org hash:/etc/postfix/smtp-handler
}
deferred() { field SMTP_TO SMTP_EVENT=message SMTP_RESULT=deferred | grep -qx tickets@example.org; }
waits_in_the_queue() { postqueue -j | grep -q '"queue_name": "deferred"'; }
