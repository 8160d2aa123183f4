load helper
load peers
load tls

# --greet-delay: who speaks before the greeting is not served.

setup_file() {
    make_pairs mx
}

# waiting: as client; connect() to it, and all_from(CONNECTION) is what it says until its end.
waiting() {
    { cat /dev/fd/4 && cat; } 4<<'END' | client
import time
def connect(octets=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=60 * patience)
    connection.sendall(octets)
    return connection
def all_from(connection):
    return read_to_end(connection).decode()
END
}

@test "who speaks before the greeting gets 554, and the log says so; nothing of it is read" {
    start_handler --greet-delay 200
    waiting <<'END'
for octets in b"EHLO c\r\n", b"x", b"\r\n", b"QUIT\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", \
        b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n":
    said = all_from(connect(octets))
    assert said == "554 5.5.0 mx.test Wait for the greeting\r\n", (octets, said)
END
    eventually sh -c '[ "$(grep -c "^smtp-handler: connection client=127.0.0.1 .* errors=1 ended=limit" background)" = 7 ]'
    [ "$(grep -cx 'smtp-handler: abuse client=127.0.0.1 form=early' background)" = 7 ]
    [ "$(kept_count)" = 0 ]
}

@test "the greeting comes after so long, and not before" {
    start_handler --greet-delay 2
    waiting <<'END'
begun = time.monotonic()
connection = connect()
connection.settimeout(1)
try:
    raise AssertionError(connection.recv(100))
except socket.timeout:
    pass
client = Client(port) # beside it
assert time.monotonic() - begun > 2.9
client.expect("250", "EHLO c")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
connection.settimeout(60 * patience)
connection.sendall(b"QUIT\r\n")
assert [line[:4] for line in all_from(connection).splitlines()] == ["220 ", "221 "]
END
    [ "$(kept_count)" = 1 ]
    refute grep abuse background
}

@test "who speaks while its name is looked up has spoken before the greeting" {
    start_handler --greet-delay 1 --resolve
    waiting <<'END'
assert all_from(connect(b"EHLO c\r\n")).startswith("554 5.5.0 ")
END
}

@test "who leaves before the greeting, or sends no more, is no early talker" {
    start_handler --greet-delay 1
    waiting <<'END'
connect().close()
connection = connect()
connection.shutdown(socket.SHUT_WR)
assert all_from(connection).startswith("220 ")
END
    no_handler_is_left() { refute pgrep -P "${started[-1]}"; }
    eventually no_handler_is_left
    refute grep abuse background
}

@test "a health check of a proxy need not wait, a client behind it must" {
    start_handler --greet-delay 200 --proxy-protocol
    waiting <<'END'
for header in b"PROXY UNKNOWN\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00":
    said = all_from(connect(header + b"EHLO check\r\nQUIT\r\n"))
    assert said.startswith("220 ") and said.splitlines()[-1].startswith("221 "), said
said = all_from(connect(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\r\nEHLO c\r\n"))
assert said == "554 5.5.0 mx.test Wait for the greeting\r\n", said
END
    grep -qx 'smtp-handler: abuse client=192.0.2.7 form=early' background
}

@test "--xclient, TLS from the start, and what is no socket are served at once" {
    start_handler --greet-delay 200 --xclient 127.0.0.1
    waiting <<'END'
said = all_from(connect(b"EHLO c\r\nQUIT\r\n"))
assert said.startswith("220 ") and said.splitlines()[-1].startswith("221 "), said
END
    serve --greet-delay 200 --tls implicit
    waiting <<'END'
assert Client(port, implicit=True).expect("250", "EHLO c")
END
    printf 'QUIT\r\n' | handler --greet-delay 200 | from_wire | cut -c1-4 | diff - <(printf '220 \n221 \n')
}

@test "SIGTERM ends the wait" {
    start_handler --greet-delay 200
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    waits() { runner=$(pgrep -P "${started[-1]}") && pgrep -P "$runner"; }
    eventually waits
    eventually sh -c "kill $runner && read -r _ <&9"
    grep -q '^421 4.3.2 ' <&9
}

@test "the delay is a number of seconds, less than a client waits for the greeting" {
    for wrong in 241 -1 x ''; do
        check --greet-delay "$wrong" true
        [ "$status" = 64 ]
        [ "$output" = "smtp-handler: option greet-delay: '$wrong' is not a number of seconds from 0 to 240" ]
    done
}
