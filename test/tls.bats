load helper
load peers
load tls

# STARTTLS and implicit TLS with real clients, over loopback.

setup_file() {
    (make_certificates >"$BATS_FILE_TMPDIR/made" 2>&1)
}

# message_comes OPTION...: s_client delivers a message with these.
message_comes() {
    one_message | (
        cat
        eventually test -e "$KEPT/1.message"
    ) | s_client "$@" >said
}

@test "mail comes over TLS 1.3 and 1.2, with keys of elliptic curves and of RSA" {
    local name version
    for name in mx rsa; do
        mapfile -t pairs < <(pair "$name")
        serve "${pairs[@]}"
        for version in 1_3 1_2; do
            rm -f "$KEPT"/*
            message_comes "-tls$version"
            [ "$(kept_count)" = 1 ]
            kept_environment 1 | grep -qx "TLS_PROTOCOL=TLSv${version/_/.}"
        done
    done
    eventually no_relay_is_left
}

@test "TLS 1.1 and older is refused" {
    serve
    for version in 1 1_1; do
        refute s_client "-tls$version" -cipher ALL:@SECLEVEL=0 </dev/null
    done
    eventually grep -q 'handshake client=' background
}

@test "what was agreed reaches the command, the trace header and the log" {
    serve
    client <<'END'
client = Client(port)
client.starttls()
client.expect("250", "NOOP")
assert client.send_message().startswith("250"), client
client.expect("221", "QUIT")
END
    kept_environment 1 | grep -qx TLS_PROTOCOL=TLSv1.3
    kept_environment 1 | grep -qE '^TLS_CIPHER=TLS_'
    kept_environment 1 | grep -qx TLS_SERVER_NAME=mx.test
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=ESMTPS
    kept_environment 1 | refute grep -q ^TLS_CLIENT_
    kept 1 | grep -q 'with ESMTPS'
    eventually grep -q 'message result=accepted .* tls=TLSv1.3 ' background
    eventually grep -q 'connection .* tls=TLSv1.3 .*ended=quit' background
}

send_by_curl() {
    printf 'Subject: test\r\n\r\nbody\r\n' |
        curl --silent --show-error --cacert "$certificates/mx.crt" --resolve "mx.test:$port:127.0.0.1" \
            --mail-from sender@example.net --mail-rcpt user@example.org --upload-file - "$@"
}

send_by_swaks() {
    swaks --silent --server "127.0.0.1:$port" --helo client.test --from sender@example.net \
        --to user@example.org "$@"
}

@test "curl and swaks send over STARTTLS" {
    serve
    send_by_curl --ssl-reqd --url "smtp://mx.test:$port/client.test"
    send_by_swaks --tls
    [ "$(kept_count)" = 2 ]
    for number in 1 2; do kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPS; done
}

@test "curl and swaks send over TLS that comes before the greeting" {
    serve --tls implicit
    send_by_curl --url "smtps://mx.test:$port/client.test"
    send_by_swaks --tls-on-connect
    [ "$(kept_count)" = 2 ]
    for number in 1 2; do kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPS; done
    client <<'END'
client = Client(port, implicit=True)
assert client.greeting == "220 mx.test ESMTP smtp-handler", client.greeting
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("502", "STARTTLS")
END
}

# certificate_for NAME: the subject of the certificate that a client gets who names it, none where empty.
certificate_for() {
    if [ -n "$1" ]; then set -- -servername "$1"; else set -- -noservername; fi
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp "$@" </dev/null 2>/dev/null |
        openssl x509 -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p'
}

@test "the server's name that a client gives picks the certificate, the first is for all others" {
    mapfile -t pairs < <(pair mx && pair other)
    serve "${pairs[@]}"
    [ "$(certificate_for mx.test)" = mx.test ]
    [ "$(certificate_for other.test)" = other.test ]
    [ "$(certificate_for third.test)" = mx.test ]
    [ "$(certificate_for '')" = mx.test ]
}

@test "a certificate that was renewed serves the next connection" {
    cp "$certificates"/{mx,other}.{crt,key} .
    serve --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key"
    [ "$(certificate_for '')" = mx.test ]
    mv other.crt mx.crt
    mv other.key mx.key
    [ "$(certificate_for '')" = other.test ]
}

@test "a client's certificate that was vouched for reaches the command" {
    serve --tls-client-ca "$certificates/ca.crt"
    client "$certificates" <<'END'
context = anyone()
context.load_cert_chain(arguments[0] + "/client.crt", arguments[0] + "/client.key")
for context in (context, None):
    client = Client(port, context=context)
    client.starttls()
    assert client.send_message().startswith("250")
    client.expect("221", "QUIT")
END
    kept_environment 1 | grep -qx 'TLS_CLIENT_SUBJECT=.*CN=client.test'
    hash=$(openssl x509 -in "$certificates/client.crt" -outform DER | sha256sum | cut -d' ' -f1)
    kept_environment 1 | grep -qix "TLS_CLIENT_HASH=SHA256:$hash"
    kept_environment 2 | refute grep -q '^TLS_CLIENT_'
    kept_environment 2 | grep -qx CLIENT_PROTOCOL=ESMTPS
}

@test "variables about TLS that we are started with do not reach the command" {
    export TLS_PROTOCOL=TLSv1.3 TLS_CLIENT_SUBJECT=/CN=boss SASL_USERNAME=boss
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
assert client.send_message().startswith("250")
END
    kept_environment 1 | refute grep -qE '^(TLS_|SASL_)'
}

# check OPTION...: what --check says.
check() {
    run "$SMTP_HANDLER" "$@" --check true
    echo "$output"
}

# each_unfit FUNCTION: calls it with the options for each pair that does not serve, and what is said of it.
each_unfit() {
    cat "$certificates/mx.key" "$certificates/ca.key" >nonsense.crt
    "$1" "$PWD/missing.crt" "$certificates/mx.key" "missing.crt: No such file or directory"
    "$1" "$certificates/mx.crt" "$PWD/missing.key" "missing.key: No such file or directory"
    "$1" "$PWD/nonsense.crt" "$certificates/mx.key" "nonsense.crt: no certificate"
    "$1" "$certificates/expired.crt" "$certificates/expired.key" "expired.crt: expired"
    "$1" "$certificates/early.crt" "$certificates/early.key" "early.crt: not valid yet"
    "$1" "$certificates/mx.crt" "$certificates/other.key" "other.key is not the key of .*mx.crt"
}

is_named_by_check() {
    check --tls-cert "$1" --tls-key "$2"
    [ "$status" = 78 ]
    grep -q "$3" <<<"$output"
    [ "${#lines[@]}" = 1 ]
}

@test "--check names a certificate or key that is missing, expired, or not its partner's" {
    each_unfit is_named_by_check
    mapfile -t pairs < <(pair mx && pair other)
    check "${pairs[@]}"
    [ "$status" = 0 ]
    [ "$output" = ok ]
    check --tls starttls
    [ "$status" = 78 ]
    check "${pairs[@]}" --tls-client-ca missing.crt
    [ "$status" = 78 ]
    grep -q 'missing.crt' <<<"$output"
}

@test "--check names the second pair where that is the unfit one" {
    mapfile -t pairs < <(pair mx)
    check "${pairs[@]}" --tls-cert "$certificates/other.crt" --tls-key "$certificates/rsa.key"
    [ "$status" = 78 ]
    grep -q "rsa.key is not the key of .*/other.crt$" <<<"$output"
}

