load systemd

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
    tail -n 40 events # shown where the test failed
    systemctl stop 'smtp*.socket' 'lmtp*.socket' 'smtp*.service' 'lmtp*.service' # whatever the package does
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
    systemctl list-unit-files --no-legend 'smtp*' 'lmtp*'
    systemctl list-units --all --no-legend --plain 'smtp*' 'lmtp*'
    find /etc/systemd /lib/systemd /var/lib/systemd -name '*smtp*' -o -name '*lmtp*'
}

# bats test_tags=instances
@test "installing the package opens no port, enables and starts nothing" {
    install_package
    refute is_listening 25
    [ -z "$(systemctl list-units --no-legend --plain 'smtp*' 'lmtp*')" ]
    [ "$(systemctl is-enabled smtp.socket lmtp.socket)" = $'disabled\ndisabled' ]
    [ -z "$(find "$units" -name '*smtp*' -o -name '*lmtp*')" ]
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
@test "removing the package closes the port and takes leave of clients; configuration and mail stay" {
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
    systemctl enable --now smtp.socket lmtp.socket
    send user@localhost
    dpkg -P smtp-handler
    [ ! -e "$configuration" ]
    units_left | diff /dev/null -
    nothing_is_left
    tail -1 "$(messages)" | grep -qx 'It works.'
    # The next to be installed goes on where this one left off.
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
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nx\r\n.\r\n' >&9
    eventually test -e "$state/running"
    in_background install_package
    grep -q '^421 4.3.2' <&8
    in_background send # waits for the next listener
    touch "$state/go"
    from_wire <&9 | tail -2 | cut -c1-9 | diff - <(printf '250 2.0.0\n421 4.3.2\n')
    wait "${started[0]}"
    wait "${started[1]}"
    second=$(systemctl show -p MainPID --value smtp-handler.service)
    [ "$second" != 0 ] && [ "$second" != "$first" ]
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
