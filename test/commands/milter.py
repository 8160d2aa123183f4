#!/usr/bin/python3
"""milter.py SOCKET: a milter that answers as the file `scripts`, in JSON, tells, which it reads for each connection.

SOCKET is a path, or ADDRESS:PORT. A script is known by the local part of the message's first recipient, or is "*":
for each command of the protocol, such as "M" or "E", the packets that answer it, else "c". A packet is a list of its
command, numbers of 32 bits, and strings, which end with NUL; ["raw", TEXT] are octets as they are, ["close"] breaks
off, ["sleep", SECONDS] waits. Beside the scripts may stand "offer", the answer to the negotiation: version, actions,
protocol, and what follows; "packets" and "octets": after how many of the MTA's packets, or of its own octets, it
breaks off. The file `said` gets what the MTA says, a packet a line, with "|" for NUL, and "--" before what was read
at once.
"""
import json
import os
import socket
import struct
import sys
import threading
import time

SILENT = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "L": 0x80, "N": 0x40000, "B": 0x80000}
NEVER = "DAQK"


class Closed(Exception):
    pass


def escape(octets):
    return octets.decode("latin-1").replace("\\", "\\\\").replace("\0", "|").replace("\r", "\\r").replace("\n", "\\n")


class Connection:
    def __init__(self, connection):
        self.connection, self.octets = connection, b""
        with open("scripts", encoding="utf-8") as scripts:
            self.scripts = json.load(scripts)
        self.script = self.scripts.get("*", {})
        self.offer = self.scripts.get("offer", [6, 0x1FF, 0])
        self.packets_left = self.scripts.get("packets", -1)
        self.octets_left = self.scripts.get("octets", -1)

    def note(self, line):
        with open("said", "a", encoding="utf-8") as said:
            said.write(line + "\n")

    def read(self, count):
        while len(self.octets) < count:
            octets = self.connection.recv(1 << 20)
            if not octets:
                raise Closed
            self.octets += octets
            self.note("--")
        octets, self.octets = self.octets[:count], self.octets[count:]
        return octets

    def packet(self):
        length = struct.unpack("!I", self.read(4))[0]
        octets = self.read(length)
        return octets[:1].decode(), octets[1:]

    def send(self, octets):
        if 0 <= self.octets_left <= len(octets):
            self.connection.sendall(octets[:self.octets_left])
            raise Closed
        self.octets_left -= len(octets)
        self.connection.sendall(octets)

    def answer(self, packet):
        if packet[0] == "close":
            raise Closed
        if packet[0] == "sleep":
            time.sleep(packet[1])
            return
        if packet[0] == "raw":
            self.send(packet[1].encode("latin-1"))
            return
        octets = packet[0].encode()
        for value in packet[1:]:
            if isinstance(value, int):
                octets += struct.pack("!I", value)
            elif isinstance(value, dict):
                octets += value["raw"].encode("latin-1")
            else:
                octets += value.encode("latin-1") + b"\0"
        self.send(struct.pack("!I", len(octets)) + octets)

    def take(self, command, data):
        if command == "R":
            key = data.split(b"\0")[0].strip(b"<>").split(b"@")[0].decode("latin-1")
            self.script = self.scripts.get(key, self.script)
        if command == "O":
            self.answer(["O"] + self.offer)
        elif command in self.script:
            for packet in self.script[command]:
                self.answer(packet)
        elif command not in NEVER and not self.offer[2] & SILENT.get(command, 0):
            self.answer(["c"])

    def serve(self):
        while True:
            command, data = self.packet()
            self.note((command + " " + escape(data)).rstrip(" "))
            if command == "Q" or self.packets_left == 0:
                return
            self.packets_left -= 1
            self.take(command, data)


def serve(connection):
    with connection:
        try:
            Connection(connection).serve()
        except (Closed, ConnectionError):
            pass


def main():
    name = sys.argv[1]
    if "/" in name:
        server = socket.socket(socket.AF_UNIX)
        server.bind(name)
        os.chmod(name, 0o666)
    else:
        address, port = name.rsplit(":", 1)
        server = socket.create_server((address.strip("[]"), int(port)), reuse_port=True,
                                      family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.listen(128)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