@test "a certificate that its user may not read is named" {
    [ "$(id -u)" = 0 ] || skip "root alone can become another user"
    cp "$certificates/mx.crt" mx.crt
    cp "$certificates/mx.key" mx.key
    chmod 644 mx.crt
    chmod 600 mx.key
    chmod 711 "$BATS_RUN_TMPDIR"
    run setpriv --reuid nobody --clear-groups env ASAN_OPTIONS=detect_leaks=0 \
        "$SMTP_HANDLER" --spool /tmp --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key" --check true
    echo "$output"
    [ "$status" = 78 ]
    grep -q 'mx.key: Permission denied' <<<"$output"
}

is_not_offered() {
    serve --tls-cert "$1" --tls-key "$2"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    eventually grep -q "$3" background
    eventually no_relay_is_left
}

@test "with a certificate or key that is unfit STARTTLS is not offered, and the log says why" {
    each_unfit is_not_offered
}

@test "with --tls required and no fit certificate mail is deferred" {
    serve --tls required --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
client.expect("454 4.7.0 ", "MAIL FROM:<sender@example.net>")
END
}

@test "with --tls required mail in clear is refused, mail over TLS is not" {
    serve --tls required
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("530 5.7.0 ", "MAIL FROM:<sender@example.net>")
client.starttls()
assert client.send_message().startswith("250")
client = Client(port)
client.expect("250", "HELO client.test")
client.expect("530 5.7.0 ", "MAIL FROM:<sender@example.net>")
END
}

