load helper

# Each superserver runs the handler on a free port; a real client sends, and the mail must be there.

send_with_curl() {
    printf 'Subject: through %s\r\n\r\nIt works.\r\n' "$1" |
        curl --silent --show-error --url "smtp://127.0.0.1:$port/client.test" --mail-from sender@example.net \
            --mail-rcpt user@example.org --upload-file -
}

# through NAME: the message arrived from this very machine, over a strict connection.
through() {
    send_with_curl "$1"
    kept 1 | grep -qx "Subject: through $1"
    kept 1 | grep -qF 'Received: from client.test ('
    kept 1 | grep -qF '[127.0.0.1])'
    kept_environment 1 | grep -qx CLIENT_ADDRESS=127.0.0.1
    kept_environment 1 | grep -qE '^CLIENT_PORT=[0-9]+$'
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'NOOP\nNOOP\r\nQUIT\r\n' >&9
    cut -c1-3 <&9 | diff - <(printf '220\n500\n221\n')
}

@test "a here-document is served" {
    "$SMTP_HANDLER" --domain example.org "$commands/keep" <<EOF >replies 2>log
$(one_message)
EOF
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=unknown
    kept 1 | refute grep -q '('
}

@test "mail arrives under tcpserver" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through tcpserver
    eventually grep -q 'message result=accepted .*client=127.0.0.1 ' background
}

@test "mail arrives under systemd-socket-activate --inetd" {
    port=$(free_port)
    in_background systemd-socket-activate --accept --inetd -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through systemd-socket-activate
}

@test "mail arrives under systemd-socket-activate, which passes the connection as descriptor 3" {
    port=$(free_port)
    in_background systemd-socket-activate --accept -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through descriptor
    kept_environment 1 | refute grep -q '^LISTEN_'
}

@test "mail arrives under xinetd" {
    port=$(free_port)
    sed -e 's/^ *port .*/port = '"$port"'/' -e 's/^ *user .*/user = '"$(id -un)"'/' \
        -e "s|^ *server .*|server = $SMTP_HANDLER|" \
        -e "s|^ *server_args .*|server_args = --domain example.org $commands/keep|" \
        -e "s|^}|bind = 127.0.0.1\nenv = KEPT=$KEPT PATH=$PATH\n}|" "$top/units/xinetd.conf" >xinetd.conf
    in_background "$top/build/peers/xinetd/usr/sbin/xinetd" -dontfork -f "$PWD/xinetd.conf" -pidfile "$PWD/pid"
    eventually is_listening "$port"
    through xinetd
    # Standard error is the client there: nothing of the log may reach it.
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\nQUIT\r\n' >&9
    from_wire <&9 >said
    grep -q '^550 5.7.1' said
    refute grep -q smtp-handler: said
}

@test "mail arrives under openbsd-inetd" {
    port=$(free_port)
    sed -e '/^#/d' -e "s|^smtp|127.0.0.1:$port|" -e "s| smtp-handler /| $(id -un) /|" \
        -e "s| /usr/local/sbin/.*| $commands/with-kept $KEPT $SMTP_HANDLER --domain example.org $commands/keep|" \
        "$top/units/inetd.conf" | sed "s|$commands/with-kept |$commands/with-kept with-kept |" >inetd.conf
    in_background "$top/build/peers/openbsd-inetd/usr/sbin/inetd" -i "$PWD/inetd.conf"
    eventually is_listening "$port"
    through openbsd-inetd
}

@test "after a wrong option under a superserver the client gets 421 and nothing else" {
    port=$(free_port)
    in_background systemd-socket-activate --accept --inetd -l "127.0.0.1:$port" "$SMTP_HANDLER" --wrong
    eventually is_listening "$port"
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    from_wire <&9 >said
    grep -qE '^421 4\.3\.5 ' said
    [ "$(wc -l <said)" = 1 ]
}

@test "the peer is found in the order: socket, UCSPI, REMOTE_ADDR, REMOTE_HOST" {
    address() {
        rm -rf "$KEPT" && mkdir "$KEPT"
        one_message | sed 's/$/\r/' | env "$@" "$SMTP_HANDLER" --domain example.org --newlines strict "$commands/keep" >replies 2>log
        kept_environment 1 | grep -E '^CLIENT_(ADDRESS|PORT|HOSTNAME)=' | sort | cut -d= -f2 | tr '\n' ' '
    }
    [ "$(address A=)" = 'unknown unknown unknown ' ]
    [ "$(address REMOTE_HOST=192.0.2.1)" = '192.0.2.1 unknown unknown ' ]
    [ "$(address REMOTE_HOST=192.0.2.1 REMOTE_ADDR=192.0.2.2 REMOTE_PORT=7)" = '192.0.2.2 unknown 7 ' ]
    [ "$(address REMOTE_ADDR=192.0.2.2 PROTO=TCP TCPREMOTEIP=192.0.2.3 TCPREMOTEPORT=8 TCPREMOTEHOST=c.example)" = '192.0.2.3 c.example 8 ' ]
    [ "$(address PROTO=TCP TCPREMOTEIP=::ffff:192.0.2.4)" = '192.0.2.4 unknown unknown ' ]
    [ "$(address PROTO=TCP TCPREMOTEIP=2001:DB8::0:1)" = '2001:db8::1 unknown unknown ' ]
    kept 1 | grep -qF '([IPv6:2001:db8::1])'
    [ "$(address PROTO=TCP TCPREMOTEIP=nonsense TCPREMOTEHOST='a b')" = 'unknown unknown unknown ' ]
}

