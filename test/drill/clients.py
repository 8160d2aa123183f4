"""A client for the drills, which need not be a good one."""
import collections
import contextlib
import itertools
import select
import socket
import struct

SECONDS_TO_HANG = 120  # for a client that the handler does not end


class Wrong(Exception):
    """What the handler should not have done."""


def check(is_right, *words):
    if not is_right:
        raise Wrong(" ".join(str(word) for word in words))


class Client:
    def __init__(self, port):
        self.codes = collections.Counter()
        self.replies = collections.deque()  # that were not looked at yet
        self.last = b""
        self.partial = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_HANG)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hear(self):
        """Takes what has come; false at the end."""
        try:
            octets = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        *lines, self.partial = (self.partial + octets).split(b"\r\n")
        for line in lines:
            if line[3:4] == b"-":
                continue
            self.codes[line[:3].decode()] += 1
            self.replies.append(line)
            self.last = line
        return octets != b""

    def reply(self, code):
        """Waits for one more reply, which is to have this code."""
        while not self.replies and self.hear():
            pass
        check(self.replies, "instead of a", code, "came nothing")
        line = self.replies.popleft()
        check(line.startswith(code.encode()), "instead of a", code, "came", line)

    def say(self, octets, *codes):
        """Says it all at once; the replies, the greeting perhaps among them, have these codes."""
        self.socket.sendall(octets)
        for code in codes:
            self.reply(code)

    def flood(self, pieces):
        """Says these as quickly as they are taken, hearing the replies, until the end."""
        self.socket.setblocking(False)
        pieces = iter(pieces)
        rest = next(pieces)
        while True:
            ready = select.select([self.socket], [self.socket] if rest else [], [], SECONDS_TO_HANG)
            check(any(ready), "it hangs")
            if ready[0] and not self.hear():
                return
            self.replies.clear()
            if ready[1]:
                rest = self.send_some(memoryview(rest), pieces)

    def send_some(self, octets, pieces):
        """What is to be sent next: nothing where it is not taken any more."""
        try:
            return octets[self.socket.send(octets):] or next(pieces, b"")
        except BlockingIOError:
            return octets
        except ConnectionError:
            return b""

    def is_ended(self):
        return bool(select.select([self.socket], [], [], 0)[0]) and not self.hear()

    def trickle(self, octets, seconds):
        """Says one of them after the other, over and over, until the session is ended."""
        for octet in itertools.cycle(octets):
            if self.is_ended():
                return
            with contextlib.suppress(ConnectionError):
                self.socket.send(bytes([octet]))
            select.select([self.socket], [], [], seconds)

    def read_little(self):
        """From now on the system keeps few replies that nobody reads."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def wait_for_octets(self):
        """Until the first have come, which are not taken."""
        check(select.select([self.socket], [], [], SECONDS_TO_HANG)[0], "there is no greeting")

    def send_for_a_while(self, octets):
        """Says what can be said within a tenth of a second."""
        self.socket.settimeout(0.1)
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.socket.sendall(octets)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def expect_codes(self, codes):
        check(self.codes == codes, "these replies came:", dict(self.codes), self.last)

    def expect_cut(self, words):
        check(self.last.startswith(b"421 ") and words in self.last, "it ended with", self.last)