@test "octets in clear behind STARTTLS end the connection, and nothing of them is run" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.send(b"STARTTLS\r\nEHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nbody\r\n.\r\n")
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
END
    [ "$(kept_count)" = 0 ]
    eventually no_relay_is_left
}

@test "octets in clear that come behind the reply to STARTTLS end the connection" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
client.send(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\n")
rest = client.wait_for_end()
assert b"250" not in rest, rest
END
    eventually grep -q 'handshake client=' background
    eventually no_relay_is_left
}

@test "behind the handshake nothing said before counts, and STARTTLS is over" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("250", "MAIL FROM:<early@example.net>")
client.expect("503", "STARTTLS")
client.expect("250", "RSET")
client.expect("220", "STARTTLS")
client.shake_hands()
client.expect("503", "MAIL FROM:<sender@example.net>")
client.expect("503", "STARTTLS")
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("503", "STARTTLS")
client.expect("503", "RCPT TO:<user@example.org>")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    kept_environment 1 | grep -qx SENDER=sender@example.net
}

@test "STARTTLS is offered in a session that has delivered a message" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test")
assert client.send_message().startswith("250")
client.starttls()
assert client.send_message().startswith("250")
END
    [ "$(kept_count)" = 2 ]
}

@test "a handshake that fails ends the connection, and the next is served" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
client.send(b"\x16\x03\x01" + bytes(500))
client.wait_for_end()
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
client.socket.shutdown(socket.SHUT_WR)
client.wait_for_end()
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
END
    [ "$(kept_count)" = 1 ]
    eventually grep -q 'handshake client=127.0.0.1 text=' background
    [ "$(grep -c 'handshake client=127.0.0.1 text=' background)" = 2 ]
    eventually no_relay_is_left
}

# implicit_status OPTION...: what the handler exits with for a client that ends at once.
implicit_status() {
    local status=0
    python3 - "$SMTP_HANDLER" --log stderr --tls implicit "$@" true 2>log <<'END' || status=$?
import socket, subprocess, sys
ours, its = socket.socketpair()
handler = subprocess.Popen(sys.argv[1:], stdin=its, stdout=its)
its.close()
ours.shutdown(socket.SHUT_WR)
assert ours.recv(1000) == b""
sys.exit(handler.wait())
END
    echo "$status"
}

@test "where TLS must come first a bad pair is our trouble, a bad handshake the client's" {
    [ "$(implicit_status --tls-cert "$certificates/expired.crt" --tls-key "$certificates/expired.key")" = 78 ]
    grep -q 'trouble text=".*/expired.crt: expired"' log
    [ "$(implicit_status --tls-cert "$certificates/mx.crt" --tls-key "$certificates/mx.key")" = 0 ]
    grep -q 'handshake text="the client left"' log
}

@test "a handshake that fails before the greeting ends the connection" {
    serve --tls implicit
    client <<'END'
client = socket.create_connection(("127.0.0.1", port))
client.sendall(b"EHLO client.test\r\n")
read_to_end(client)
END
    eventually grep -q 'handshake client=127.0.0.1 text=' background
    eventually no_relay_is_left
}

@test "a client that does not shake hands is cut off when the time for a command is over" {
    for how in starttls implicit; do
        serve --command-timeout 1 --tls "$how"
        client "$how" <<'END'
client = socket.create_connection(("127.0.0.1", port), timeout=20)
if arguments[0] == "starttls":
    client.sendall(b"EHLO client.test\r\nSTARTTLS")
    client.recv(1000)
    client.sendall(b"\r\n")
read_to_end(client)
END
        eventually grep -q 'handshake client=127.0.0.1 text=.*timed out' background
        eventually no_relay_is_left
        : >background
    done
}

@test "where the relay is killed within a message nothing is delivered and the session ends" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.starttls()
client.begin_message()
client.send(b"Subject: half\r\n\r\nof a message\r\n")
its_relay = relay()
os.kill(its_relay, signal.SIGKILL)
assert client.wait_for_end() == b""
END
    eventually grep -q 'message result=broken-off ' background
    eventually grep -q 'connection .*ended=' background
    [ "$(kept_count)" = 0 ]
}

