load helper
load peers
load certificates

# HAProxy's PROXY protocol, versions 1 and 2, in front of all that the client says.

# What the clients, in python, have in common.
setup_file() {
    cat >"$BATS_FILE_TMPDIR/client.py" <<'EOF'
import socket, struct, sys

def header(command, family, addresses, length=None):
    preamble = struct.pack(">BBH", command, family, len(addresses) if length is None else length)
    return b"\r\n\r\n\0\r\nQUIT\n" + preamble + addresses

def ends(family, source, destination, source_port, destination_port):
    return socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack(">HH", source_port, destination_port)

FOUR = ends(socket.AF_INET, "203.0.113.5", "198.51.100.25", 1025, 2525)
SIX = ends(socket.AF_INET6, "2001:db8::5", "2001:db8::25", 1025, 25)
V1 = b"PROXY TCP4 203.0.113.5 198.51.100.25 1025 2525\r\n"
V2 = header(0x21, 0x11, FOUR)
TLVS = b"\x01\x00\x02h2" + b"\x04\x00\x03\0\0\0" + b"\xee\xff\xff" # the last is cut off

# Its recipient is a literal of our own end.
def mail(us):
    return b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@[%s]>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n" % us

MAIL = mail(b"198.51.100.25")
ALL = ["220", "250", "250", "250", "354", "250", "221"]

def connect():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s

def rest(s):
    said = b""
    try:
        while octets := s.recv(65536):
            said += octets
    except ConnectionResetError:
        pass
    return said

def replies(octets, finish=True):
    s = connect()
    s.sendall(octets)
    if finish:
        s.shutdown(socket.SHUT_WR)
    return [line[:3].decode() for line in rest(s).split(b"\r\n")[:-1] if line[3:4] == b" "]
EOF
}

# client ARGUMENT...: runs standard input behind that.
client() {
    cat "$BATS_FILE_TMPDIR/client.py" - >script.py
    python3 script.py "$port" "$@"
}

known_of() {
    kept_environment "$1" | grep -E '^CLIENT_(ADDRESS|PORT|HOSTNAME)=' | sort
}

@test "version 1 names the client, and the client's octets behind the header are not lost" {
    start_handler --proxy-protocol
    client <<'EOF'
assert replies(V1 + MAIL) == ALL
assert replies(b"PROXY TCP6 2001:DB8::5 2001:db8::25 0 65535\r\n" + mail(b"IPv6:2001:db8::25")) == ALL
assert replies(b"PROXY TCP6 ::ffff:203.0.113.6 ::ffff:198.51.100.25 1026 25\r\n" + MAIL) == ALL
EOF
    known_of 1 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HOSTNAME=unknown PORT=1025)
    kept 1 | grep -qF 'Received: from c ([203.0.113.5])'
    known_of 2 | diff - <(printf 'CLIENT_%s\n' ADDRESS=2001:db8::5 HOSTNAME=unknown PORT=unknown)
    known_of 3 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.6 HOSTNAME=unknown PORT=1026)
    grep -q 'message result=accepted .*client=203.0.113.5 helo' background
    eventually grep -q 'connection client=203.0.113.5 proxy=127.0.0.1' background
}

@test "version 2 names the client, and its TLVs are skipped" {
    start_handler --proxy-protocol
    client <<'EOF'
assert replies(V2 + MAIL) == ALL
assert replies(header(0x21, 0x21, SIX + TLVS) + mail(b"IPv6:2001:db8::25")) == ALL
mapped = ends(socket.AF_INET6, "::ffff:203.0.113.6", "::ffff:198.51.100.25", 1026, 25)
assert replies(header(0x21, 0x21, mapped) + MAIL) == ALL
assert replies(header(0x21, 0x11, FOUR + b"QUIT\r\n" * 680 + b"QUIT") + MAIL) == ALL # 4096 octets
EOF
    known_of 1 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HOSTNAME=unknown PORT=1025)
    known_of 2 | diff - <(printf 'CLIENT_%s\n' ADDRESS=2001:db8::5 HOSTNAME=unknown PORT=1025)
    known_of 3 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.6 HOSTNAME=unknown PORT=1026)
    known_of 4 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HOSTNAME=unknown PORT=1025)
}

