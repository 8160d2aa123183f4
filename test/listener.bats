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

@test "several sockets are served, of Unix too" {
    port=$(free_port)
    other=$(free_port)
    in_background systemd-socket-activate -l "127.0.0.1:$port" -l "127.0.0.1:$other" -l "$PWD/socket" "$SMTP_HANDLER" true
    eventually is_listening "$port"
    python3 - "$port" "$other" "$PWD/socket" <<'EOF'
import socket, sys
def greeting(family, address):
    s = socket.socket(family)
    s.settimeout(60)
    s.connect(address)
    return s.recv(100)[:3]
for _ in range(3):
    for port in sys.argv[1:3]:
        assert greeting(socket.AF_INET, ("127.0.0.1", int(port))) == b"220"
    assert greeting(socket.AF_UNIX, sys.argv[3]) == b"220"
EOF
}

@test "clients beyond --max-connections get 421 at once, and are let in when others go" {
    listen --max-connections 2
    client 7
    client 8
    client 9
    grep -q '^421 4.7.0 .* Too many connections' <<<"$greeting"
    grep -q 'limit client=127.0.0.1 limit=max-connections max=2$' background
    [ -z "$(cat <&9)" ]
    exec 7>&-
    eventually admitted 9
}

# admitted FILE-DESCRIPTOR: a client is let in there.
admitted() { client "$1" && grep -q '^220 ' <<<"$greeting"; }

@test "a flood of clients that are not let in does not drown the log" {
    listen --max-connections 1
    client 8
    python3 - "$port" <<'EOF'
import socket, sys
for _ in range(300):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60) as client:
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

@test "a client whose session cannot be started gets 421" {
    port=$(free_port)
    in_background env ASAN_OPTIONS=detect_leaks=0 systemd-socket-activate -E ASAN_OPTIONS -l "127.0.0.1:$port" \
        strace -D -o trace -e trace=clone3,clone,vfork -e inject=clone3,clone,vfork:error=EAGAIN:when=1..9 "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client 9
    grep -q '^421 4.7.0' <<<"$greeting"
    grep -q 'trouble text="starting a session: too many processes (TasksMax= of the unit, or ulimit -u)"' background
}

@test "SIGHUP to all processes of the service ends no session" {
    listen
    client 9
    kill -HUP "$(pgrep -P "$listener")"
    kill -HUP "$listener"
    printf 'QUIT\r\n' >&9
    grep -q '^221' <&9
}

@test "a session that gets SIGTERM before it is ready says 421" {
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

@test "one source may have --max-connections-per-source connections" {
    listen --max-connections-per-source 1
    : >background
    python3 - "$port" <<'EOF'
import socket, sys
def greeting(source):
    global clients
    clients.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=(source, 0), timeout=60))
    return clients[-1].recv(100)[:4]
clients = []
said = [greeting(source) for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3")]
print(said)
assert said == [b"220 ", b"421 ", b"220 ", b"421 ", b"220 "]
EOF
    [ "$(grep -c 'limit client=127.0.0.[12] limit=max-connections-per-source max=[0-9]*$' background)" = 2 ]
}

@test "when three quarters of the connections are taken, clients without AUTH have a tenth of the time" {
    delivery=(sh -c 'until [ -e "$KEPT/go" ]; do sleep 0.02; done; cat >"$KEPT/message"; env >"$KEPT/environment"; ls -l /proc/self/fd >"$KEPT/descriptors"')
    listen --max-connections 8 --command-timeout 60 --data-timeout 60 --xclient 127.0.0.1
    python3 - "$port" "$KEPT" <<'EOF'
import os, socket, sys, time
class Client:
    def __init__(self, *lines):
        self.socket = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=100)
        self.lines = self.socket.makefile("rb")
        assert self.reply() == "220"
        for line in lines:
            self.say(line)
    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()
    def reply(self):
        while (line := self.lines.readline()).decode()[3:4] == "-":
            pass
        self.last = line.decode()
        return self.last[:3]
message = "HELO c", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA"
idle, slow, delivering = Client(*message[:1]), Client(*message), Client(*message)
delivering.socket.sendall(b"x\r\n.\r\n")
time.sleep(4)
assert idle.say("NOOP") == "250"
slow.socket.sendall(b"x\r\n")
users = [Client("EHLO c", f"XCLIENT ADDR=127.0.0.1 LOGIN=alice", "EHLO c") for number in range(5)]
began = time.monotonic()
assert (idle.reply(), slow.reply()) == ("421", "421")
assert "no command came" in idle.last and "too slowly" in slow.last
assert time.monotonic() - began < 45
time.sleep(4)
open(sys.argv[2] + "/go", "w").close()
assert delivering.reply() == "250"
assert delivering.reply() == "421"
assert {user.say("NOOP") for user in users} == {"250"}
EOF
    refute grep -E LEDGER "$KEPT/environment"
    refute grep -i ledger "$KEPT/descriptors"
}

@test "an IPv6 network of 56 bits may have four times as many connections as one of 64, one of 48 bits sixteen times" {
    cat >run <<'EOF'
ip link set lo up
for address in $(seq -f '2001:db8:0:%g01::1' 1 6) $(seq -f '2001:db8:0:%g02::1' 1 6) $(seq -f '2001:db8:0:%g03::1' 1 6) \
    $(seq -f '2001:db8:0:%g04::1' 1 6) $(seq -f '2001:db8:0:%g05::1' 1 6) 2001:db8:1:101::1 10.0.0.1 10.0.0.2; do
    case $address in *:*) ip addr add "$address/128" dev lo nodad ;; *) ip addr add "$address/32" dev lo ;; esac
done
for port in 2525 2526; do
    systemd-socket-activate -l "[::]:$port" "$1" --log none --max-connections-per-source 1 true 2>/dev/null &
    echo $! >>listeners
