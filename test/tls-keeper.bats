load helper
load peers
load tls
load keeper

# A keeper of keys: one tls-relay --keep loads them, and forks a relay for each connection.

setup_file() {
    make_pairs mx other ca expired
}

@test "a keeper serves one connection after the other, and many at once, over a pair of sockets or a path" {
    needs_root 'look into a keeper'
    with_keeper <<'END'
for path in None, "keeper":
    keeper = Keeper(*pair("mx"), path=path)
    assert keeper.look() == b"R\0"
    assert [serves(keeper) for _ in range(3)] == ["mx.test"] * 3
    many = [keeper.relay() for _ in range(20)]
    assert all(one.ready == b"R\0" for one in many)
    eventually(lambda: len(keeper.relays()) == 20)
    with open("/proc/%d/status" % keeper.relays()[0]) as file:
        assert sanitized or "Seccomp:\t2\n" in file.read()
    names = sorted(int(name) for name in os.listdir("/proc/%d/fd" % keeper.relays()[0]))
    assert names in ([0, 1, 2, 3, 4], [0, 1, 3, 4]), names # not the keeper's socket; no /dev/null is opened
    for one in many:
        one.control.close()
    eventually(lambda: keeper.relays() == [])
    keeper.process.kill()
END
}

@test "renewed files serve the next request; a pair that is not fit keeps the old one, and that is said once" {
    with_keeper <<'END'
take("mx")
keeper = Keeper("mx.crt", "mx.key", stderr=open("said", "w"))
assert serves(keeper) == "mx.test"
shutil.copy(certificates + "/other.crt", "mx.crt") # half of it
assert [serves(keeper) for _ in range(3)] == ["mx.test"] * 3
assert open("said").read() == "tls-relay: mx.key is not the key of mx.crt; the pair from before stays in use\n"
shutil.copy(certificates + "/other.key", "mx.key")
assert serves(keeper) == "other.test"
os.unlink("mx.key")
assert serves(keeper) == "other.test"
assert keeper.look() == b"mx.key: No such file or directory"
with open("mx.key", "w") as file:
    file.write("\n")
assert keeper.look() == b"mx.key: nothing is in it"
take("mx", "next")
os.rename("next.key", "mx.key")
os.rename("next.crt", "mx.crt")
assert serves(keeper) == "mx.test"
keeper.process.kill()
END
}

@test "links to renewed files are followed" {
    with_keeper <<'END'
os.makedirs("live"), os.makedirs("archive")
for number, name in (1, "mx"), (2, "other"):
    take(name, "archive/%d" % number)
def lead(number):
    for end in "crt", "key":
        os.symlink("../archive/%d.%s" % (number, end), "new")
        os.rename("new", "live/" + end)
        time.sleep(0.01)
lead(1)
keeper = Keeper("live/crt", "live/key")
assert serves(keeper) == "mx.test"
lead(2)
assert serves(keeper) == "other.test"
keeper.process.kill()
END
}

@test "an expired certificate is told to those that ask for a relay, until it is renewed" {
    with_keeper <<'END'
take("expired")
keeper = Keeper("mx.crt", "mx.key", stderr=subprocess.DEVNULL)
assert keeper.look() == b"R\0"
for _ in range(3):
    it = keeper.relay()
    assert it.ready == b"mx.crt: expired", it.ready
    assert it.control.recv(1) == b""
take("other")
assert serves(keeper) == "other.test"
keeper.process.kill()
END
}

@test "a keeper without a fit pair ends after each answer if systemd starts it anew, and leaves it to sessions to say why" {
    with_keeper <<'END'
under_systemd = dict(os.environ, LISTEN_FDS="1")
take("expired")
for path in None, "keeper":
    keeper = Keeper("mx.crt", "mx.key", path=path, env=under_systemd, stderr=open("said", "a"))
    assert keeper.relay().ready == b"mx.crt: expired"
    assert keeper.process.wait(20) == 0
open("mx.key", "w").close()
keeper = Keeper("mx.crt", "mx.key", env=under_systemd, stderr=open("said", "a"))
assert keeper.look() == b"mx.key: nothing is in it"
assert keeper.process.wait(20) == 0
assert open("said").read() == ""
take("mx")
keeper = Keeper("mx.crt", "mx.key", env=under_systemd)
assert [serves(keeper) for _ in range(2)] == ["mx.test"] * 2
keeper.process.kill()
END
}

