load helper
load peers
load tls
load keeper
load attack

# A keeper of keys, asked by a relay that was taken over (test/drill/attack-relay.c), and by programs that may write to
# its socket.

setup_file() {
    make_pairs mx
}

@test "without the sandbox the attacks of a kept relay on the kernel would succeed" {
    needs_root 'look into a keeper'
    with_attacked_keeper <<'END'
for name in "open", "create", "connect", "fork", "signal", "signal a thread", "map code", "raise limits", "ask the keeper":
    keeper, heard = attack(name, "--no-sandbox")
    assert "SUCCEEDED" in heard, (name, heard) # behind the keeper's answer, if it was asked
    keeper.process.kill()
for name in "execute", "execute itself":
    keeper, heard = attack(name, "--no-sandbox")
    assert heard.startswith("SUCCEEDED" if name == "execute" else "usage: tls-relay"), (name, heard)
    keeper.process.kill()
keeper, heard = attack("kill", "--no-sandbox")
assert keeper.process.wait(20) == -signal.SIGKILL
END
    [ -e captured ]
}

@test "a kept relay holds no socket to its keeper" {
    needs_root 'look into a keeper'
    with_attacked_keeper <<'END'
keeper, heard = attack("ask by what it has", "--no-sandbox")
assert heard == "FAILED\n", heard
keeper.process.kill()
END
}

@test "a kept relay can neither look into its keeper, ask, signal or execute it, nor take its socket or its limits; and the keeper executes itself anew" {
    needs_root 'look into a keeper'
    with_attacked_keeper <<'END'
for name in ("open", "create", "connect", "fork", "execute", "execute itself", "map code", "trace", "read parent",
             "open parent", "signal", "signal a thread", "kill", "take descriptor", "raise limits", "ask the keeper",
             "ask by what it has"):
    keeper, heard = attack(name)
    assert heard == "", (name, heard)
    eventually(lambda: keeper.relays() == [] and "was ended by signal 31" in said())
    eventually(lambda: "--confined" in open("/proc/%d/cmdline" % keeper.process.pid).read())
    assert keeper.look() == b"R\0"
    assert resting(keeper) == keeper.before and keeper.process.poll() is None, name
    keeper.process.kill()
END
    [ ! -e captured ]
}

@test "what a relay that was taken over reports is bounded, and forges no line" {
    needs_root 'look into a keeper'
    export ATTACK=flood
    attacked_relay
    shake_hands >heard
    [ "$(cat heard)" = FAILED ]
    eventually grep -q 'handshake client=' background
    export ATTACK=forge
    attacked_relay
    shake_hands >heard
    eventually grep -q '^smtp-handler: connection .*tls=' background
    refute grep '^FORGED' background
}

# asks: as with_keeper; each() is a keeper on a pair of sockets and one on a path, with what must hold behind.
asks() {
    { cat /dev/fd/5 && cat; } 5<<'END' | with_keeper
def each(*options):
    for path in None, "keeper":
        keeper = Keeper(*options, *pair("mx"), path=path, stderr=open("said", "w"))
        assert serves(keeper) == "mx.test"
        eventually(lambda: keeper.relays() == [])
        before = resting(keeper)
        yield keeper
        eventually(lambda: keeper.relays() == [])
        assert serves(keeper) == "mx.test"
        eventually(lambda: keeper.relays() == [])
        assert resting(keeper) == before
        begun = used(keeper)
        time.sleep(1)
        assert used(keeper) - begun < 10, used(keeper) - begun
        keeper.process.kill()
        keeper.process.wait()
def pairs(count, kind=socket.SOCK_STREAM):
    return [socket.socketpair(socket.AF_UNIX, kind) for _ in range(count)]
def end_relays(keeper):
    for one in keeper.relays():
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError: # it has ended
            pass
def fill(end):
    end.setblocking(False)
    try:
        while True:
            end.send(b"x" * 4096)
    except BlockingIOError:
        end.setblocking(True)
    return end
END
}

@test "requests of any other form are dropped, and cost no descriptor" {
    needs_root 'look into a keeper'
    asks <<'END'
for keeper in each():
    ends = [open("/dev/null") for _ in range(250)]
    for count in 0, 2, 4, 5, 30, 250:
        for _ in range(20):
            keeper.send(*ends[:count])
    keeper.send(*ends[:1], octets=b"..")
    keeper.send(*ends[:3], octets=b"x" * 60000)
    keeper.socket.send(b"x" * 60000)
    for _ in range(3):
        keeper.socket.send(b"")
END
}

