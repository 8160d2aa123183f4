load helper

# The program as its own superserver, on sockets that listen.

# listen OPTION...: serves $port; the listener is process $listener, its log the file `background`.
listen() {
    port=$(free_port)
    in_background systemd-socket-activate -E KEPT -E PATH -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org --log stderr "$@" \
        -- "${delivery[@]}"
    listener=${started[-1]}
    eventually is_listening "$port"
    client 9 # whose greeting says that the connection before is accepted, too
    exec 9>&-
    eventually has_no_session
}

# All sessions have ended, and the listener has taken note.
has_no_session() { ! pgrep -P "$listener"; }

# client FILE-DESCRIPTOR: connects it and waits for the greeting, which is left in $greeting.
client() {
    eval "exec $1<>/dev/tcp/127.0.0.1/$port"
    read -r greeting <&"$1"
}

send_message() {
    echo x >mail
    curl --silent --show-error --crlf --url "smtp://127.0.0.1:$port" --mail-from s@example.net --mail-rcpt user@example.org --upload-file mail
}

is_gone() { ! kill -0 "$listener"; }

# bats test_tags=libsystemd
@test "a listening socket from systemd is served, each session by a process of its own" {
    delivery=(sh -c 'echo $PPID >>"$KEPT/sessions"; cat >/dev/null; env >"$KEPT/environment"')
    listen
    for _ in 1 2 3; do send_message; done
    [ "$(sort -u "$KEPT/sessions" | wc -l)" = 3 ]
    refute grep -qx "$listener" "$KEPT/sessions"
    refute grep -qE '^(LISTEN_|NOTIFY_|WATCHDOG_)' "$KEPT/environment"
    grep -q '^CLIENT_ADDRESS=127.0.0.1$' "$KEPT/environment"
    [ "$(grep -c 'message result=accepted .*client=127.0.0.1' background)" = 3 ]
}

# bats test_tags=libsystemd
@test "several sockets are served, of Unix too" {
    port=$(free_port)
    other=$(free_port)
    in_background systemd-socket-activate -l "127.0.0.1:$port" -l "127.0.0.1:$other" -l "$PWD/socket" "$SMTP_HANDLER" true
    eventually is_listening "$port"
    python3 - "$port" "$other" "$PWD/socket" <<'EOF'
import socket, sys
def greeting(family, address):
    s = socket.socket(family)
    s.settimeout(9)
    s.connect(address)
    return s.recv(100)[:3]
for _ in range(3):
    for port in sys.argv[1:3]:
        assert greeting(socket.AF_INET, ("127.0.0.1", int(port))) == b"220"
    assert greeting(socket.AF_UNIX, sys.argv[3]) == b"220"
EOF
}

# bats test_tags=libsystemd
@test "more than the maximum of connections hear 421 at once, and are let in when others go" {
    listen --max-connections 2
    client 7
    client 8
    client 9
    grep -q '^421 4.7.0 .* Too many connections' <<<"$greeting"
    grep -q 'limit client=127.0.0.1 limit=max-connections$' background
    [ -z "$(cat <&9)" ]
    exec 7>&-
    eventually admitted 9
}

# admitted FILE-DESCRIPTOR: a client is let in there.
admitted() { client "$1" && grep -q '^220 ' <<<"$greeting"; }

# bats test_tags=libsystemd
@test "a flood of clients that are not let in does not drown the log" {
    listen --max-connections 1
    client 8
    python3 - "$port" <<'EOF'
import socket, sys
for _ in range(300):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=9) as client:
        assert client.recv(100)[:4] == b"421 "
EOF
    [ "$(grep -c 'limit client=' background)" -lt 100 ]
    eventually unreported_are_told
}

# A client that is not let in makes the log tell how many were not before it.
unreported_are_told() {
    client 9
    [ "$(sed -n 's/.*limit client.* unreported=//p' background | awk '{ sum += $1 } END { print sum + 0 }')" -ge 200 ]
}

# bats test_tags=libsystemd
@test "a session that cannot be started is 421 to its client" {
    port=$(free_port)
    in_background env ASAN_OPTIONS=detect_leaks=0 systemd-socket-activate -E ASAN_OPTIONS -l "127.0.0.1:$port" \
        strace -D -o trace -e trace=clone3,clone,vfork -e inject=clone3,clone,vfork:error=EAGAIN:when=1..9 "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client 9
    grep -q '^421 4.7.0' <<<"$greeting"
    grep -q 'trouble text="starting a session: Resource temporarily unavailable"' background
}

