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

@test "a here-document" {
    "$SMTP_HANDLER" --domain example.org "$commands/keep" <<EOF >replies 2>log
$(one_message)
EOF
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=unknown
    kept 1 | refute grep -q '('
}

@test "tcpserver" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through tcpserver
    eventually grep -q 'message result=accepted .*client=127.0.0.1 ' background
}

@test "systemd-socket-activate --inetd" {
    port=$(free_port)
    in_background systemd-socket-activate --accept --inetd -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through systemd-socket-activate
}

# bats test_tags=libsystemd
@test "systemd-socket-activate, which passes the connection as descriptor 3" {
    port=$(free_port)
    in_background systemd-socket-activate --accept -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    through descriptor
    kept_environment 1 | refute grep -q '^LISTEN_'
}

@test "xinetd" {
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

@test "openbsd-inetd" {
    port=$(free_port)
    sed -e '/^#/d' -e "s|^smtp|127.0.0.1:$port|" -e "s| nobody | $(id -un) |" \
        -e "s| /usr/local/sbin/.*| $commands/with-kept $KEPT $SMTP_HANDLER --domain example.org $commands/keep|" \
        "$top/units/inetd.conf" | sed "s|$commands/with-kept |$commands/with-kept with-kept |" >inetd.conf
    in_background "$top/build/peers/openbsd-inetd/usr/sbin/inetd" -i "$PWD/inetd.conf"
    eventually is_listening "$port"
    through openbsd-inetd
}

@test "a wrong option under a superserver: the client hears 421 and nothing else" {
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
    "$SMTP_HANDLER" true <client >replies 2>log 3>&- &
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

@test "a build without systemd works, and says what it cannot do" {
    one_message | "$top/build/static/smtp-handler" --domain example.org "$commands/keep" >replies 2>log
    [ "$(kept_count)" = 1 ]
    readelf -p .note.dlopen "$top/build/static/smtp-handler" | refute grep -q libsystemd
    port=$(free_port)
    in_background systemd-socket-activate --accept -l "127.0.0.1:$port" "$top/build/static/smtp-handler" true
    eventually is_listening "$port"
    eventually grep -q 'built without systemd: the service needs StandardInput=socket' background
}

# bats test_tags=libsystemd
@test "the service manager is told a status" {
    python3 - "$PWD/notify" "$SMTP_HANDLER" <<'EOF'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
client = b"HELO c\r\n" + 2 * b"MAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\n.\r\n" + b"QUIT\r\n"
subprocess.run([sys.argv[2], "true"], input=client, env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1], REMOTE_ADDR="192.0.2.9"), check=True)
s.settimeout(5)
states = [s.recv(1000).decode() for _ in range(3)]
print(states)
assert states == ["STATUS=client 192.0.2.9, waiting for commands, 0 messages accepted",
                  "STATUS=client 192.0.2.9, delivering a message, 0 messages accepted",
                  "STATUS=client 192.0.2.9, delivering a message, 1 messages accepted"]
EOF
}

@test "no word reaches a client on standard error, not even with standard input closed" {
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

@test "where no journal listens its lines go to standard error" {
    unheard=()
    if [ -e /run/systemd/journal ]; then
        unheard=(unshare -rm sh -ec 'mount -t tmpfs tmpfs /run/systemd/journal; exec "$@"' sh)
    fi
    one_message | "${unheard[@]}" "$SMTP_HANDLER" --domain example.org --log journal true >replies 2>errors
    grep -q '^smtp-handler: message result=accepted' errors
}