@test "where the handler is killed the relay ends, and the client sees the end" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.starttls()
client.begin_message()
os.kill(parent_of(relay()), signal.SIGKILL)
assert client.is_over()
END
    eventually no_relay_is_left
    [ "$(kept_count)" = 0 ]
}

@test "where the handler is killed the relay does not wait for a client that reads nothing" {
    serve
    client <<'END'
import os, signal, time
def status(process):
    try:
        text = open("/proc/%d/status" % process).read()
    except FileNotFoundError:
        return ""
    return "zombie" if "Z (zombie)" in text else text[text.index("voluntary"):]
client = Client(port)
client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.starttls()
its_relay = relay()
client.send(b"EHLO c\r\n" * 40000)
switches = [status(its_relay)]
while switches.count(switches[-1]) < 20:
    time.sleep(0.05)
    switches.append(status(its_relay))
os.kill(parent_of(its_relay), signal.SIGKILL)
until = time.monotonic() + 10
while status(its_relay) not in ("", "zombie"):
    assert time.monotonic() < until, "the relay is still there"
    time.sleep(0.05)
END
    eventually no_relay_is_left
    [ "$(kept_count)" = 0 ]
}

@test "where the handler is killed within the handshake the relay ends" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
os.kill(parent_of(relay()), signal.SIGKILL)
assert client.socket.recv(1000) == b""
END
    eventually no_relay_is_left
}

@test "where the handler is killed a client that goes on in pieces of records does not keep the relay" {
    serve
    client <<'END'
import os, signal, time
client = Client(port)
client.starttls()
its_relay = relay()
os.kill(parent_of(its_relay), signal.SIGKILL)
raw = socket.socket(fileno=os.dup(client.socket.fileno()))
octets = b"\x17\x03\x03\x40\x00" + bytes(100)
for octet in octets:
    try:
        raw.sendall(bytes([octet]))
    except OSError:
        break
    time.sleep(0.2)
else:
    sys.exit("the relay is still there")
END
}

@test "SIGTERM to handler and relay lets the client hear that it is over" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.starttls()
its_relay = relay()
handler = parent_of(its_relay)
for process in (its_relay, handler):
    os.kill(process, signal.SIGTERM)
assert client.reply().startswith("421 4.3.2 ")
assert client.is_over()
END
    eventually no_relay_is_left
}

@test "we say close_notify, and wait for the client's" {
    serve
    client <<'END'
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    client = Client(port, context=anyone(maximum_version=version))
    client.starttls()
    client.expect("221", "QUIT")
    client.socket.unwrap().close()
END
    eventually no_relay_is_left
}

@test "a client that has ended its side, before QUIT or behind it, gets all replies" {
    serve
    client <<'END'
import threading
class Half:
    """A client over TLS that can end its side alone, which ssl.SSLSocket cannot."""
    def __init__(self):
        plain = Client(port)
        plain.expect("250", "EHLO client.test")
        plain.expect("220", "STARTTLS")
        self.socket = plain.socket
        self.come, self.go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = anyone().wrap_bio(self.come, self.go, server_hostname="mx.test")
        self.run(self.tls.do_handshake)
    def flush(self):
        octets = self.go.read()
        if octets:
            self.socket.sendall(octets)
    def run(self, function, *arguments):
        while True:
            try:
                result = function(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                octets = self.socket.recv(65536)
                if octets:
                    self.come.write(octets)
                else:
                    self.come.write_eof()
    def end(self, close_notify):
        if close_notify:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            self.flush()
        self.socket.shutdown(socket.SHUT_WR)
    def read(self):
        octets = b""
        while True:
            try:
                more = self.run(self.tls.read, 65536)
            except ssl.SSLZeroReturnError: # both sides said close_notify
                return octets
            if not more:
                return octets
            octets += more
mail = (b"EHLO client.test\r\nMAIL FROM:<sender@example.net>\r\nRCPT TO:<user@example.org>\r\n"
        b"DATA\r\nSubject: half\r\n\r\n%s.\r\n" % (b"x" * 76 * 5000 + b"\r\n"))
for rest, close_notify in ((b"QUIT\r\n", False), (b"", False), (b"QUIT\r\n", True), (b"", True)):
    client = Half()
    client.run(client.tls.write, mail + rest)
    client.end(close_notify)
    octets = client.read()
    assert b"250 2.0.0 Delivered" in octets, octets
    assert (b"\r\n221 " in octets) == (rest != b""), octets
END
    [ "$(kept_count)" = 4 ]
    eventually no_relay_is_left
}

@test "twenty megabytes come whole past a reader that takes its time" {
    delivery=(sh -c 'head -c 5000000 >"$KEPT/sum"; sleep 0.3; cat >>"$KEPT/sum"')
    serve --no-trace
    client "$KEPT/sent" <<'END'
import os
client = Client(port)
client.starttls()
lines = b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(20000)) * 17
with open(arguments[0], "wb") as file:
    file.write(lines)
assert len(lines) > 20000000
client.begin_message()
client.socket.settimeout(60)
client.send(lines.replace(b"\n", b"\r\n"))
client.send(b".\r\n")
assert client.reply().startswith("250 ")
client.expect("221", "QUIT")
END
    cmp "$KEPT/sum" "$KEPT/sent"
}