# bats test_tags=libsystemd
@test "SIGHUP to everybody in the service ends no session" {
    listen
    client 9
    kill -HUP "$(pgrep -P "$listener")"
    kill -HUP "$listener"
    printf 'QUIT\r\n' >&9
    grep -q '^221' <&9
}

# bats test_tags=libsystemd
@test "a session that is asked to stop before it is there to hear it says 421" {
    listen
    for _ in 1 2 3 4 5 6 7 8; do
        exec 9<>"/dev/tcp/127.0.0.1/$port"
        until session=$(pgrep -P "$listener"); do :; done
        kill "$session"
        cat <&9 >said
        grep -q '^421 4.3.2' said
        eventually has_no_session
    done
    refute grep 'was ended by signal' background
}

# bats test_tags=libsystemd
@test "one source has a maximum of its own" {
    listen --max-connections-per-source 1
    : >background
    python3 - "$port" <<'EOF'
import socket, sys
def greeting(source):
    global clients
    clients.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=(source, 0), timeout=9))
    return clients[-1].recv(100)[:4]
clients = []
said = [greeting(source) for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3")]
print(said)
assert said == [b"220 ", b"421 ", b"220 ", b"421 ", b"220 "]
EOF
    [ "$(grep -c 'limit client=127.0.0.[12] limit=max-connections-per-source$' background)" = 2 ]
}

# bats test_tags=libsystemd
@test "an IPv6 network of 64 bits is one source, an IPv4 address on an IPv6 socket its own" {
    cat >run <<'EOF'
ip link set lo up
for address in 2001:db8:0:1::1 2001:db8:0:1::2 2001:db8:0:2::1; do ip addr add "$address/128" dev lo nodad; done
systemd-socket-activate -l "[::]:2525" "$1" --log none --max-connections-per-source 1 true 2>/dev/null &
python3 - <<'PYTHON'
import socket, time
def connect(source):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    s = socket.socket(family)
    s.settimeout(9)
    s.bind((source, 0))
    s.connect(("::1" if ":" in source else "127.0.0.1", 2525))
    return s
for attempt in range(400):
    try:
        s = connect("::1")
        break
    except OSError:
        time.sleep(0.02)
clients = [s] + [connect(source) for source in ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1", "127.0.0.1", "127.0.0.1", "127.0.0.2")]
said = [client.recv(100)[:3].decode() for client in clients]
print(said)
assert said == ["220", "220", "421", "220", "220", "421", "220"]
PYTHON
status=$?
kill $!
exit $status
EOF
    unshare -rn sh run "$SMTP_HANDLER"
}

# bats test_tags=libsystemd
@test "SIGTERM lets a running delivery end and be answered, and tells the idle 421" {
    delivery=(sh -c 'touch "$KEPT/running"; until [ -e "$KEPT/go" ]; do sleep 0.02; done; cat >"$KEPT/message"')
    listen
    client 8
    client 9
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nx\r\n.\r\n' >&9
    eventually test -e "$KEPT/running"
    kill "$listener"
    grep -q '^421 4.3.2' <&8
    eventually refused
    kill -0 "$listener"
    touch "$KEPT/go"
    from_wire <&9 | tail -2 | cut -c1-9 | diff - <(printf '250 2.0.0\n421 4.3.2\n')
    eventually is_gone
    wait "$listener"
    [ -e "$KEPT/message" ]
}

refused() { ! is_listening "$port"; }

# bats test_tags=libsystemd
@test "SIGHUP reads the options again; wrong ones are named, and those from before stay" {
    echo 'max-connections 1' >config
    listen --config "$PWD/config"
    client 7
    client 8
    grep -q '^421' <<<"$greeting"
    echo 'max-connections 2' >config
    kill -HUP "$listener"
    eventually admitted 8
    echo 'max-connections many' >config
    kill -HUP "$listener"
    eventually grep -q "trouble text=.*config:1: option max-connections: 'many' is not a number" background
    client 9
    grep -q '^421 4.7.0' <<<"$greeting"
}

# bats test_tags=libsystemd
@test "with a wrong configuration every client hears 421, and the listener goes on" {
    listen --recipients /nowhere
    for _ in 1 2; do
        client 9
        grep -q '^421 4.3.5' <<<"$greeting"
    done
    kill -0 "$listener"
    grep -q 'smtp-handler: /nowhere: No such file' background
    echo 'max-size big' >config
    started=("$listener")
    end_started
    listen --config "$PWD/config"
    client 9
    grep -q '^421 4.3.5' <<<"$greeting"
    grep -q "trouble text=.*config:1: option max-size: 'big' is not" background
}

# bats test_tags=libsystemd
@test "it exits after a time without connections, not while there are some" {
    listen --idle-exit 1
    client 9
    SECONDS=0
    exec 9>&-
    eventually is_gone
    wait "$listener"
    [ "$SECONDS" -ge 1 ]
}

# bats test_tags=libsystemd
@test "a session that a signal ends is named in the log, and the listener goes on" {
    listen
    client 9
    session=$(pgrep -P "$listener")
    kill -KILL "$session"
    eventually grep -q "trouble text=\"the session with 127.0.0.1, process $session, was ended by signal 9\"" background
    client 9
    grep -q ^220 <<<"$greeting"
}

# bats test_tags=libsystemd
@test "without descriptors it waits until there are some" {
    port=$(free_port)
    in_background env ASAN_OPTIONS=detect_leaks=0 systemd-socket-activate -E ASAN_OPTIONS -l "127.0.0.1:$port" \
        strace -D -o trace -e trace=accept4 -e inject=accept4:error=EMFILE:when=1..2 "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client 9
    grep -q ^220 <<<"$greeting"
    [ "$(grep -c 'trouble text="accepting a connection: Too many open files"' background)" = 2 ]
}

# bats test_tags=libsystemd
@test "the service manager is told that we are ready, how it goes, that we live, reload and stop" {
    python3 - "$PWD/notify" "$SMTP_HANDLER" <<'EOF'
import os, signal, socket, subprocess, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
notify.settimeout(10)
server = socket.create_server(("127.0.0.1", 0))
def told(start):
    while not (state := notify.recv(1000).decode()).startswith(start):
        print(state)
    return state
def start():
    os.dup2(server.fileno(), 3)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=sys.argv[1], WATCHDOG_USEC="400000")
    os.execv(sys.argv[2], [sys.argv[2], "--log", "none", "true"])
pid = os.fork()
if pid == 0:
    start()
told("READY=1")
client = socket.create_connection(server.getsockname())
assert told("STATUS") == "STATUS=1 sessions, 1 so far, 0 refused"
for _ in range(3):
    told("WATCHDOG=1")
client.close()
assert told("STATUS") == "STATUS=0 sessions, 1 so far, 0 refused"
os.kill(pid, signal.SIGHUP)
assert "\nMONOTONIC_USEC=" in told("RELOADING=1")
told("READY=1")
os.kill(pid, signal.SIGTERM)
told("STOPPING=1")
assert os.waitpid(pid, 0)[1] == 0
EOF
}