@test "after a relay's death by a signal, and after a thousand relays, the keeper executes itself anew" {
    needs_root 'look into a keeper'
    with_keeper <<'END'
keeper = Keeper(*pair("mx"), stderr=open("said", "w"))
assert serves(keeper) == "mx.test"
def state(keeper):
    state = {name: value for name, value in keeper.status().items() if name in (
        "Name", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Uid", "Gid", "CapEff", "SigBlk", "SigIgn", "SigCgt")}
    for name in "limits", "cmdline", "environ":
        with open("/proc/%d/%s" % (keeper.process.pid, name)) as file:
            state[name] = file.read().replace("--confined\0", "")
    return state, keeper.descriptors()
first = state(keeper)
for _ in range(20):
    before = layout(keeper)
    others = keeper.relays()
    it = keeper.relay()
    [its] = set(keeper.relays()) - set(others)
    stays = keeper.relay()
    stays.shake_hands(anyone())
    os.kill(its, signal.SIGKILL)
    eventually(lambda: len(keeper.relays()) == 1)
    eventually(lambda: sanitized or layout(keeper) != before)
    stays.carry(os.urandom(100000)) # relays that run are not touched
    stays.end()
assert serves(keeper) == "mx.test"
assert open("said").read().count("was ended by signal 9") == 20
now = state(keeper)
assert now == first, (first, now)
now = keeper.status()
assert sanitized or (now["Seccomp"], now["Seccomp_filters"], now["NoNewPrivs"]) == ("2", "1", "1"), now
assert now["Name"] == "tls-relay", now
with open("/proc/%d/cmdline" % keeper.process.pid) as file:
    assert file.read().count("--confined") == 1
before = layout(keeper)
for _ in range(1001):
    it = keeper.relay()
    assert it.ready == b"R\0", it.ready
    for end in it.client, it.control, it.plain:
        end.close()
eventually(lambda: sanitized or layout(keeper) != before) # which a sanitizer fixes
assert serves(keeper) == "mx.test"
keeper.process.kill()
END
}

@test "the keeper ends with the other end of its socket, by whichever way that ends" {
    needs_root 'look into a keeper'
    with_keeper <<'END'
def has_ended(keeper): # but is not waited for
    with open("/proc/%d/stat" % keeper.process.pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"
for end in socket.socket.close, lambda it: it.shutdown(socket.SHUT_WR), lambda it: it.shutdown(socket.SHUT_RDWR):
    keeper = Keeper(*pair("mx"))
    assert serves(keeper) == "mx.test"
    before = used(keeper)
    keeper.socket.send(b"")
    end(keeper.socket)
    eventually(lambda: has_ended(keeper))
    assert sanitized or used(keeper) - before < 10, used(keeper) - before
    assert keeper.process.wait(5) == 0
END
}

@test "with all descriptors taken the keeper does not spin, and serves once there are some" {
    needs_root 'look into a keeper'
    with_keeper <<'END'
keeper = Keeper(*pair("mx"))
assert serves(keeper) == "mx.test"
hard, descriptors = resource.prlimit(keeper.process.pid, resource.RLIMIT_NOFILE)[1], resting(keeper)
first = min(set(range(64)) - set(descriptors))
for room in 2, 1, 0:
    resource.prlimit(keeper.process.pid, resource.RLIMIT_NOFILE, (first + room, hard))
    keeper.send(*[open("/dev/null") for _ in range(3)])
    assert keeper.look() == (b"" if room == 0 else b"R\0"), room
    assert resting(keeper) == descriptors
before = used(keeper)
time.sleep(5)
assert used(keeper) - before < 10, used(keeper) - before
resource.prlimit(keeper.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
assert serves(keeper) == "mx.test"
keeper.process.kill()
END
}

@test "the keeper opens no connection, looks into no process, and reads no other file" {
    needs_root 'look into a keeper'
    [[ $SMTP_HANDLER != *sanitize* ]] || skip 'a sanitizer does more than that'
    with_keeper <<'END'
keeper = Keeper(*pair("mx"))
assert keeper.look() == b"R\0"
assert keeper.status()["NoNewPrivs"] == "1" and keeper.status()["Seccomp"] == "2"
with open("/proc/%d/limits" % keeper.process.pid) as file:
    limits = {line[:25].strip(): line[26:].split()[:2] for line in file}
assert limits["Max open files"] == ["64", "64"] and limits["Max core file size"] == ["0", "0"]
keeper.process.kill()
END
    # The filter, by the names of the calls.
    for call in socket connect ptrace process_vm_readv bind kill; do
        refute grep -qx "    \"$call\"," <(sed -n '/keeper\[\]/,/};/p; /relay\[\]/,/};/p' "$top/handler/filter.c")
    done
    traced -f -o trace -e trace=landlock_create_ruleset,landlock_add_rule,landlock_restrict_self \
        "$keeper" --keep "$certificates"/mx.{crt,key} 3</dev/null || true
    grep -q 'landlock_restrict_self(.*= 0$' trace
}

@test "a keeper that goes and comes again hurts no connection" {
    local options=(--tls-relay "$PWD/keeper")
    start_keeper "$certificates"/mx.{crt,key}
    start_handler "${options[@]}"
    client "$(pgrep -f "tls-relay --keep .*$certificates/mx.crt")" <<'END'
import os, signal
client = Client(port)
client.starttls()
client.begin_message()
os.kill(int(arguments[0]), signal.SIGTERM)
for _ in range(1000):
    client.send(b"a line\r\n")
client.expect("250", ".")
assert "STARTTLS" not in Client(port).expect("250", "EHLO client.test")
client.expect("221", "QUIT")
END
    start_keeper "$certificates"/other.{crt,key}
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp </dev/null 2>/dev/null | subject | grep other.test
}

# drop_requests NUMBER...: a socket `keeper` at which the requests of these numbers are lost, as if the keeper had
# ended with them; the others get to one.
drop_requests() {
    rm -f keeper
    in_background python3 -c 'import os, socket, subprocess, sys
at = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
at.bind("keeper")
ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
subprocess.Popen([sys.argv[1], "--keep"] + sys.argv[2:4], preexec_fn=lambda: os.dup2(its.fileno(), 3), close_fds=False)
its.close()
number = 0
while True:
    octets, ends, _, _ = socket.recv_fds(at, 10, 3)
    number += 1
    if str(number) not in sys.argv[4:]:
        socket.send_fds(ours, [octets], ends)
    for end in ends:
        os.close(end)' "$keeper" "$certificates"/mx.{crt,key} "$@"
    eventually test -S keeper
}

@test "a request that was lost with its keeper is made once more" {
    drop_requests 1 3 5 # the look of is_listening; of the client a look, and a relay
    start_handler --tls-relay "$PWD/keeper"
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    refute grep trouble background
    end_started
    drop_requests 1 2 3 4
    start_handler --tls-relay "$PWD/keeper"
    client <<'END'
assert "STARTTLS" not in Client(port).expect("250", "EHLO client.test")
END
    eventually has_two_lines 'tls-relay: ended; STARTTLS is not offered'
}

@test "requests wait for a keeper that starts again, also beyond the descriptors that a user may have on the way" {
    needs_root 'become another user'
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
    start_keeper "$certificates"/mx.{crt,key}
    chmod 666 keeper
    keeper_process=$(pgrep -f "tls-relay --keep .*$certificates/mx.crt")
    kill -STOP "$keeper_process"
    # A user of its own, since the limit counts what all processes of a user have on the way.
    python3 - "$keeper_process" "$SMTP_HANDLER" $((40000 + RANDOM)) <<'END'
import os, signal, socket, subprocess, sys, time
from client import anyone
def start(n):
    ours, its = socket.socketpair()
    subprocess.Popen(["setpriv", "--reuid", sys.argv[3], "--clear-groups", "prlimit", "--nofile=20", sys.argv[2], "--tls", "implicit",
                      "--tls-relay", "keeper", "--log", "stderr", "cat"], stdin=its, stdout=its, stderr=open("log", "a"))
    return ours
clients = [start(n) for n in range(14)]
time.sleep(1) # so that they have asked: with less less is tried
os.kill(int(sys.argv[1]), signal.SIGCONT)
for client in clients:
    client.settimeout(60)
    assert anyone().wrap_socket(client).recv(100).startswith(b"220 ")
END
    refute grep trouble log
}

@test "without a socket, a keeper, or a pair that is not empty TLS is not offered, and the log says why for each connection" {
    nothing() { :; }
    dead() { python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind("keeper")'; }
    empty() { echo >empty.crt && start_keeper "$PWD/empty.crt" "$certificates/mx.key"; }
    for case in 'nothing|No such file' 'dead|Connection refused' 'empty|empty.crt: nothing is in it'; do
        : >background
        rm -f keeper
        "${case%|*}"
        start_handler --tls-relay "$PWD/keeper"
        client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
        eventually has_two_lines "${case#*|}" # one is of is_listening
        start_handler --tls-relay "$PWD/keeper" --tls required
        client <<'END'
assert Client(port).greeting.startswith("421 4.3.5 ")
END
        end_started
    done
}
has_two_lines() { [ "$(grep -c "trouble .*$1" background)" = 2 ]; }

@test "--check asks the keeper for a relay, and a keeper is not given certificates" {
    start_keeper "$certificates"/mx.{crt,key}
    "$SMTP_HANDLER" --check --tls-relay "$PWD/keeper" true >said
    [ "$(tail -1 said)" = ok ]
    end_started
    start_keeper "$certificates"/expired.{crt,key}
    run "$SMTP_HANDLER" --check --tls-relay "$PWD/keeper" true
    [ "$status" = 78 ]
    grep -q 'expired.crt: expired' <<<"$output"
    mapfile -t pairs < <(pair mx)
    run "$SMTP_HANDLER" --check --tls-relay "$PWD/keeper" "${pairs[@]}" true
    [ "$status" = 78 ]
    grep -q 'option tls-relay: the keeper has the certificates' <<<"$output"
}

# serve_listening OPTION...: a listener, with the pair mx of this directory, serves $port; a relay is its keeper's.
serve_listening() {
    cp "$certificates"/mx.{crt,key} .
    port=$(free_port)
    in_background systemd-socket-activate -E PATH -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --hostname mx.test \
        --domain example.org --log stderr --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key" "$@" -- "${delivery[@]}"
    listener=${started[-1]}
    eventually is_listening "$port"
    eventually the_keeper
}

# The keeper of this test's listener.
the_keeper() { pgrep -P "$listener" -f "tls-relay --keep .*$BATS_TEST_TMPDIR/mx.crt"; }

served_name() {
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp </dev/null 2>/dev/null | subject
}

# bats test_tags=libsystemd
@test "a listener starts a keeper, and each session has its relay from there" {
    serve_listening
    client "$(the_keeper)" <<'END'
import os
clients = [Client(port) for _ in range(3)]
for client in clients:
    client.starttls()
with open("/proc/%s/task/%s/children" % (arguments[0], arguments[0])) as file:
    assert len(file.read().split()) == 3
for client in clients:
    assert client.send_message().startswith("250")
    client.expect("221", "QUIT")
    assert client.is_over()
END
    [ "$(kept_count)" = 3 ]
    cp "$certificates/other.crt" mx.crt
    cp "$certificates/other.key" mx.key
    [ "$(served_name)" = other.test ]
    kept_environment 1 | refute grep SMTP_HANDLER
}

# bats test_tags=libsystemd
@test "a keeper that died is started again, up to once a second, and what was asked meanwhile waits" {
    serve_listening
    local first
    first=$(the_keeper)
    kill -KILL "$first"
    eventually grep -q 'the keeper of TLS keys was ended by signal 9' background
    [ "$(served_name)" = mx.test ]
    [ "$(the_keeper)" != "$first" ]
    for _ in 1 2 3; do kill -KILL "$(the_keeper)" && eventually the_keeper; done
    [ "$(served_name)" = mx.test ]
}

# bats test_tags=libsystemd
@test "with a reload the keeper has the certificates of then, and no connection ends" {
    printf 'tls-cert %s\ntls-key %s\n' "$certificates"/mx.{crt,key} >config
    port=$(free_port)
    in_background systemd-socket-activate -E PATH -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" --hostname mx.test \
        --domain example.org --log stderr --config config -- "${delivery[@]}"
    listener=${started[-1]}
    eventually is_listening "$port"
    eventually pgrep -P "$listener" -f 'tls-relay --keep'
    client "$listener" "$certificates" <<'END'
import os, signal, subprocess, time
def keepers():
    return subprocess.run(["pgrep", "-P", arguments[0], "-f", "tls-relay --keep"], capture_output=True).stdout.split()
before = keepers()
client = Client(port)
client.starttls()
with open("config", "w") as file:
    file.write("tls-cert %s/other.crt\ntls-key %s/other.key\n" % (arguments[1], arguments[1]))
os.kill(int(arguments[0]), signal.SIGHUP)
until = time.monotonic() + 20
while len(keepers()) != 1 or keepers() == before:
    assert time.monotonic() < until
    time.sleep(0.02)
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    [ "$(served_name)" = other.test ]
}

# bats test_tags=libsystemd
@test "with the listener its keeper ends" {
    serve_listening
    local keeper
    keeper=$(the_keeper)
    kill -KILL "$listener"
    eventually refute test -e "/proc/$keeper"
}
