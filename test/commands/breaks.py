#!/usr/bin/python3
"""breaks.py SOCKET SERVER: passes what comes to SOCKET on to the milter on SERVER, and its answers back.

The file `break-at`, if it is there, says behind how many packets of an answer both connections break
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


def answer(client, server, end):
    passed = 0
    while len(head := receive(server, 4)) == 4:
        packet = head + receive(server, int.from_bytes(head, "big"))
        if passed == end:
            client.sendall(packet[:len(packet) // 2])
            break
        client.sendall(packet)
        passed += 1
    with open("passed.new", "w") as file:
        print(passed, file=file)
    os.rename("passed.new", "passed")


def serve(client, path):
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
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
    listening.bind(sys.argv[1])
    listening.listen()
    while True:
        serve(listening.accept()[0], sys.argv[2])