# through_superserver: two messages arrive, by sessions of one listener, which is started by the first
# connection and outlives the superserver.
through_superserver() {
    eventually is_listening "$port"
    eventually pgrep -P "${started[-1]}"
    started+=("$(pgrep -P "${started[-1]}")")
    for _ in 1 2; do send_message; done
    [ "$(kept_count)" = 2 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=127.0.0.1
}

@test "xinetd with wait = yes gives us its socket" {
    port=$(free_port)
    sed -e 's/^ *port .*/port = '"$port"'/' -e 's/^ *user .*/user = '"$(id -un)"'/' -e 's/^ *wait .*/wait = yes/' \
        -e '/instances\|per_source\|cps/d' -e "s|^ *server .*|server = $SMTP_HANDLER|" \
        -e "s|^ *server_args .*|server_args = --domain example.org $commands/with-kept $KEPT $commands/keep|" "$top/units/xinetd.conf" >xinetd.conf
    in_background "$top/build/peers/xinetd/usr/sbin/xinetd" -dontfork -f xinetd.conf -pidfile "$PWD/pid"
    through_superserver
}

@test "inetd with wait gives us its socket" {
    port=$(free_port)
    echo "127.0.0.1:$port stream tcp wait $(id -un) $SMTP_HANDLER smtp-handler --domain example.org $commands/with-kept $KEPT $commands/keep" >inetd.conf
    in_background "$top/build/peers/openbsd-inetd/usr/sbin/inetd" -i inetd.conf
    through_superserver
}