@test "UNKNOWN, LOCAL and other address families leave the connection's own endpoints" {
    start_handler --proxy-protocol
    client <<'EOF'
unix = b"/run/client".ljust(108, b"\0") + b"/run/us".ljust(108, b"\0")
for octets in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 whatever 65536 \0\r\n", b"PROXY UNKNOWN ".ljust(105, b"x") + b"\r\n",
               header(0x20, 0x00, b""), header(0x20, 0x11, FOUR), header(0x20, 0xff, TLVS), header(0x21, 0x00, b""),
               header(0x21, 0x00, TLVS), header(0x21, 0x31, unix), header(0x21, 0x32, unix + TLVS)):
    assert replies(octets + mail(b"127.0.0.1")) == ALL, octets
EOF
    [ "$(kept_count)" = 10 ]
    for i in $(seq 10); do
        known_of "$i" | grep -qx CLIENT_ADDRESS=127.0.0.1
        known_of "$i" | refute grep -qx CLIENT_PORT=unknown
    done
    eventually sh -c '[ "$(grep -c "connection client=127.0.0.1 .*accepted=1" background)" = 10 ]'
    refute grep proxy= background
}

@test "a connection without a valid PROXY header is closed without a reply, and logged" {
    start_handler --proxy-protocol
    client <<'EOF' >expected
bad = {
    "no PROXY header": (
        b"EHLO c\r\n", b"\x16\x03\x01\x02\0", b"PROX\r\n", b"proxy TCP4 203.0.113.5 198.51.100.25 1 2\r\n", b"\n",
        b"PROXY\tTCP4 203.0.113.5 198.51.100.25 1 2\r\n", b"\r\nPROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\r\n", b"\r\n\r\n\r\n"),
    "neither TCP4, TCP6 nor UNKNOWN": (
        b"PROXY \r\n", b"PROXY TCP\r\n", b"PROXY tcp4 203.0.113.5 198.51.100.25 1 2\r\n", b"PROXY UNKNOWNS\r\n",
        b"PROXY  TCP4 203.0.113.5 198.51.100.25 1 2\r\n", b"PROXY UDP4 203.0.113.5 198.51.100.25 1 2\r\n"),
    "no address of the family": (
        b"PROXY TCP4\r\n", b"PROXY TCP4 203.0.113.5\r\n", b"PROXY TCP4  203.0.113.5 198.51.100.25 1 2\r\n",
        b"PROXY TCP4 203.0.113.256 198.51.100.25 1 2\r\n", b"PROXY TCP4 203.0.113.05 198.51.100.25 1 2\r\n",
        b"PROXY TCP4 203.0.113 198.51.100.25 1 2\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25x 1 2\r\n",
        b"PROXY TCP4 203.0.113.5 " + b"1" * 60 + b" 1 2\r\n", b"PROXY TCP4 2001:db8::5 2001:db8::25 1 2\r\n",
        b"PROXY TCP4 203.0.113.5\0 198.51.100.25 1 2\r\n", b"PROXY TCP6 203.0.113.5 198.51.100.25 1 2\r\n",
        b"PROXY TCP6 2001:db8::5 2001::db8::25 1 2\r\n", b"PROXY TCP6 [::1] ::1 1 2\r\n", b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n"),
    "no port, or more than two": (
        b"PROXY TCP4 203.0.113.5 198.51.100.25\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25 1\r\n",
        b"PROXY TCP4 203.0.113.5 198.51.100.25 1 \r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25 1 65536\r\n",
        b"PROXY TCP4 203.0.113.5 198.51.100.25 01 2\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25 -1 2\r\n",
        b"PROXY TCP4 203.0.113.5 198.51.100.25 1 2 3\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25 1 2 \r\n",
        b"PROXY TCP4 203.0.113.5 198.51.100.25 1  2\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.25 1 000002\r\n"),
    "a line that does not end with CR LF": (b"PROXY TCP4 203.0.113.5 198.51.100.25 1 2\n", b"PROXY UNKNOWN\n\r\n"),
    "a carriage return within the line": (b"PROXY UNKNOWN\r \r\n", b"PROXY UNKNOWN\r\r\n"),
    "a line longer than 107 octets": (
        b"PROXY UNKNOWN ".ljust(106, b"x") + b"\r\n", b"PROXY UNKNOWN ".ljust(107, b"x"), b"PROXY UNKNOWN ".ljust(4096, b"x")),
    "a version or command that is not known": (
        header(0x11, 0x11, FOUR), header(0x31, 0x11, FOUR), header(0x22, 0x11, FOUR), header(0x2f, 0x11, FOUR), header(0x01, 0x11, FOUR)),
    "an address family or transport that is not known": (
        header(0x21, 0x10, FOUR), header(0x21, 0x12, FOUR), header(0x21, 0x22, SIX), header(0x21, 0x41, SIX), header(0x21, 0x01, FOUR),
        header(0x21, 0x13, FOUR)),
    "too short for the addresses": (
        header(0x21, 0x11, FOUR[:-1]), header(0x21, 0x11, b""), header(0x21, 0x21, FOUR + TLVS), header(0x21, 0x21, SIX[:-1])),
    "addresses and TLVs of more than 4096 octets": (header(0x21, 0x11, FOUR, 4097), header(0x20, 0x00, b"", 65535)),
}
for text in bad:
    for octets in bad[text]:
        assert replies(octets, finish=False) == [], octets
        print("wrong PROXY header: " + text)
for octets in (V1[:-1], V1[:6], V2[:-1], V2[:13], b"P", b"\r"):
    assert replies(octets) == []
    print("no PROXY header: it broke off")
assert replies(b"") == []
print("nothing came\nnothing came") # as when is_listening looked
EOF
    sed -n 's/^smtp-handler: proxy client=127.0.0.1 text="\(.*\)"$/\1/p' background | sort | diff - <(sort expected)
    refute grep -v ': proxy ' background
    [ "$(kept_count)" = 0 ]
}

@test "with --proxy-networks a client outside of them is closed without a reply, and logged" {
    start_handler --proxy-protocol --proxy-networks 127.0.0.2,2001:db8::/32 --proxy-networks 127.0.1.0/24
    client <<'EOF'
for source, served in ("127.0.0.1", False), ("127.0.0.2", True), ("127.0.0.3", False), ("127.0.1.77", True), ("127.0.2.1", False):
    for octets in (V1 + MAIL, V2 + MAIL, b"PROXY UNKNOWN\r\n" + mail(b"127.0.0.1"), header(0x20, 0, b"") + mail(b"127.0.0.1")):
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30, (source, 0))
        try:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass # it was closed
        said = rest(s)
        assert said.startswith(b"220 ") and b"\r\n221 " in said if served else said == b"", (source, octets, said)
EOF
    [ "$(kept_count)" = 8 ]
    grep ': proxy ' background | sort | uniq -c | sed 's/^ *//' >log
    # One more of 127.0.0.1 is the connection of is_listening.
    diff log - <<'EOF'
5 smtp-handler: proxy client=127.0.0.1 text="it is in none of the proxy-networks"
4 smtp-handler: proxy client=127.0.0.3 text="it is in none of the proxy-networks"
4 smtp-handler: proxy client=127.0.2.1 text="it is in none of the proxy-networks"
EOF
    eventually grep -q 'connection client=203.0.113.5 proxy=127.0.1.77' background
}

