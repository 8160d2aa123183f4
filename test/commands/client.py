"""A client of SMTP for the tests: says lines, reads replies, shakes hands."""
import os
import socket
import ssl
import subprocess


# How many times as long as on a quiet machine something may take.
patience = int(os.environ.get("PATIENCE", "1"))


def anyone(**settings):
    """A context that trusts every server."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def read_to_end(connection):
    """All octets up to the end; one that we are cut off with is an end as well."""
    octets = b""
    while True:
        try:
            more = connection.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return octets
        if not more:
            return octets
        octets += more


def relays():
    """Those that serve a test; a keeper is none."""
    kept = os.environ.get("RELAY_BY") == "keeper"
    mine = "tls-relay %s.*%s/" % ("--keep " if kept else "", os.environ["BATS_TEST_TMPDIR"])
    found = [int(word) for word in subprocess.run(["pgrep", "-f", mine], capture_output=True).stdout.split()]
    if kept:
        found = [process for process in found if parent_of(process) in found]
    return found


def relay():
    [found] = relays()
    return found


def handler_of(process):
    """The runner that a relay works for."""
    if os.environ.get("RELAY_BY") != "keeper":
        return parent_of(process)
    mine = "--tls-relay " + os.environ["BATS_TEST_TMPDIR"] + "/"
    found = subprocess.check_output(["pgrep", "-f", "^[^ ]*smtp-handler .*" + mine]).split()
    [runner] = [int(one) for one in found if parent_of(int(one)) not in map(int, found)]
    return runner


def parent_of(process):
    with open("/proc/%d/status" % process, encoding="ascii") as file:
        return int(file.read().split("PPid:")[1].split()[0])


class Client:
    def __init__(self, port, implicit=False, context=None, source="127.0.0.1"):
        self.context = context or anyone()
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=60 * patience, source_address=(source, 0))
        self.replies = self.socket.makefile("rb")
        if implicit:
            self.shake_hands()
        self.greeting = self.reply()

    def reply(self):
        """The lines of one reply; an empty string at the end of the connection."""
        lines = []
        while True:
            line = self.replies.readline().decode()
            assert line == "" or line.endswith("\r\n"), line
            lines.append(line[:-2])
            if line[3:4] != "-":
                return "\n".join(lines)

    def send(self, octets):
        self.socket.sendall(octets)

    def say(self, *lines):
        """Says each line and returns the reply to the last."""
        for line in lines:
            self.send(line.encode() + b"\r\n")
            reply = self.reply()
        return reply

    def expect(self, code, *lines):
        reply = self.say(*lines)
        assert reply.startswith(code), "%r to %r, not %s" % (reply, lines[-1], code)
        return reply

    def shake_hands(self, name="mx.test"):
        self.socket = self.context.wrap_socket(self.socket, server_hostname=name)
        self.replies = self.socket.makefile("rb")

    def starttls(self, name="mx.test"):
        self.expect("250", "EHLO client.test")
        self.expect("220", "STARTTLS")
        self.shake_hands(name)
        return self.expect("250", "EHLO client.test")

    def begin_message(self, recipient="user@example.org"):
        self.expect("250", "MAIL FROM:<sender@example.net>")
        self.expect("250", "RCPT TO:<%s>" % recipient)
        self.expect("354", "DATA")

    def send_message(self, text="Subject: test\r\n\r\nbody\r\n"):
        self.begin_message()
        return self.say(text + ".")

    def is_over(self):
        return self.reply() == ""

    def wait_for_end(self):
        return read_to_end(self.socket)
