"""Hosts that share a database, behind a proxy, each in a network namespace: for the drill `hosts`."""
import contextlib
import csv
import os
import re
import signal
import socket
import subprocess
import time

import processes
import servers

TOP = servers.TOP
PREFIX = f"check-hosts-{os.getpid()}"
UNITS = "/run/systemd/system"
PROXY, DATABASE, SENDER, HOST = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1%d"


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def systemctl(*words):
    """What fails shows by what becomes of the mail."""
    subprocess.run(["systemctl", "--quiet", *words], stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Namespace:
    """A network namespace, whose one interface is joined to the bridge in ours."""

    def __init__(self, word, address):
        self.name, self.link = f"{PREFIX}-{word}", f"to-{word}"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", self.link, "master", "bridge", "up")
        run("ip", "-n", self.name, "address", "add", address + "/24", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def enter(self, *command):
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def join(self):
        run("ip", "link", "set", self.link, "up")

    def cut(self):
        """What is sent is lost, both ways, and nobody is told."""
        run("ip", "link", "set", self.link, "down")

    def remove(self):
        run("ip", "netns", "delete", self.name)


class Database(servers.PostgreSql):
    """In a namespace; it soon gives up clients that are gone, and what they had begun."""

    SETTINGS = ["tcp-keepalives-idle=5", "tcp-keepalives-interval=2", "tcp-keepalives-count=3",
                "tcp-user-timeout=10s", "idle-in-transaction-session-timeout=10s"]

    def prepare(self):
        super().prepare()
        self.end_server()
        with open(self.data + "/pg_hba.conf", "a") as file:
            file.write("host all all 192.0.2.0/24 trust\n")
        self.serve = self.namespace.enter(
            "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *self.serve[:-1],
            DATABASE, *["--" + setting for setting in self.SETTINGS])
        self.user = None
        self.start()

    def end_server(self):
        if self.server:
            self.server.send_signal(signal.SIGINT)
            self.server.wait()
            self.server = None

    def end(self):
        self.end_server()
        super().end()

    def numbers(self, query):
        return [float(word) for word in self.ask(query).decode().split("|")]

    def count_attempts(self):
        """From now on a mail that is handed over leaves a row, though its key is there."""
        self.ask("CREATE TABLE attempts (key text, at timestamptz DEFAULT clock_timestamp());"
                 "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                 " 'BEGIN INSERT INTO attempts VALUES (NEW.key); RETURN NEW; END';"
                 "CREATE TRIGGER note BEFORE INSERT ON mail FOR EACH ROW EXECUTE FUNCTION note()")

    def mails(self):
        import psycopg2
        with contextlib.closing(psycopg2.connect(self.where)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT recipients, message FROM mail")
            for recipients, message in cursor:
                yield recipients, bytes(message)


class Host:
    """The units of a listener and of a server of LMTP, in a namespace."""

    def __init__(self, number, directory):
        self.word = f"host{number}"
        self.namespace = Namespace(self.word, HOST % number)
        self.name = self.namespace.name
        self.directory, self.home = directory, f"{directory}/{self.word}"
        self.build, self.trouble = "release", None
        os.mkdir(self.home)
        self.choose("release")
        write(self.home + "/conf", self.configuration())
        self.units = {self.name + ".socket": self.socket(), self.name + ".service": self.listener(),
                      self.name + "-lmtp.service": self.lmtp()}
        for unit, text in self.units.items():
            write(f"{UNITS}/{unit}", text)

    def choose(self, build):
        self.build = build
        os.symlink(f"{self.directory}/{build}", self.home + "/new")
        os.replace(self.home + "/new", self.home + "/smtp-handler")

    def configuration(self):
        return f"""hostname {self.word}.test
domain example.org
proxy-protocol
proxy-networks {PROXY}
max-connections-per-source 100
delivery-timeout 30
no-trace
one-recipient
command {self.directory}/lmtp-deliver /run/{self.name}/lmtp
"""

    def socket(self):
        return read(TOP + "/units/smtp.socket").replace(
            "Accept=yes", f"Service={self.name}.service\nNetworkNamespacePath=/run/netns/{self.name}")

    def listener(self):
        """smtp-handler.service under another name, with other files."""
        text = re.sub("(?m)^Wants=.*\n", "", read(TOP + "/units/smtp-handler.service"))
        for old, new in [("/usr/local/sbin", self.home), ("/etc/smtp-handler.conf", self.home + "/conf"),
                         ("smtp.socket", self.name + ".socket"), ("User=smtp-handler", "User=" + self.name),
                         ("StateDirectory=smtp-handler", "StateDirectory=" + self.name)]:
            assert old in text, old
            text = text.replace(old, new)
        return text

    def lmtp(self):
        where = f"host={DATABASE} user=mail dbname=postgres connect_timeout=5 tcp_user_timeout=10000"
        return f"""[Service]
ExecStart={self.directory}/lmtp-postgresql /run/{self.name}/lmtp "{where}"
NetworkNamespacePath=/run/netns/{self.name}
RuntimeDirectory={self.name}
DynamicUser=yes
UMask=0
Restart=always
RestartSec=1
"""

    def start(self):
        systemctl("start", self.name + "-lmtp.service", self.name + ".socket")

    def stop(self):
        """Deliveries end and are answered, by a server of LMTP that is still there."""
        systemctl("stop", self.name + ".socket", self.name + ".service")

    def kill(self, *units):
        for unit in units or [self.name + ".service"]:
            systemctl("kill", "--signal=KILL", "--kill-whom=all", unit)

    def kill_one(self, chance):
        """A process of a session, or a command, or the listener."""
        said = subprocess.run(["systemctl", "show", "-P", "MainPID", self.name + ".service"],
                              stdout=subprocess.PIPE).stdout
        main = int(said or 0)
        found = [main, *processes.below(main)] if main else []
        if found:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(found[int(chance * len(found))], signal.SIGKILL)

    def remove(self):
        if self.trouble:
            self.trouble.join()
        self.stop()
        systemctl("stop", self.name + "-lmtp.service")
        systemctl("reset-failed", *self.units)  # what has failed is not cleaned
        systemctl("clean", "--what=all", self.name + ".service", self.name + "-lmtp.service")
        for unit in self.units:
            os.remove(f"{UNITS}/{unit}")
        self.namespace.remove()


class Proxy:
    """HAProxy, and how long it has no host."""

    def __init__(self, directory, hosts):
        self.namespace = Namespace("proxy", PROXY)
        self.path = directory + "/admin"
        self.seconds_without = 0.0
        lines = [f"    server {host.word} {HOST % number}:25" for number, host in enumerate(hosts, 1)]
        write(directory + "/haproxy.cfg", f"""global
    stats socket {self.path} mode 600 level admin
defaults
    mode tcp
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check 3s
listen smtp
    bind {PROXY}:25
    balance leastconn
    retries 2
    option redispatch 1
    option smtpchk EHLO proxy.test
    option srvtcpka
    srvtcpka-idle 5s
    srvtcpka-intvl 2s
    srvtcpka-cnt 3
    default-server send-proxy-v2 check check-send-proxy inter 500ms fall 2 rise 2 tcp-ut 10s
""" + "\n".join(lines) + "\n")
        self.process = subprocess.Popen(self.namespace.enter("haproxy", "-q", "-db", "-f", directory + "/haproxy.cfg"),
                                        stdin=subprocess.DEVNULL)
        servers.eventually(lambda: os.path.exists(self.path), "HAProxy's socket")

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.path)
            client.sendall(command.encode() + b"\n")
            return client.makefile().read()

    def count_up(self):
        rows = csv.DictReader(self.ask("show stat smtp 4 -1").lstrip("# ").splitlines())
        return sum(row["status"].startswith("UP") for row in rows)

    def watch(self, is_over):
        then = time.monotonic()
        while not is_over.wait(0.05):
            now = time.monotonic()
            if self.count_up() == 0:
                self.seconds_without += now - then
            then = now

    def remove(self):
        self.process.terminate()
        self.process.wait()
        self.namespace.remove()