@test "a client that the PROXY header names need not be in --proxy-networks, and may send XCLIENT" {
    start_handler --proxy-protocol --proxy-networks 127.0.0.1 --xclient 203.0.113.5
    client <<'EOF'
assert replies(V1 + b"XCLIENT ADDR=203.0.113.99\r\n" + MAIL) == ["220"] + ALL
EOF
    known_of 1 | grep -qx CLIENT_ADDRESS=203.0.113.99
}

@test "a proxy on a Unix socket, which has no address, may always send the header" {
    python3 - "$SMTP_HANDLER" <<'EOF'
import socket, subprocess, sys
def run(*pair):
    theirs, ours = socket.socketpair(*pair)
    process = subprocess.Popen([sys.argv[1], "--log", "none", "--proxy-protocol", "--proxy-networks", "192.0.2.1", "true"], stdin=ours, stdout=ours)
    ours.close()
    theirs.sendall(b"PROXY TCP4 203.0.113.5 198.51.100.25 1 2\r\nQUIT\r\n")
    said = theirs.makefile("rb").read()
    assert process.wait() == 0
    return said
assert run(socket.AF_UNIX).startswith(b"220 ")
EOF
    # Unless the superserver has given an address.
    printf 'PROXY TCP4 203.0.113.5 198.51.100.25 1 2\r\nQUIT\r\n' >header
    [ -z "$(PROTO=TCP TCPREMOTEIP=192.0.2.2 over_unix --proxy-networks 192.0.2.1)" ]
    PROTO=TCP TCPREMOTEIP=192.0.2.1 over_unix --proxy-networks 192.0.2.1 | grep -q '^220 '
}
# over_unix OPTION...: the replies to the file `header`, over a pair of Unix sockets.
over_unix() {
    python3 -c '
import socket, subprocess, sys
theirs, ours = socket.socketpair()
process = subprocess.Popen(sys.argv[1:], stdin=ours, stdout=ours)
ours.close()
try:
    theirs.sendall(open("header", "rb").read())
    sys.stdout.buffer.write(theirs.makefile("rb").read())
except (BrokenPipeError, ConnectionResetError):
    pass
' "$SMTP_HANDLER" --log none --proxy-protocol "$@" true
}