done
python3 - <<'PYTHON'
import socket, time
clients = []
def said(source, port):
    for attempt in range(400):
        try:
            clients.append(socket.create_connection(("::1" if ":" in source else "127.0.0.1", port), 60, (source, 0)))
            return clients[-1].recv(100)[:3].decode()
        except ConnectionRefusedError:
            time.sleep(0.02)
def network(part, number):
    return f"2001:db8:0:{part}0{number}::1"
assert [said(network(1, number), 2525) for number in range(1, 6)] == ["220"] * 4 + ["421"]
assert {said(network(part, number), 2525) for part in range(2, 5) for number in range(1, 5)} == {"220"}
assert said(network(5, 1), 2525) == "421"
assert said("2001:db8:1:101::1", 2525) == "220"
assert [said(f"10.0.0.{number}", 2526) for number in (1, 2, 1, 2)] == ["220", "220", "421", "421"]
PYTHON
status=$?
kill $(cat listeners)
exit $status
EOF
    unshare -rn sh run "$SMTP_HANDLER"
}

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
    s.settimeout(60)
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

@test "SIGTERM to a listener lets a running delivery end and be answered; idle clients get 421" {
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

@test "SIGHUP makes a listener read its options again; wrong ones are named, and those from before stay" {
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

@test "with a wrong configuration every client gets 421, and the listener goes on" {
    listen --recipients /proc/nowhere
    for _ in 1 2; do
        client 9
        grep -q '^421 4.3.5' <<<"$greeting"
    done
    kill -0 "$listener"
    grep -q 'smtp-handler: option recipients: /proc/nowhere: No such file' background
    echo 'max-size big' >config
    started=("$listener")
    end_started
    listen --config "$PWD/config"
    client 9
    grep -q '^421 4.3.5' <<<"$greeting"
    grep -q "trouble text=.*config:1: option max-size: 'big' is not" background
}

@test "a listener exits after --idle-exit without connections, not while there are some" {
    listen --idle-exit 1
    client 9
    SECONDS=0
    exec 9>&-
    eventually is_gone
    wait "$listener"
    [ "$SECONDS" -ge 1 ]
}

@test "a session that a signal kills is named in the log, and the listener goes on" {
    listen
    client 9
    session=$(pgrep -P "$listener")
    kill -KILL "$session"
    eventually grep -q "trouble text=\"the session with 127.0.0.1, process $session, was ended by signal 9\"" background
    client 9
    grep -q ^220 <<<"$greeting"
}

@test "without free descriptors a listener waits until there are some" {
    port=$(free_port)
    in_background env ASAN_OPTIONS=detect_leaks=0 systemd-socket-activate -E ASAN_OPTIONS -l "127.0.0.1:$port" \
        strace -D -o trace -e trace=accept4 -e inject=accept4:error=EMFILE:when=1..2 "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client 9
    grep -q ^220 <<<"$greeting"
    [ "$(grep -cE 'trouble text="accepting a connection: (Too many open files|No file descriptors available)"' background)" = 2 ]
}

@test "a listener tells the service manager that it is ready, its status, that it lives, reloads and stops" {
    python3 - "$PWD/notify" "$SMTP_HANDLER" <<'EOF'
import os, signal, socket, subprocess, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
notify.settimeout(60)
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
    local listener
    eventually is_listening "$port"
    eventually pgrep -P "${started[-1]}"
    listener=$(pgrep -P "${started[-1]}")
    for _ in 1 2; do send_message; done
    [ "$(kept_count)" = 2 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=127.0.0.1
    kill "$listener"
}

@test "a listener serves the socket of xinetd with wait = yes" {
    port=$(free_port)
    sed -e 's/^ *port .*/port = '"$port"'/' -e 's/^ *user .*/user = '"$(id -un)"'/' -e 's/^ *wait .*/wait = yes/' \
        -e '/instances\|per_source\|cps/d' -e "s|^ *server .*|server = $SMTP_HANDLER|" \
        -e "s|^ *server_args .*|server_args = --domain example.org $commands/with-kept $KEPT $commands/keep|" "$top/units/xinetd.conf" >xinetd.conf
    in_background "$top/build/peers/xinetd/usr/sbin/xinetd" -dontfork -f xinetd.conf -pidfile "$PWD/pid"
    through_superserver
}

@test "a listener serves the socket of inetd with wait" {
    port=$(free_port)
    echo "127.0.0.1:$port stream tcp wait $(id -un) $SMTP_HANDLER smtp-handler --domain example.org $commands/with-kept $KEPT $commands/keep" >inetd.conf
    in_background "$top/build/peers/openbsd-inetd/usr/sbin/inetd" -i inetd.conf
    through_superserver
}

@test "a command cannot look into the memory of the listener, nor of any session" {
    [ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups)
    # shellcheck disable=SC2016 # the command's own
    look='cat >/dev/null; listener=$(ps -o ppid= $PPID)
        for process in $listener $(pgrep -P $listener) $(pgrep -P $(pgrep -d, -P $listener)); do
            [ $process != $$ ] && (exec <"/proc/$process/mem") 2>/dev/null && echo read && exit
        done
        echo nothing of $(pgrep -P $listener | wc -l)'
    port=$(free_port)
    in_background systemd-socket-activate -l "127.0.0.1:$port" "${as[@]}" "$SMTP_HANDLER" --domain example.org --log none sh -c "$look"
    eventually is_listening "$port"
    client 9
    printf 'EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n\r\n.\r\nQUIT\r\n' >said
    curl --silent --max-time 60 "telnet://127.0.0.1:$port" <said >replies || true
    exec 9>&-
    grep -q '^250 2.0.0 nothing of 2' replies
}
