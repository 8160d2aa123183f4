load systemd
load certificates

# What the package that `make deb` built does to a system. The files of `make install` are away meanwhile.

# bats file_tags=disposable

package=$(echo "$top"/build/deb/smtp-handler_*.deb)
policy=/usr/sbin/policy-rc.d # containers have one that keeps packages from starting and stopping anything

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p "$scripts"
    make -s -C "$top" uninstall
    rm -f "$configuration"
    [ ! -e "$policy" ] || mv "$policy" policy
    [ "$SERVED_BY" = instances ] || install -D -m 644 "$top/units/busy.conf" "$units/smtp.socket.d/busy.conf"
    systemctl daemon-reload
    began=$(date +@%s.%6N)
}

teardown() {
    end_started
    journal -o short >events || true
    tail -n 40 events # shown if the test failed
    systemctl stop 'smtp*.socket' 'lmtp*.socket' 'tls-relay.*' 'smtp*.service' 'lmtp*.service' # whatever the package does
    dpkg -P smtp-handler
    rm -rf "$units/smtp.socket.d" "$scripts" "$state" /var/lib/smtp-handler
    [ ! -e policy ] || mv policy "$policy"
    make -s -C "$top" install
    systemctl daemon-reload
    systemctl reset-failed
    journalctl --update-catalog
}

# Nobody is there to be asked about the configuration.
install_package() {
    dpkg -i "$package" </dev/null
}

messages() {
    find /var/lib/smtp-handler/ -type f 2>/dev/null
}

# The package's units, as files and as systemd knows them, and the links that enable them.
units_left() {
    systemctl list-unit-files --no-legend 'smtp*' 'lmtp*' 'tls-relay*'
    systemctl list-units --all --no-legend --plain 'smtp*' 'lmtp*' 'tls-relay*'
    find /etc/systemd /lib/systemd /var/lib/systemd -name '*smtp*' -o -name '*lmtp*' -o -name 'tls-relay*'
}

# bats test_tags=instances
@test "smtp-handler-check of the package finds that what it has installed is right" {
    install_package
    smtp-handler-check >said
    tail -1 said | grep -qx ok
    grep -q '^command /usr/libexec/smtp-handler/maildir-deliver ' said
    install -D -m 644 "$top/units/network.conf" "$units/smtp-handler@.service.d/network.conf"
    systemctl daemon-reload
    [ "$(systemctl show -P PrivateNetwork smtp-handler-check-smtp)" = no ]
    rm -r "$units/smtp-handler@.service.d"
    nothing_is_left
}

# bats test_tags=instances
@test "installing the package opens no port, enables and starts nothing" {
    install_package
    refute is_listening 25
    [ -z "$(systemctl list-units --no-legend --plain 'smtp*' 'lmtp*' 'tls-relay*')" ]
    [ "$(systemctl is-enabled smtp.socket lmtp.socket tls-relay.socket)" = $'disabled\ndisabled\ndisabled' ]
    [ -z "$(find "$units" -name '*smtp*' -o -name '*lmtp*' -o -name 'tls-relay*')" ]
    nothing_is_left
}

# bats test_tags=instances
@test "once the package's socket is started mail lies in the Maildir, and the journal explains its events" {
    install_package
    systemctl start smtp.socket
    send user@localhost
    tail -1 "$(messages)" | grep -qx 'It works.'
    journal -x SMTP_EVENT=message | grep -q 'Subject: Message from .* accepted'
    eventually nothing_is_left
}

# bats test_tags=instances
@test "a distribution's own test of the package passes" {
    install_package
    "$top/debian/tests/delivery" >said
    [ "$(tail -1 said)" = delivered ]
    nothing_is_left
}

# bats test_tags=instances
@test "an upgrade keeps the configuration, the open port and the sessions that run" {
    install_package
    serve 'command true'
    client 9
    install_package
    grep -qx 'command true' "$configuration"
    printf 'QUIT\r\n' >&9
    from_wire <&9 | grep -q '^221 '
    send
    [ -z "$(messages)" ] # true(1) had it
    [ "$(journal -u smtp.socket | grep -c 'Listening on')" = 1 ]
    [ "$(systemctl is-enabled smtp.socket)" = disabled ]
}

# bats test_tags=instances
@test "removing the package closes the port and tells clients 421; configuration and mail stay" {
    install_package
    systemctl enable --now smtp.socket
    echo '# mine' >>"$configuration"
    send user@localhost
    client 9
    dpkg -r smtp-handler
    grep -q '^421 4.3.2' <&9
    refute is_listening 25
    tail -1 "$configuration" | grep -qx '# mine'
    tail -1 "$(messages)" | grep -qx 'It works.'
    [ ! -e /usr/sbin/smtp-handler ]
    nothing_is_left
}

