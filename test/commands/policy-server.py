"""A server of Postfix's policy protocol, which does what it is told, once for each connection or question.

usage: policy-server.py SOCKET RECORD MODE [ANSWER...]

SOCKET is a port of loopback or the path of a Unix socket. Each whole question goes to the file RECORD, behind
the number of its connection. ANSWER is what follows "action=", in which \\n, \\0 and the like are written so;
of several each question gets the next, and then the last again. MODE:

answer          answers, and keeps the connection
answer-close    answers, and closes it
raw             sends ANSWER alone, without "action=" and the empty line
break-answer    connection 2n and 2n+1: closes behind n octets of the answer; if that is all of it, goes on
break-question  connection 2n and 2n+1: closes behind n octets of the question
drop            closes at once
hang            reads, and never answers
hang-behind     sends all of the answer but its last octet, and never that
crowded         takes no connection
"""

import os
import socket
import sys
import threading
import time

where, record, mode = sys.argv[1:4]
actions = [text.encode().decode("unicode_escape").encode("latin-1") for text in sys.argv[4:]]
answers = actions if mode == "raw" else [b"action=" + action + b"\n\n" for action in actions]
taken = 0
lock = threading.Lock()


def next_answer():
    global taken
    with lock:
        taken += 1
        return answers[min(taken, len(answers)) - 1]


def read_question(connection):
    question = b""
    while not question.endswith(b"\n\n"):
        more = connection.recv(65536)
        if not more:
            return None
        question += more
    return question


def serve(connection, number):
    if mode == "drop":
        return
    if mode == "break-question":
        left = number // 2
        while left > 0:
            left -= len(connection.recv(left)) or left
        return
    while question := read_question(connection):
        with lock, open(record, "ab") as file:
            file.write(b"connection=%d\n" % number + question)
        if mode == "hang":
            continue
        answer = next_answer()
        if mode == "break-answer" and number // 2 < len(answer):
            connection.sendall(answer[: number // 2])
            return
        if mode == "hang-behind":
            connection.sendall(answer[:-1])
            continue
        connection.sendall(answer)
        if mode == "answer-close":
            return


def run(connection, number):
    with connection:
        try:
            serve(connection, number)
        except OSError:
            pass


listener = socket.socket(socket.AF_INET if where.isdigit() else socket.AF_UNIX)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(where)) if where.isdigit() else where)
listener.listen(0 if mode == "crowded" else 128)
open(record, "ab").close()
os.rename(record, record)
if mode == "crowded":
    time.sleep(3600)
count = 0
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=run, args=(accepted, count), daemon=True).start()
    count += 1