@test "no frontend is started for a client that may not send the header" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=recvfrom,fork,vfork,clone,clone3 \
        "$SMTP_HANDLER" --log none --proxy-protocol --proxy-networks 192.0.2.1 true
    eventually is_listening "$port"
    client <<'EOF'
s = connect()
assert rest(s) == b""
EOF
    eventually grep -q exited trace
    refute grep -E 'recvfrom|fork|clone' trace
}

@test "--check warns if anybody may send the header, the more so with --xclient" {
    warned() { "$SMTP_HANDLER" --check "$@" true 2>warning </dev/null >said; }
    warned --proxy-protocol
    [ "$(tail -1 said)" = ok ]
    [ "$(cat warning)" = 'smtp-handler: warning: proxy-protocol without proxy-networks: anyone who reaches the port may be any client; see smtp-handler.conf(5), PROXIES' ]
    warned --proxy-protocol --xclient 192.0.2.1
    [ "$(tail -1 said)" = ok ]
    grep -q '^smtp-handler: warning: proxy-protocol beside xclient, without proxy-networks: .* any user without a password; see smtp-handler.conf(5), PROXIES$' warning
    warned --proxy-protocol --proxy-networks 192.0.2.1 --xclient 192.0.2.1
    warned --xclient 192.0.2.1
    [ ! -s warning ]
    warned --proxy-networks 192.0.2.1
    [ "$(cat warning)" = 'smtp-handler: warning: proxy-networks without proxy-protocol: no header is read; see smtp-handler.conf(5), PROXIES' ]
}

@test "the whole PROXY header must arrive within 5 seconds" {
    start_handler --proxy-protocol
    client <<'EOF'
import threading, time
def trickle(octets, gap):
    began = time.monotonic()
    s = connect()
    s.settimeout(gap)
    for octet in octets:
        s.sendall(bytes([octet]))
        try:
            assert s.recv(1) == b"", "it spoke"
            break
        except TimeoutError:
            pass
        except ConnectionResetError:
            break
    taken.append(time.monotonic() - began)
taken = []
threads = [threading.Thread(target=trickle, args=args) for args in ((b"P", 60), (V1, 0.4), (V2, 0.4))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(taken)
assert len(taken) == 3 and all(4.5 < seconds < 50 for seconds in taken)
EOF
    [ "$(grep -c 'proxy client=127.0.0.1 text="no whole PROXY header in time"' background)" = 3 ]
}

@test "a PROXY header in two pieces is the same, wherever it is cut" {
    port=0
    client "$SMTP_HANDLER" <<'EOF'
import array, fcntl, subprocess, termios, time
listener = socket.create_server(("127.0.0.1", 0))
sys.argv[1] = listener.getsockname()[1]
def unread(s):
    count = array.array("i", [0])
    fcntl.ioctl(s, termios.FIONREAD, count)
    return count[0]
def run(pieces):
    client = connect()
    server = listener.accept()[0]
    process = subprocess.Popen([sys.argv[2], "--log", "none", "--proxy-protocol", "true"], stdin=server, stdout=server)
    for piece in pieces:
        client.sendall(piece)
        while process.poll() is None and unread(server) > 0: # it takes what it has, and no more can come
            time.sleep(0.001)
    client.shutdown(socket.SHUT_WR)
    said = rest(client)
    assert process.wait() == 0
    return said
whole = run([V1 + b"NOOP\r\nQUIT\r\n"])
assert whole.startswith(b"220 ") and whole.count(b"\r\n") == 3
for octets in (V1, header(0x21, 0x11, FOUR + TLVS)):
    for cut in range(1, len(octets)):
        assert run([octets[:cut], octets[cut:] + b"NOOP\r\nQUIT\r\n"]) == whole, cut
    assert run([bytes([octet]) for octet in octets + b"NOOP\r\nQUIT\r\n"]) == whole
EOF
}

@test "no octet behind the PROXY header is read with it" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=recvfrom \
        "$SMTP_HANDLER" --log none --proxy-protocol true
    eventually is_listening "$port"
    eventually grep -q exited trace # that was only whether it listens
    client <<'EOF'
assert replies(V2 + b"QUIT\r\n") == ["220", "221"]
EOF
    grep recvfrom trace | grep -v PEEK | head -1 | grep -q ', 28, MSG_DONTWAIT, NULL, NULL) *= 28$'
}