# bats test_tags=instances
@test "purging the package leaves nothing but mail, and without mail nothing" {
    install_package
    systemctl enable --now smtp.socket lmtp.socket tls-relay.socket
    send user@localhost
    dpkg -P smtp-handler
    [ ! -e "$configuration" ]
    units_left | diff /dev/null -
    nothing_is_left
    tail -1 "$(messages)" | grep -qx 'It works.'
    # The next package to be installed goes on with its files.
    install_package
    refute is_listening 25
    systemctl start smtp.socket
    send user@localhost
    [ "$(messages | wc -l)" = 2 ]
    find "$state" -type f -delete
    dpkg -P smtp-handler
    [ ! -e "$state" ]
    [ ! -L /var/lib/smtp-handler ]
}

# offered_by: who says over TLS that he serves port 25.
offered_by() {
    openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null | subject
}

# stay: a session over TLS, which lasts until there is a file `go`.
stay() {
    { echo NOOP && until [ -e go ]; do sleep 0.05; done && echo QUIT; } |
        openssl s_client -quiet -crlf -connect 127.0.0.1:25 -starttls smtp
}

# bats test_tags=instances
@test "an upgrade starts the keeper of the TLS key anew and hurts no connection, removing the package ends it" {
    install_package
    install -d -m 700 /etc/smtp-handler
    self_signed /etc/smtp-handler/tls mx.test
    systemctl enable --now tls-relay.socket
    serve 'tls-relay /run/smtp-handler/tls' 'command true'
    [ "$(offered_by)" = mx.test ]
    first=$(systemctl show -P MainPID tls-relay.service)
    [ "$(stat -c %U "/proc/$first")" = smtp-handler-tls ]
    in_background stay
    eventually grep -q '^250 2.0.0' background
    install_package
    second=$(systemctl show -P MainPID tls-relay.service)
    [ "$second" != 0 ]
    [ "$second" != "$first" ]
    touch go
    eventually grep -q '^221 ' background
    [ "$(offered_by)" = mx.test ]
    dpkg -r smtp-handler
    rm -r /etc/smtp-handler
    [ ! -e "/proc/$second" ]
    [ ! -e /run/smtp-handler/tls ]
    nothing_is_left
}

# bats test_tags=listener
@test "an upgrade starts the listener anew: deliveries end and are answered, the port stays open" {
    script deliver <<'SCRIPT'
#!/bin/sh
touch running; until [ -e go ]; do sleep 0.05; done
SCRIPT
    install_package
    serve "command sh -c \"cd /var/lib/smtp-handler && $scripts/deliver\""
    client 8
    client 9
    first=$(systemctl show -p MainPID --value smtp-handler.service)
    in_turn 9 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA $'x\r\n.' >replies
    eventually test -e "$state/running"
    in_background install_package
    grep -q '^421 4.3.2' <&8
    in_background send # waits for the next listener
    touch "$state/go"
    from_wire <&9 | tail -2 | cut -c1-9 | diff - <(printf '250 2.0.0\n421 4.3.2\n')
    wait "${started[0]}"
    wait "${started[1]}"
    second=$(systemctl show -p MainPID --value smtp-handler.service)
    [ "$second" != 0 ]
    [ "$second" != "$first" ]
    [ "$(journal -u smtp.socket | grep -c 'Listening on')" = 1 ]
    nothing_is_left
}

# bats test_tags=listener
@test "removing the package ends the listener" {
    install_package
    systemctl start smtp.socket
    send user@localhost
    dpkg -r smtp-handler
    refute is_listening 25
    refute pgrep -x smtp-handler
    nothing_is_left
}

# The program that the listener runs; systemd shows "(deleted)" for one that is no longer there.
listening_program() {
    readlink "/proc/$(systemctl show -p MainPID --value smtp-handler.service)/exe"
}

# bats test_tags=listener
@test "make install and make uninstall beside the package warn, and leave no old listener running" {
    install_package
    serve 'command true'
    send
    [ "$(listening_program)" = /usr/sbin/smtp-handler ]
    make -s -C "$top" install >said 2>&1
    grep -q '^warning: the Debian package smtp-handler is installed, too' said
    [ "$(listening_program)" = /usr/local/sbin/smtp-handler ]
    send
    make -s -C "$top" install # an upgrade
    [ "$(listening_program)" = /usr/local/sbin/smtp-handler ]
    make -s -C "$top" uninstall
    [ "$(listening_program)" = /usr/sbin/smtp-handler ]
    send
    [ "$(journal -u smtp.socket | grep -c 'Listening on')" = 1 ]
    nothing_is_left
}

# bats test_tags=instances
@test "the package warns of make install, and of a configuration that serves nobody" {
    make -s -C "$top" install
    echo 'domain example.org' >>"$configuration"
    dpkg --force-confold -i "$package" </dev/null >said 2>&1
    grep -q '^smtp-handler: warning: "make install" has put another one into /usr/local' said
    refute grep 'nobody is served' said
    make -s -C "$top" uninstall >said 2>&1
    grep -q 'warning: /etc/smtp-handler.conf still names /usr/local/libexec/' said
    dpkg --force-confold -i "$package" </dev/null >said 2>&1
    refute grep 'make install' said
    grep -q 'maildir-deliver: no such program' said
    grep -q '^smtp-handler: warning: nobody is served until that is mended' said
}
