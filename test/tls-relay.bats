load helper
load peers
load tls

# The relay between a client of TLS and the handler: it carries all octets, and ends with either.

setup_file() {
    make_pairs mx
}

@test "if the relay is killed within a message, nothing is delivered and the session ends" {
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

@test "if the handler is killed, the relay ends, and the client sees the end" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.starttls()
client.begin_message()
os.kill(handler_of(relay()), signal.SIGKILL)
assert client.is_over()
END
    eventually no_relay_is_left
    [ "$(kept_count)" = 0 ]
}

@test "if the handler is killed, the relay does not wait for a client that reads nothing" {
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
os.kill(handler_of(its_relay), signal.SIGKILL)
until = time.monotonic() + 10
while status(its_relay) not in ("", "zombie"):
    assert time.monotonic() < until, "the relay is still there"
    time.sleep(0.05)
END
    eventually no_relay_is_left
    [ "$(kept_count)" = 0 ]
}

@test "if the handler is killed within the handshake, the relay ends" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
os.kill(handler_of(relay()), signal.SIGKILL)
assert client.socket.recv(1000) == b""
END
    eventually no_relay_is_left
}

@test "if the handler is killed, a client that goes on in pieces of records does not keep the relay" {
    serve
    client <<'END'
import os, signal, time
client = Client(port)
client.starttls()
its_relay = relay()
os.kill(handler_of(its_relay), signal.SIGKILL)
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

@test "SIGTERM to handler and relay still tells the client 421" {
    serve
    client <<'END'
import os, signal
client = Client(port)
client.starttls()
its_relay = relay()
handler = handler_of(its_relay)
for process in (its_relay, handler):
    os.kill(process, signal.SIGTERM)
assert client.reply().startswith("421 4.3.2 ")
assert client.is_over()
END
    eventually no_relay_is_left
}

@test "the relay sends close_notify, and waits for the client's" {
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

@test "the relay carries twenty megabytes whole to a slow reader" {
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
client.socket.settimeout(60 * patience)
client.send(lines.replace(b"\n", b"\r\n"))
client.send(b".\r\n")
assert client.reply().startswith("250 ")
client.expect("221", "QUIT")
END
    cmp "$KEPT/sum" "$KEPT/sent"
}

@test "the relay carries all replies to a client that reads none until it has sent all" {
    serve --max-errors 100000
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

@test "the first reply after the handshake does not wait for a client that delays its TCP acknowledgement" {
    serve
    client <<'END'
import time
def first_reply():
    client = Client(port)
    client.expect("250", "EHLO client.test")
    client.expect("220", "STARTTLS")
    client.shake_hands("mx.test")
    began = time.monotonic()
    client.expect("250", "EHLO client.test")
    return time.monotonic() - began
assert any(first_reply() < 0.03 for _ in range(200)) # Linux delays by 40 ms or more, each time
END
}

# maps_of_handler: what is mapped while a client talks TLS.
maps_of_handler() {
    client <<'END'
client = Client(port)
client.starttls()
its_relay = relay()
handler = handler_of(its_relay)
with open("/proc/%d/maps" % handler) as file:
    print(file.read())
END
}

@test "the handler has neither the key nor a TLS library in memory" {
    serve --no-sandbox # so that a plain user may look
    run ldd "$SMTP_HANDLER"
    [ -n "$output" ]
    refute grep -E 'lib(ssl|crypto|tls)' <<<"$output"
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

@test "a relay whose handler is gone exits, without a signal" {
    local status=0
    mkfifo unheard
    exec 5<>unheard # so that the next does not wait for a reader
    exec 6>unheard
    exec 5>&-
    "$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay" "$certificates"/mx.{crt,key} 3>&6 4</dev/null || status=$?
    [ "$status" = 74 ]
}

@test "the relay tells how it is called" {
    usage='usage: tls-relay [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]
       tls-relay --keep [--no-sandbox] [--client-ca FILE] CERTIFICATE KEY [...]'
    relay=$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay
    for option in --help -h; do
        "$relay" "$option" >said 2>errors
        [ "$(head -2 said)" = "$usage" ]
        [ ! -s errors ]
    done
    for arguments in '' one '--wrong two' 'a b c' '--client-ca a' '--client-ca' --keep '--keep one' '--keep --wrong two'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        "$relay" $arguments </dev/null >said 2>errors 3>&- || status=$?
        [ "$status" = 64 ]
        diff - errors <<<"$usage"
        [ ! -s said ]
    done
}
