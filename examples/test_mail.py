"""Tests with a mail server of their own, for pytest: copy the fixture `mail_server` into conftest.py.

Each message to any address becomes a file, which is whole when the client gets its 250.
"""
import email
import email.policy
import os
import shutil
import smtplib
import subprocess
import time

import pytest


class MailServer:
    """Where it listens, as `host` and `port`, and what it has received."""

    def __init__(self, directory):
        self.directory = directory
        self.mails = directory / "mails"
        self.mails.mkdir()

    def start(self, *command):
        """Starts it; it gives each message to the command, or else keeps it."""
        program = shutil.which("smtp-handler", path=os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin")
        command = command or ("sh", "-c", 'cat >"$0/$TRANSACTION_ID"', self.mails)
        log = self.directory / "log"
        with open(log, "w") as stderr:
            self.process = subprocess.Popen(
                [program, "--listen", "127.0.0.1:0", "--user", str(os.getuid()), "--domain", "*",
                 "--log", "stderr", "--", *command], stderr=stderr)
        while not (said := log.read_text()).startswith("listening on "):
            assert self.process.poll() is None, said
            time.sleep(0.05)
        self.host, self.port = said.split()[2].rsplit(":", 1)

    def messages(self):
        """All that it has kept, the oldest first, as email.message.EmailMessage."""
        return [email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
                for mail in sorted(self.mails.iterdir())]

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def mail_server(tmp_path):
    server = MailServer(tmp_path)
    server.start()
    yield server
    server.stop()


# What is tested: put your own program here.
def send(server):
    with smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("me@example.org", ["you@example.net"], "Subject: hello\n\nIt works.\n")


def test_a_mail_arrives(mail_server):
    send(mail_server)
    [message] = mail_server.messages()
    assert message["Subject"] == "hello"
    assert message["Return-Path"] == "<me@example.org>"
    assert message.get_content() == "It works.\n"


def test_a_refusal_is_told(mail_server):
    mail_server.stop()
    mail_server.start("sh", "-c", "echo 5.2.2 mailbox full; exit 77")
    with pytest.raises(smtplib.SMTPDataError, match="mailbox full"):
        send(mail_server)
    assert mail_server.messages() == []
