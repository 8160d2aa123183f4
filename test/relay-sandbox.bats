load helper
load peers
load tls

# The relay, which reads what clients send, is confined; what OpenSSL does there goes on all the same.

setup_file() {
    make_pairs ca mx rsa client
    # More authorities than are sorted without a look at how much memory there is.
    cat "$certificates/ca.crt" >"$certificates/many.crt"
    (cd "$certificates" && for number in $(seq 200); do
        quietly openssl req -x509 -new -key ca.key -subj "/CN=ca$number.test" -out one.crt
        cat one.crt
    done >>many.crt)
}

# with_relay: runs the Python on standard input, which finds Relay, pair and what clients are made of.
with_relay() {
    { cat /dev/fd/4 && cat; } 4<<'END' | python3 - "$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay" "$certificates"
import os, ssl, sys
from client import anyone
import relay
def Relay(*arguments):
    return relay.Relay(sys.argv[1], *arguments)
certificates = sys.argv[2]
def pair(name):
    return [certificates + "/" + name + end for end in (".crt", ".key")]
END
}

@test "a confined relay carries megabytes with each kind of key, of TLS and of client certificate" {
    with_relay <<'END'
octets = os.urandom(3000000)
for key in "mx", "rsa":
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        for asked, sent in (False, False), (True, False), (True, True):
            it = Relay(*(["--client-ca", certificates + "/ca.crt"] if asked else []), *pair(key))
            assert it.ready == b"R\0", it.ready
            context = anyone(minimum_version=version, maximum_version=version)
            if sent:
                context.load_cert_chain(*pair("client"))
            facts = it.shake_hands(context)
            assert (b"SSL_PEER_CERT_SUBJECT=/CN=client.test" in facts) == sent, facts
            assert it.status()["Seccomp"] == "2"
            it.carry(octets)
            it.end()
END
}

@test "a confined relay finds one of two hundred authorities" {
    with_relay <<'END'
it = Relay("--client-ca", certificates + "/many.crt", *pair("mx"))
context = anyone()
context.load_cert_chain(*pair("client"))
assert b"SSL_PEER_CERT_SUBJECT=/CN=client.test" in it.shake_hands(context)
it.carry(b"x" * 1000)
it.end()
END
}

@test "a confined relay ends after a handshake that fails" {
    with_relay <<'END'
it = Relay("--client-ca", certificates + "/ca.crt", *pair("mx"))
it.control.send(b"Y")
it.client.sendall(b"EHLO in clear\r\n" * 100)
facts = it.control.recv(65536)
assert facts.startswith(b"TLS_ERROR="), facts
assert it.process.wait(20) == 76
END
}

@test "the relay is confined when it says that it is ready" {
    with_relay <<'END'
it = Relay(*pair("mx"))
assert it.ready == b"R\0", it.ready
status, limits = it.status(), it.limits()
assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
for name, most in (("Max processes", "0"), ("Max core file size", "0"), ("Max file size", "0"),
                   ("Max open files", "5"), ("Max cpu time", "600")):
    assert limits[name] == [most, most], (name, limits[name])
it.control.close()
assert it.process.wait(20) == 0
END
}

@test "with --no-sandbox the relay is not confined" {
    serve --no-sandbox
    client <<'END'
client = Client(port)
client.starttls()
with open("/proc/%d/status" % relay()) as file:
    assert "Seccomp:\t0\n" in file.read()
END
    eventually no_relay_is_left
}

@test "a relay that is stopped dies with the handler" {
    [ "$RELAY_BY" = handler ] || skip "a keeper's is on its own"
    serve
    client <<'END'
import os, signal, time
client = Client(port)
client.starttls()
its_relay = relay()
handler = handler_of(its_relay)
os.kill(its_relay, signal.SIGSTOP)
os.kill(handler, signal.SIGKILL)
END
    eventually no_relay_is_left
}

# with_old_relay: a handler whose relay finds a kernel without Landlock.
with_old_relay() {
    mkdir -p bin/helpers/tls-relay
    cp "$SMTP_HANDLER" bin/
    cat >bin/helpers/tls-relay/tls-relay <<END
#!/bin/sh
exec env ASAN_OPTIONS=detect_leaks=0 strace -D -qq -o /dev/null -e trace=landlock_create_ruleset \
    -e inject=landlock_create_ruleset:error=ENOSYS $(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay "\$@"
END
    chmod +x bin/helpers/tls-relay/tls-relay
    SMTP_HANDLER=$PWD/bin/smtp-handler
}

@test "a kernel that cannot confine the relay is logged with the connection, and TLS goes on" {
    with_old_relay
    serve
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    if [ "$RELAY_BY" = handler ]; then
        eventually grep -q 'connection .* unconfined=relay:Landlock ' background
    else # strace is not there any more for a relay of the keeper's
        grep -q /sanitize/ bin/helpers/tls-relay/tls-relay || grep -qx 'tls-relay: unconfined=keeper:Landlock' background
    fi
    refute grep trouble background
}

@test "with --require-sandbox there is no TLS if the relay cannot be confined" {
    [ "$RELAY_BY" = handler ] || skip "a keeper's filter ends a relay whose calls strace changes"
    with_old_relay
    serve --require-sandbox --tls required
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
assert not client.say("MAIL FROM:<a@b.test>").startswith("2")
END
    grep -q 'trouble text="the sandbox of the relay lacks Landlock; STARTTLS is deferred; see smtp-handler.conf(5), TLS"' background
    serve --require-sandbox --tls implicit
    client <<'END'
assert socket.create_connection(("127.0.0.1", port)).recv(1000) == b""
END
}