@test "replies come whole to a client that reads none until it has said all" {
    serve
    client <<'END'
client = Client(port)
client.starttls()
import threading
count = 30000
writer = threading.Thread(target=client.send, args=(b"RSET\r\n" * count + b"QUIT\r\n",))
writer.start()
writer.join(1)
replies = {client.reply() for _ in range(count)}
writer.join()
assert replies == {"250 2.0.0 Ok"}, replies
assert client.reply().startswith("221 ")
END
}

# maps_of_handler: what is mapped while a client talks TLS.
maps_of_handler() {
    client <<'END'
client = Client(port)
client.starttls()
its_relay = relay()
handler = parent_of(its_relay)
with open("/proc/%d/maps" % handler) as file:
    print(file.read())
END
}

@test "key and library are kept out of the handler" {
    serve
    ldd "$SMTP_HANDLER" | refute grep -qE 'lib(ssl|crypto|tls)'
    maps_of_handler >maps
    grep -q smtp-handler maps
    refute grep -qE 'lib(ssl|crypto|tls)' maps
}

@test "a relay stays until its connection ends, not until another does" {
    serve
    client <<'END'
first, second = Client(port), Client(port)
first.starttls()
second.starttls()
first.expect("221", "QUIT")
first.socket.close()
assert second.send_message().startswith("250")
END
    [ "$(kept_count)" = 1 ]
    eventually no_relay_is_left
}

# serve_ucspi OPTION...: the handler under a UCSPI-TLS server, for one connection.
serve_ucspi() {
    port=$(free_port)
    rm -f background
    in_background "$commands/ucspi-tls" "$port" "$certificates/mx.crt" "$certificates/mx.key" \
        "$SMTP_HANDLER" --hostname mx.test --domain example.org --log stderr "$@" -- "${delivery[@]}"
    eventually grep -q listening background
}

@test "mail comes through a UCSPI-TLS server, and the client's QUIT is answered" {
    serve_ucspi
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message("Subject: test\r\n\r\n" + "line\r\n" * 100000).startswith("250")
client.expect("221", "QUIT")
assert client.is_over()
END
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=ESMTPS
    kept_environment 1 | grep -qx TLS_PROTOCOL=TLSv1.3
    kept_environment 1 | grep -qE '^TLS_CIPHER=TLS_'
    kept_environment 1 | refute grep -qE '^(UCSPITLS|SSL(CTL|READ|WRITE)FD)='
    eventually grep -q 'connection .*ended=quit' background
    wait "${started[-1]}"
}

@test "within a UCSPI-TLS session the command holds none of the server's descriptors" {
    delivery=(sh -c 'exec >"$KEPT/descriptors"; exec ls -l /proc/self/fd')
    serve_ucspi
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
END
    cat "$KEPT/descriptors"
    refute grep -qE ' ([3-9]|[1-9][0-9]) -> (pipe|socket):' "$KEPT/descriptors"
}

@test "a UCSPI-TLS server that passes no descriptors is no reason to offer STARTTLS" {
    port=$(free_port)
    UCSPITLS='' in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454", "STARTTLS")
END
    eventually grep -q 'SSLCTLFD' background
}
