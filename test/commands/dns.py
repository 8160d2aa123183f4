#!/usr/bin/python3
"""dns.py FILE: serves the lines "NAME TEXT" of the file as TXT records on 127.0.0.1, port 53; all else does not exist.

FILE.served is there when it serves.
"""
import socket
import struct
import sys


def record(text):
    pieces = b"".join(bytes([len(text[at:at + 255])]) + text[at:at + 255].encode() for at in range(0, len(text), 255))
    return b"\xc0\x0c\0\x10\0\1\0\0\0\x3c" + struct.pack("!H", len(pieces)) + pieces


def answer(query, texts):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    question = query[12:at + 5]
    text = texts.get(".".join(labels)) if question[-4:-2] == b"\0\x10" else None
    found = text is not None
    head = query[:2] + (b"\x85\x80" if found else b"\x85\x83") + struct.pack("!HHHH", 1, found, 0, 0)
    return head + question + (record(text) if found else b"")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        texts = dict(line.rstrip("\n").split(" ", 1) for line in file)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    with open(sys.argv[1] + ".served", "w", encoding="ascii"):
        pass
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, texts), client)


main()
