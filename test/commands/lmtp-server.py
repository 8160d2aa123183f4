#!/usr/bin/python3
"""lmtp-server.py SOCKET: an LMTP server that says what the lines STEP=REPLY of the file `script` tell.

It serves one connection after the other, and reads the file for each. A STEP is greeting, LHLO, MAIL,
RCPT, DATA, message, or, for one recipient, RCPT:ADDRESS and message:ADDRESS; `offer` has the extensions,
with blanks between them. In a REPLY \\n is a line end, and \\c at its end closes the connection behind what is in front of it.
`said` gets all that the client says, with "--" between what came at once; `content` the last message,
as it came, without its end, or an empty file if it did not end.
"""
import re
import socket
import sys

OFFER = "PIPELINING CHUNKING SIZE 8BITMIME SMTPUTF8 BINARYMIME ENHANCEDSTATUSCODES"


class Closed(Exception):
    pass


class Connection:
    def __init__(self, connection, replies):
        self.connection, self.replies = connection, replies
        self.octets = b""
        self.offer = replies.get("offer", OFFER).split()
        self.recipients = []
        self.is_new = True

    def more(self):
        octets = self.connection.recv(1 << 20)
        if not octets:
            raise Closed
        self.octets += octets
        self.is_new = True

    def say(self, steps, default):
        reply = next((self.replies[step] for step in steps if step in self.replies), default)
        text = reply.replace("\\n", "\r\n").encode("utf-8")
        if text.endswith(b"\\c"):
            self.connection.sendall(text[:-2])
            raise Closed
        self.connection.sendall(text + b"\r\n")
        return text[:1]

    def line(self):
        while b"\r\n" not in self.octets:
            self.more()
        line, self.octets = self.octets.split(b"\r\n", 1)
        with open("said", "ab") as said:
            said.write((b"--\n" if self.is_new else b"") + line + b"\n")
        self.is_new = False
        return line.decode("utf-8", "replace")

    def lhlo(self, _):
        lines = ["mock.test"] + self.offer
        self.say(["LHLO"], "\\n".join("250%s%s" % (" " if i == len(lines) - 1 else "-", line)
                                      for i, line in enumerate(lines)))

    def mail(self, _):
        self.say(["MAIL"], "250 2.1.0 OK")

    def rcpt(self, line):
        address = re.search("<(.*)>", line)[1]
        if self.say(["RCPT:" + address, "RCPT"], "250 2.1.5 OK") == b"2":
            self.recipients.append(address)

    def data(self, _):
        if self.say(["DATA"], "354 Go on") != b"3":
            return
        while not self.octets.startswith(b".\r\n") and b"\r\n.\r\n" not in self.octets:
            self.more()
        if self.octets.startswith(b".\r\n"):
            content, self.octets = b"", self.octets[3:]
        else:
            content, self.octets = self.octets.split(b"\r\n.\r\n", 1)
            content += b"\r\n"
        self.end(content)

    def bdat(self, line):
        size = int(line.split()[1])
        while len(self.octets) < size:
            self.more()
        content, self.octets = self.octets[:size], self.octets[size:]
        self.end(content)

    def end(self, content):
        with open("content", "wb") as file:
            file.write(content)
        for address in self.recipients:
            self.say(["message:" + address, "message"], "250 2.0.0 <%s> saved" % address)

    def serve(self):
        verbs = {"LHLO": self.lhlo, "MAIL": self.mail, "RCPT": self.rcpt, "DATA": self.data, "BDAT": self.bdat}
        self.say(["greeting"], "220 mock.test LMTP")
        while True:
            line = self.line()
            verb = line.split()[0]
            if verb == "QUIT":
                return
            verbs[verb](line)


def main():
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen(16)
    while True:
        connection, _ = server.accept()
        with open("script", encoding="utf-8", newline="\n") as script:
            replies = dict(line.rstrip("\n").split("=", 1) for line in script)
        with connection:
            open("content", "wb").close()
            try:
                Connection(connection, replies).serve()
            except (Closed, ConnectionError):
                pass


main()