@test "an IPv4 client of an IPv6 listener is an IPv4 client" {
    port=$(free_port)
    in_background systemd-socket-activate --accept --inetd -E KEPT -l "[::]:$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through mapped
}

@test "an address literal of our own end is ours, another is not" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@[127.0.0.1]>\r\nRCPT TO:<a@[127.0.0.2]>\r\nRCPT TO:<a@[IPv6:::1]>\r\nQUIT\r\n' >&9
    cut -c1-9 <&9 | tail -4 | diff - <(printf '250 2.1.5\n550 5.7.1\n550 5.7.1\n221 2.0.0\n')
}

@test "without systemd in the environment nothing but libc is mapped" {
    mkfifo client
    "$SMTP_HANDLER" --no-sandbox true <client >replies 2>log 3>&- & # so that a plain user may look
    started+=($!)
    exec 9>client
    echo 'HELO c' >&9
    eventually grep -q '^250' replies
    maps=$(cat "/proc/$!/maps")
    exec 9>&-
    grep -q smtp-handler <<<"$maps"
    refute grep -q systemd <<<"$maps"
    case $SMTP_HANDLER in
    *sanitize*) ;;
    *) grep -o '/[^ ]*\.so[^ ]*' <<<"$maps" | refute grep -vE '/(libc|ld-linux[^/]*)\.so' ;;
    esac
}

# bats test_tags=libsystemd
@test "the program names libsystemd in an ELF note" {
    readelf -p .note.dlopen "$SMTP_HANDLER" | grep -q 'libsystemd.so.0'
}

@test "the static program does not name libsystemd" {
    readelf -p .note.dlopen "$top/build/static/smtp-handler" | refute grep -q libsystemd
}

# What the program $1 sends to a journal in a session, without what two runs never share.
journal_of() {
    unshare -rm python3 - "$1" <<'EOF'
import ctypes, os, re, socket, subprocess, sys
assert ctypes.CDLL(None).mount(b"tmpfs", b"/run", b"tmpfs", 0, None) == 0
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
client = b"EHLO c\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<a@localhost>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n"
subprocess.run([sys.argv[1], "--log", "journal", "sh", "-c", "printf 'two\\nlines' >&2"], input=client, stdout=subprocess.DEVNULL, check=True)
journal.setblocking(False)
def fields(entry):
    while entry:
        name, entry = entry.split(b"\n", 1)
        if b"=" in name:
            yield name
            continue
        length = int.from_bytes(entry[:8], "little")
        yield name + b"=" + entry[8:8 + length]
        assert entry[8 + length:9 + length] == b"\n"
        entry = entry[9 + length:]
try:
    while True:
        for field in sorted(fields(journal.recv(1 << 17))):
            print(re.sub(rb"(?i)(id|seconds)([= ])[0-9a-f.-]+\b", rb"\1\2-", field).decode())
except BlockingIOError:
    pass
EOF
}

@test "the static program tells the journal what the other tells it by libsystemd" {
    journal_of "$SMTP_HANDLER" >with_library
    journal_of "$top/build/static/smtp-handler" >without
    grep -qx 'SMTP_RESULT=accepted' with_library
    diff with_library without
}

@test "the service manager is told a status" {
    python3 - "$PWD/notify" "$SMTP_HANDLER" <<'EOF'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
client = b"HELO c\r\n" + 2 * b"MAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\n.\r\n" + b"QUIT\r\n"
subprocess.run([sys.argv[2], "true"], input=client, env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1], REMOTE_ADDR="192.0.2.9"), check=True)
s.settimeout(60)
states = [s.recv(1000).decode() for _ in range(7)]
print(states)
assert states == ["STATUS=client 192.0.2.9, " + state for state in (
    "waiting for commands, 0 messages accepted",
    "receiving a message, 0 messages accepted",
    "delivering a message, 0 messages accepted",
    "waiting for commands, 1 messages accepted",
    "receiving a message, 1 messages accepted",
    "delivering a message, 1 messages accepted",
    "waiting for commands, 2 messages accepted")]
EOF
}

@test "nothing is written to a client on standard error, not even with standard input closed" {
    python3 - "$SMTP_HANDLER" <<'EOF'
import socket, subprocess, sys
client, server = socket.socketpair()
p = subprocess.run(["sh", "-c", 'exec "$0" true <&-', sys.argv[1]], stdout=server, stderr=server)
server.close()
said = b"".join(iter(lambda: client.recv(4096), b""))
print(p.returncode, said)
sys.exit(p.returncode != 71 or b"smtp-handler:" in said)
EOF
}

@test "if no journal listens, the log goes to standard error" {
    unheard=()
    if [ -e /run/systemd/journal ]; then
        unheard=(unshare -rm sh -ec 'mount -t tmpfs tmpfs /run/systemd/journal; exec "$@"' sh)
    fi
    one_message | "${unheard[@]}" "$SMTP_HANDLER" --domain example.org --log journal true >replies 2>errors
    grep -q '^smtp-handler: message result=accepted' errors
}
