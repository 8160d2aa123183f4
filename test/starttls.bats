load helper
load peers
load tls

# STARTTLS to the letter of RFC 3207, and handshakes that fail.

setup_file() {
    make_pairs mx
}

@test "with --tls required mail in plaintext is refused, mail over TLS is not" {
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

@test "plaintext pipelined behind STARTTLS ends the connection, and no command of it is run" {
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

@test "plaintext behind the reply to STARTTLS ends the connection" {
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

@test "after the handshake nothing said before counts, and STARTTLS is no longer offered" {
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

@test "STARTTLS is offered in a session that has delivered a message behind EHLO" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
assert client.send_message().startswith("250")
client.starttls()
assert client.send_message().startswith("250")
END
    [ "$(kept_count)" = 2 ]
}

@test "EHLO for the first time between the chunks of a message discards it" {
    serve
    client <<'END'
client = Client(port)
client.expect("250", "HELO client.test", "MAIL FROM:<sender@example.net>", "RCPT TO:<user@example.org>")
client.expect("250 2.0.0 0 octets", "BDAT 0")
client.expect("250", "EHLO client.test")
client.starttls()
assert client.send_message().startswith("250")
END
    refute grep trouble background
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

@test "a client that does not begin the handshake is cut off after the command timeout" {
    for how in starttls implicit; do
        serve --command-timeout 3 --tls "$how"
        client "$how" <<'END'
client = socket.create_connection(("127.0.0.1", port), timeout=60)
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

@test "when three quarters of the connections are taken, the handshake has a tenth of the time" {
    mapfile -t pairs < <(pair mx)
    port=$(free_port)
    in_background systemd-socket-activate -E PATH -l "127.0.0.1:$port" "$SMTP_HANDLER" "${pairs[@]}" --log stderr \
        --max-connections 2 --command-timeout 60 true
    eventually is_listening "$port"
    client <<'END'
import time
def connect():
    client = Client(port)
    while client.greeting.startswith("421"): # the connection of is_listening has not ended yet
        client = Client(port)
    return client
other, client = connect(), connect()
began = time.monotonic()
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
assert client.is_over()
assert time.monotonic() - began < 45
END
    eventually grep -q 'handshake .*text=' background
}