@test "a relay of descriptors of the wrong kind ends, and the keeper does not" {
    needs_root 'look into a keeper'
    asks <<'END'
def kinds():
    """What is no end of a connection."""
    yield open("/dev/null", "r+b", buffering=0)
    yield open("/dev/zero", "r+b", buffering=0)
    yield open("/proc/self/mem", "rb")
    yield open("file", "w+b")
    yield from [os.fdopen(end, mode, buffering=0) for end, mode in zip(os.pipe(), ("rb", "wb"))]
    yield socket.create_server(("127.0.0.1", 0))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("")
    listening.listen()
    yield listening
    yield socket.socket(socket.AF_INET)
    yield socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM:
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        other.close()
        yield one # of which the peer is gone
for keeper in each():
    for kind in kinds():
        keeper.send(kind)
        keeper.send(kind, kind, kind)
        for place in range(3):
            fine = pairs(3)
            ends = [its for ours, its in fine]
            ends[place] = kind
            keeper.send(*ends)
            for ours, its in fine:
                its.close()
            if place != 1:
                fine[1][0].send(b"Y")
            for ours, its in fine:
                ours.close()
END
}

@test "the keeper's own socket, or the kernel's, sent to it, does no harm to others" {
    needs_root 'look into a keeper'
    asks <<'END'
for keeper in each():
    for odd in keeper.socket, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW):
        for count in 1, 2, 3:
            keeper.send(*[odd] * count)
        for place in range(3):
            fine = pairs(3)
            ends = [its for ours, its in fine]
            ends[place] = odd
            keeper.send(*ends)
    assert [serves(keeper) for _ in range(3)] == ["mx.test"] * 3
    del fine, ends
    end_relays(keeper) # those that wait for what nobody says
END
}

@test "a relay ends if it is not told to begin within ten minutes" {
    needs_root 'look into a keeper'
    python3 - "$keeper" "$certificates"/mx.{crt,key} <<'END'
import sys
import relay
it = relay.Relay("strace", "-qq", "-o", "trace", "-e", "trace=/^p?poll$", "-e", "inject=/^p?poll$:retval=0",
                 sys.argv[1], "--no-sandbox", *sys.argv[2:]) # whose filter would not know the injected call
assert it.ready == b"R\0", it.ready
assert it.process.wait(20) == 0
with open("trace") as file:
    assert "fd=3, events=POLLIN}], 1, 600000" in file.read()
END
}

@test "the keeper waits for nobody: not for who does not read, and for no connection that lingers" {
    needs_root 'look into a keeper'
    asks <<'END'
def lingering():
    """A connection with octets that nobody takes, which is closed only when they are taken, or in an hour."""
    server = socket.create_server(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = fill(socket.create_connection(server.getsockname()))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return client, server
for keeper in each():
    for count in 1, 2, 3:
        client, server = lingering()
        keeper.send(*[client] * count)
        client.close()
    fine = pairs(3)
    full = fill(fine[2][0])
    keeper.send(full)
    for _ in range(20):
        keeper.send(fine[0][1], full, fine[1][1])
    begun = time.monotonic()
    assert keeper.look() == b"R\0"
    assert time.monotonic() - begun < 20
    del server, fine, full
    end_relays(keeper)
END
}

@test "64 relays at once are served, and thousands of requests leave nothing" {
    needs_root 'look into a keeper'
    asks <<'END'
for keeper in each():
    many = [keeper.relay() for _ in range(64)]
    assert all(one.ready == b"R\0" for one in many)
    eventually(lambda: len(keeper.relays()) == 64)
    for one in many[:4]:
        one.shake_hands(anyone())
    for _ in range(3000):
        keeper.send()
        ours, its = socket.socketpair()
        keeper.send(its, its)
        keeper.send(its)
        its.close(), ours.close()
    for one in many[:4]:
        one.carry(os.urandom(10000))
    for one in many:
        for end in one.client, one.control, one.plain:
            end.close()
    many[:4] = []
END
}

# bats test_tags=libsystemd
@test "of a session only the runner holds the socket to the keeper" {
    needs_root 'look into a keeper'
    cp "$certificates"/mx.{crt,key} .
    port=$(free_port)
    printf '#!/bin/sh\nls -l /proc/$$/fd >held\n' >./command
    chmod +x ./command
    in_background systemd-socket-activate -E PATH -l "127.0.0.1:$port" "$SMTP_HANDLER" --domain example.org --log stderr \
        --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key" "$PWD/command"
    eventually is_listening "$port"
    eventually pgrep -P "${started[-1]}" -f 'tls-relay --keep'
    client "${started[-1]}" "$(pgrep -P "${started[-1]}" -f 'tls-relay --keep')" <<'END'
import os
def children(pid):
    with open("/proc/%s/task/%s/children" % (pid, pid)) as file:
        return file.read().split()
def held(pid):
    return {os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)}
listener, keeper = arguments
client = Client(port)
client.starttls()
runner, = set(children(listener)) - {keeper}
frontend, = children(runner)
relay, = children(keeper)
its = os.readlink("/proc/%s/fd/3" % keeper)
ours = os.readlink("/proc/%s/fd/4" % runner)
assert {its, ours} <= held(listener) and ours.startswith("socket:")
for process in frontend, relay:
    assert not held(process) & {its, ours}, process
assert client.send_message().startswith("250")
with open("held") as file:
    words = set(file.read().split())
    assert "->" in words and not words & {its, ours}
END
}
