load systemd

# smtp-handler-check: it asks systemd what a session would find, and shows that on the terminal.

# checks STATUS [LINE...]: smtp-handler-check ends so, says these lines, and "ok" if nothing is wrong.
checks() {
    local status=0 line
    smtp-handler-check >said 2>errors </dev/null || status=$?
    [ "$status" = "$1" ] || { cat said errors; return 1; }
    [ ! -s errors ]
    for line in "${@:2}"; do
        sed 's/; see [^;]*$//' said | grep -xF -- "$line" || { echo "not said: $line"; cat said; return 1; }
    done
    case $1 in
    0) tail -1 said | grep -qx ok ;;
    *) refute grep -qx ok said ;;
    esac
}

configure() {
    rm -f "$configuration"
    printf '%s\n' 'domain example.org' "$@" >"$configuration"
}

@test "smtp-handler-check shows what is in force, and ok, on the terminal" {
    configure 'command cat {sender}'
    checks 0 "hostname $(hostname)" 'domain example.org' 'max-size 25M' 'command cat {sender}'
    refute grep -E 'Starting|Finished|Deactivated' said
    # Each says what it found, and nothing of an earlier one.
    configure 'max-size 1M' 'command cat'
    checks 0 'max-size 1M'
    refute grep 'max-size 25M' said
    systemctl start smtp-handler-check # by its short name
    systemctl start smtp-handler-check-smtp
    nothing_is_left
}

@test "smtp-handler-check finds what the service's user may not do, as root may" {
    configure 'command cat'
    chmod 600 "$configuration"
    checks 78 "$configuration: Permission denied"
    chmod 644 "$configuration"
    mkdir -p /home/adm/bin
    cp /bin/cat /home/adm/bin/ticket
    afterwards rm -r /home/adm
    configure 'command /home/adm/bin/ticket'
    checks 78
    grep -F "$configuration:2: " said | grep -q 'ticket: Permission denied'
    cp /bin/true recipients
    install -m 600 recipients /etc/smtp-recipients
    afterwards rm /etc/smtp-recipients
    configure 'recipients /etc/smtp-recipients' 'spool /var/spool' 'command cat'
    checks 78
    grep -q '/etc/smtp-recipients: Permission denied' said
    grep -q '/var/spool: Read-only file system; see smtp-handler-units(7), READ-ONLY FILES$' said
    # By hand it is root who asks.
    smtp-handler --check --config "$configuration" 2>&1 | refute grep -E 'denied|Read-only'
    smtp-handler --check --config "$configuration" | head -1 | grep -q '^# .*smtp-handler-check'
    configure 'command cat'
    checks 0
}

@test "a check that finds a fault shows it each time, and leaves neither a failed unit nor lines of a session" {
    configure 'command /nothere'
    for _ in 1 2 3 4 5 6 7; do
        checks 78
        grep -q '/nothere: no such program; see smtp-handler-command(7), DIAGNOSTICS$' said
    done
    nothing_is_left
    [ -z "$(journal -o cat -t smtp-handler)" ]
    journal -o cat -t smtp-handler-check | grep -q /nothere
}

@test "what makes a unit a check holds for no other unit whose name begins with smtp-handler" {
    printf '[Service]\nExecStart=/bin/echo a backup\n' >"$units/smtp-handler-backup.service"
    afterwards rm "$units/smtp-handler-backup.service"
    systemctl daemon-reload
    for unit in smtp-handler-failed@one smtp-handler-backup smtp-handler@one; do
        refute grep zz-check <(systemctl show -P DropInPaths "$unit")
        systemctl show -P ExecStart "$unit" | refute grep -e --check
    done
    systemctl show -P ExecStart smtp-handler-failed@one | grep -q 'systemd did not start one.service'
    systemctl show -P ExecStart smtp-handler-check-smtp | grep -q -e '--check'
}

@test "a done-list is right before the first connection, and the check does not make it" {
    configure 'done-list /var/lib/smtp-handler/done' 'command cat'
    checks 0 'done-list /var/lib/smtp-handler/done'
    smtp-handler --check --config "$configuration" | tail -1 | grep -qx ok
    [ ! -e "$state/done" ]
    serve 'done-list /var/lib/smtp-handler/done' 'command cat'
    send
    [ "$(stat -c %U "$state/done")" != root ]
}

@test "the drop-ins of a session's service are those of its check, but for the command that it starts" {
    service=smtp-handler@.service
    useradd -r tickets
    afterwards userdel tickets
    sed '/^ReadWritePaths=/d' "$examples/user.conf" >user.conf
    drop_in user.conf
    printf '[Service]\nExecStart=\nExecStart=/bin/false\nReadWritePaths=/srv\n' >zoo.conf
    drop_in zoo.conf
    systemctl daemon-reload
    configure 'spool /srv' 'command cat'
    chmod 600 "$configuration"
    chown tickets "$configuration"
    chmod 777 /srv
    afterwards chmod 755 /srv
    checks 0 'spool /srv'
    userdel tickets
    checks 217
    grep -q 'Failed to determine user credentials' said
    useradd -r tickets
}

@test "a certificate that is missing is said of the check as of a session" {
    service=smtp-handler@.service
    install -d -m 700 /etc/smtp-handler
    afterwards rm -r /etc/smtp-handler
    configure 'tls-relay /run/smtp-handler/tls' 'command cat'
    checks 71
    grep -q 'tls-relay: /run/smtp-handler/tls: No such file or directory' said
    systemctl start tls-relay.socket
    checks 78
    grep -q 'tls.crt: no certificate in PEM' said
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -keyout /etc/smtp-handler/tls.key -out /etc/smtp-handler/tls.crt 2>log
    checks 0 'tls starttls' 'tls-relay /run/smtp-handler/tls'
}

@test "who is not root is told by systemd that it cannot be started" {
    status=0
    setpriv --reuid nobody --clear-groups smtp-handler-check >said 2>errors </dev/null || status=$?
    [ "$status" != 0 ]
    [ -s errors ]
}
