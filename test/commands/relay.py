"""The TLS relay by itself: starts it, shakes hands, carries octets both ways."""
import os
import socket
import subprocess
import threading


def receive(end, length):
    """That many octets, or fewer where the end comes before."""
    octets = bytearray()
    while len(octets) < length:
        more = end.recv(65536)
        if not more:
            break
        octets += more
    return bytes(octets)


class Relay:
    def __init__(self, program, *arguments):
        self.client, client = socket.socketpair()
        self.control, control = socket.socketpair()
        self.plain, plain = socket.socketpair()
        ends = {0: client, 1: client, 3: control, 4: plain}

        def place():
            for its, ours in ends.items():
                os.dup2(ours.fileno(), its + 20)
            for its in ends:
                os.dup2(its + 20, its)
                os.close(its + 20)

        self.process = subprocess.Popen([program, *arguments], preexec_fn=place, close_fds=False)
        for end in (client, control, plain):
            end.close()
        self.ready = self.control.recv(1000)

    def status(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file)

    def limits(self):
        with open("/proc/%d/limits" % self.process.pid, encoding="ascii") as file:
            return {line[:25].strip(): line[26:].split()[:2] for line in file}

    def shake_hands(self, context):
        """What was agreed; self.tls is the client then."""
        self.control.send(b"Y")
        self.client.settimeout(60)
        self.tls = context.wrap_socket(self.client, server_hostname="mx.test")
        facts = b""
        while not facts.endswith(b"\0\0"):
            more = self.control.recv(65536)
            assert more, facts
            facts += more
        return facts

    def carry(self, octets):
        """There, and back."""
        come = []
        reader = threading.Thread(target=lambda: come.append(receive(self.plain, len(octets))))
        reader.start()
        self.tls.sendall(octets)
        reader.join()
        assert come == [octets]
        threading.Thread(target=self.plain.sendall, args=(octets,), daemon=True).start()
        assert receive(self.tls, len(octets)) == octets

    def end(self):
        self.plain.shutdown(socket.SHUT_RDWR)
        assert self.process.wait(20) == 0, self.process.returncode


class Keeper:
    """A keeper of keys by itself, on a pair of sockets as a listener has it, or on a path as systemd does."""

    def __init__(self, program, *arguments, path=None, **settings):
        if path is None:
            self.socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        else:
            its = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            its.bind(path)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.connect(path)
        self.process = subprocess.Popen([program, "--keep", *arguments], close_fds=False,
                                        preexec_fn=lambda: os.dup2(its.fileno(), 3), **settings)
        its.close()

    def send(self, *ends, octets=b"."):
        socket.send_fds(self.socket, [octets], [end.fileno() for end in ends])

    def look(self):
        """What it says of its files."""
        ours, its = socket.socketpair()
        self.send(its)
        its.close()
        ours.settimeout(60)
        return ours.recv(2000)

    def relay(self):
        return KeptRelay(self)

    def relays(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def status(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file)

    def descriptors(self):
        return sorted(int(name) for name in os.listdir("/proc/%d/fd" % self.process.pid))


class KeptRelay(Relay):
    def __init__(self, keeper):
        self.client, client = socket.socketpair()
        self.control, control = socket.socketpair()
        self.plain, plain = socket.socketpair()
        keeper.send(client, control, plain)
        for end in (client, control, plain):
            end.close()
        self.ready = self.control.recv(2000)

    def end(self):
        self.plain.shutdown(socket.SHUT_RDWR)
        assert self.tls.recv(1) == b""
