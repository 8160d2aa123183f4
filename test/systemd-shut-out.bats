load systemd

# Clients that the administrator shuts out, by the lines of smtp-report(8) as they stand.

# bats file_tags=disposable

# reaches ADDRESS: a client from there can connect at all.
reaches() {
    python3 - "$1" "$port" <<'PYTHON'
import socket, sys
with socket.socket() as client:
    client.settimeout(5)
    client.bind((sys.argv[1], 0))
    client.connect(("127.0.0.1", int(sys.argv[2])))
PYTHON
}

# speaks_http ADDRESS: a client from there is a browser.
speaks_http() {
    python3 - "$1" "$port" <<'PYTHON'
import socket, sys
with socket.socket() as client:
    client.bind((sys.argv[1], 0))
    client.connect(("127.0.0.1", int(sys.argv[2])))
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    client.recv(1000)
PYTHON
}

@test "an address that is denied in smtp.socket reaches port 25 no more, and all others do" {
    serve
    reaches 127.0.0.9
    afterwards systemctl stop smtp.socket
    manual smtp-report.8 'IPAddressDeny=' | sed 's:192\.0\.2\.9:127.0.0.9:' >typed
    grep -q '^IPAddressDeny=127' typed
    sh -e typed
    refute reaches 127.0.0.9
    reaches 127.0.0.8
    send
}

# bats test_tags=instances
@test "fail2ban of Debian's package shuts out an address that speaks another protocol, and no other" {
    serve
    # It shuts out no address of this host, unless it is told to.
    manual smtp-report.8 'jail.local' | sed 's:^\[DEFAULT\]$:&\nignoreself = false:; s:^apt-get:#&:' >typed
    grep -q '^ignoreself' typed
    afterwards rm -f /etc/fail2ban/filter.d/smtp-handler.conf /etc/fail2ban/jail.local
    afterwards systemctl stop fail2ban
    (cd "$top/examples" && sh -e "$BATS_TEST_TMPDIR/typed")
    eventually fail2ban-client status smtp-handler
    for _ in {1..10}; do speaks_http 127.0.0.9; done
    is_shut_out() { refute reaches 127.0.0.9; }
    eventually is_shut_out
    fail2ban-client status smtp-handler | grep 'Banned IP list:.*127\.0\.0\.9'
    reaches 127.0.0.8
    send
}
