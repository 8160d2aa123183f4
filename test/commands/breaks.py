#!/usr/bin/python3
"""breaks.py KIND SOCKET SERVER: passes what comes to SOCKET on to SERVER, a path or ADDRESS:PORT, and its answers back.

KIND is "milter", or "policy": then each line of an answer is a packet. The file `break-at`, if it is there, says behind how many packets of an answer both connections break
off: within the next. The file `passed` tells how many whole packets the last connection has passed.
"""
import os
import socket
import sys
import threading


def break_at():
    try:
        return int(open("break-at").read())
    except FileNotFoundError:
        return None


def receive(end, size):
    octets = b""
    while len(octets) < size and (more := end.recv(size - len(octets))):
        octets += more
    return octets


def milter_packet(server):
    head = receive(server, 4)
    return head + receive(server, int.from_bytes(head, "big")) if len(head) == 4 else b""


def policy_packet(server):
    line = octet = receive(server, 1)
    while octet not in (b"", b"\n"):
        octet = receive(server, 1)
        line += octet
    return line


PACKETS = {"milter": milter_packet, "policy": policy_packet}


def connect(name):
    if "/" in name:
        server = socket.socket(socket.AF_UNIX)
        server.connect(name)
        return server
    address, port = name.split(":")
    return socket.create_connection((address, int(port)))


def answer(client, server, end):
    passed = 0
    while packet := PACKETS[sys.argv[1]](server):
        if passed == end:
            client.sendall(packet[:len(packet) // 2])
            break
        client.sendall(packet)
        passed += 1
    with open("passed.new", "w") as file:
        print(passed, file=file)
    os.rename("passed.new", "passed")


def serve(client, name):
    with client, connect(name) as server:
        ask = threading.Thread(target=pump, args=(client, server))
        ask.start()
        try:
            answer(client, server, break_at())
        except OSError:
            pass
        for end in client, server:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        ask.join()


def pump(source, sink):
    try:
        while octets := source.recv(65536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(sys.argv[2])
    listening.listen()
    while True:
        serve(listening.accept()[0], sys.argv[3])
