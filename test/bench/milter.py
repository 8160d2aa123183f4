#!/usr/bin/python3
"""milter.py SOCKET: a milter that wants to see everything, and accepts each message at its end."""
import os
import socketserver
import struct
import sys


def answer_to(command):
    if command == b"O":
        return b"O" + struct.pack("!III", 6, 0, 0)
    return b"a" if command == b"E" else b"c"


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(4)) == 4:
            command = self.rfile.read(struct.unpack("!I", head)[0])[:1]
            if command not in b"ADQK":
                answer = answer_to(command)
                self.request.sendall(struct.pack("!I", len(answer)) + answer)


class Server(socketserver.ThreadingUnixStreamServer):
    request_queue_size = 128
    daemon_threads = True


with Server(sys.argv[1], Session) as server:
    os.chmod(sys.argv[1], 0o666)
    server.serve_forever()