@test "TLS from the first octet on comes behind the PROXY header" {
    self_signed mx mx.test
    start_handler --proxy-protocol --tls implicit --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key"
    client <<'EOF'
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def attempt(act):
    try:
        return act()
    except ssl.SSLWantReadError:
        return None
for octets in (V1, V2):
    s = connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    attempt(tls.do_handshake)
    s.sendall(octets + outgoing.read()) # in one piece
    while not tls.version():
        incoming.write(s.recv(65536))
        attempt(tls.do_handshake)
        s.sendall(outgoing.read())
    said = b""
    tls.write(MAIL)
    s.sendall(outgoing.read())
    while b"\r\n221 " not in said:
        if octets := attempt(lambda: tls.read(65536)):
            said += octets
        else:
            incoming.write(s.recv(65536))
    assert said.count(b"\r\n250 ") == 4, said
s = connect()
s.sendall(b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3")
assert rest(s) == b""
EOF
    known_of 1 | diff - <(printf 'CLIENT_%s\n' ADDRESS=203.0.113.5 HOSTNAME=unknown PORT=1025)
    kept_environment 2 | grep -qx CLIENT_PROTOCOL=ESMTPS
    grep -q 'proxy client=127.0.0.1 text="wrong PROXY header: no PROXY header"' background
}

@test "a listener of our own accepts the PROXY header" {
    port=$(free_port)
    in_background systemd-socket-activate -E KEPT -E PATH -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org --log stderr \
        --proxy-protocol "${delivery[@]}"
    eventually is_listening "$port"
    client <<'EOF'
assert replies(V2 + MAIL) == ALL
EOF
    known_of 1 | grep -qx CLIENT_ADDRESS=203.0.113.5
}

@test "the proxy's host name is not given to the client" {
    export TCPREMOTEHOST=proxy.test
    port=$(free_port)
    in_background systemd-socket-activate -E KEPT -E PATH -E PROTO=TCP -E TCPREMOTEHOST -l "127.0.0.1:$port" -a --inetd "$SMTP_HANDLER" \
        --domain example.org --proxy-protocol "${delivery[@]}"
    eventually is_listening "$port"
    client <<'EOF'
assert replies(V1 + MAIL) == ALL
assert replies(b"PROXY UNKNOWN\r\n" + mail(b"127.0.0.1")) == ALL
EOF
    known_of 1 | grep -qx CLIENT_HOSTNAME=unknown
    known_of 2 | grep -qx CLIENT_HOSTNAME=proxy.test
}

@test "without --proxy-protocol a PROXY header is a bad command" {
    printf '%s\r\n' 'PROXY TCP4 203.0.113.5 198.51.100.25 1025 2525' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA . | handler | from_wire >said
    sed -n 2p said | grep -q '^500 5.5.2'
    known_of 1 | grep -qx CLIENT_ADDRESS=unknown
}

@test "XCLIENT is for the client that the PROXY header names, not for the proxy" {
    start_handler --proxy-protocol --xclient 203.0.113.5
    client <<'EOF'
assert replies(V1 + b"XCLIENT ADDR=203.0.113.99\r\n" + MAIL) == ["220"] + ALL
assert replies(b"PROXY TCP4 203.0.113.6 198.51.100.25 1 2\r\nXCLIENT ADDR=203.0.113.99\r\n") == ["220", "550"]
assert replies(b"PROXY UNKNOWN\r\nXCLIENT ADDR=203.0.113.99\r\n") == ["220", "550"]
EOF
    known_of 1 | grep -qx CLIENT_ADDRESS=203.0.113.99
    eventually grep -q 'connection client=203.0.113.99 proxy=127.0.0.1' background
}

@test "SIGTERM ends the wait for the PROXY header" {
    start_handler --proxy-protocol
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'PROXY' >&9
    eventually pgrep -P "${started[-1]}"
    eventually pkill -TERM -P "${started[-1]}"
    [ -z "$(cat <&9)" ]
    refute grep 'in time' background
}

@test "--proxy-protocol needs a socket" {
    printf 'HELO c\r\n' | refute handler --proxy-protocol >replies
    from_wire <replies | grep -qx '421 4.3.5 mx.test Service not available, local configuration error'
    grep -qx 'smtp-handler: the PROXY protocol needs a socket to the client; see smtp-handler.conf(5), PROXIES' log
    # Whether there will be one is not for --check to know.
    "$SMTP_HANDLER" --proxy-protocol --check true <log | grep -qx ok
}
