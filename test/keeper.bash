# What the tests of a keeper of keys share (test/tls-keeper.bats and others), beside tls.bash.

keeper=$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay

# with_keeper: runs the Python on standard input, which finds Keeper, pair and what clients are made of.
with_keeper() {
    { cat /dev/fd/4 && cat; } 4<<'END' | python3 - "$keeper" "$certificates"
import atexit, os, resource, shutil, signal, socket, ssl, struct, subprocess, sys, time
from client import anyone
import relay
certificates = sys.argv[2]
sanitized = "sanitize" in sys.argv[1]
def Keeper(*arguments, **settings):
    return relay.Keeper(sys.argv[1], *arguments, **settings)
def pair(name):
    return [certificates + "/" + name + end for end in (".crt", ".key")]
def take(name, to="mx"):
    for end in (".crt", ".key"):
        shutil.copy(certificates + "/" + name + end, to + end)
def serves(keeper):
    """Who a relay of the keeper says it is."""
    it = keeper.relay()
    assert it.ready == b"R\0", it.ready
    it.shake_hands(anyone())
    name = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline"],
                          input=it.tls.getpeercert(True), capture_output=True).stdout
    it.carry(os.urandom(100000))
    it.end()
    return name.split()[-1].decode()
def eventually(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "not in 20 seconds"
        time.sleep(0.02)
def resting(keeper):
    """Its descriptors, once it waits for a request."""
    eventually(lambda: keeper.status()["State"].startswith("S"))
    return keeper.descriptors()
def used(keeper):
    """Milliseconds of its processor time."""
    with open("/proc/%d/schedstat" % keeper.process.pid) as file:
        return int(file.read().split()[0]) / 1e6
def layout(keeper):
    with open("/proc/%d/maps" % keeper.process.pid) as file:
        return file.readline()
END
}

attacked_relays=$top/build/attack/helpers/tls-relay/tls-relay

# with_attacked_keeper: as with_keeper; attack() has a relay do one attack, and returns the keeper and what the client
# got; said() is the keeper's standard error.
with_attacked_keeper() {
    { cat /dev/fd/5 && cat; } 5<<'END' | keeper=$attacked_relays with_keeper
def attack(name, *options):
    os.environ["ATTACK"] = name
    if os.path.exists("keeper"):
        os.unlink("keeper")
    with open("said", "w") as said:
        keeper = Keeper(*options, *pair("mx"), path="keeper", stderr=said)
    atexit.register(keeper.process.kill)
    assert keeper.look() == b"R\0"
    keeper.before = resting(keeper)
    it = keeper.relay()
    assert it.ready == b"R\0", it.ready
    it.control.send(b"Y")
    it.client.settimeout(20)
    heard = relay.receive(it.client, 10000).decode()
    it.control.close(), it.plain.close()
    return keeper, heard
def said():
    with open("said") as file:
        return file.read()
END
}
