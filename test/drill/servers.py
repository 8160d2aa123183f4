"""The engines that mail is handed to: real servers, each on loopback or a Unix socket, with data in
a directory of its own. An engine has:

- command: what hands a message to it;
- start, kill, stop_for_a_while; `server` is the process, None for an engine without one;
- messages(): all that it has, as (key, message);
- full(): a context in which it takes nothing more, or takes it too late, in words;
- once: whether it drops what has a known key;
- several: recipients of one message.
"""
import contextlib
import glob
import http.server
import os
import pwd
import signal
import socket
import sqlite3
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 90


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(condition, what):
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not in {START_SECONDS} seconds: {what}")
        time.sleep(0.02)


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True


def table_of(name):
    """The statement in the comment of the script."""
    with open(f"{TOP}/examples/{name}") as script:
        return "CREATE TABLE" + script.read().split("CREATE TABLE")[1].split(";")[0].replace("#", "")


class Engine:
    once = True
    server = None
    each = False  # whether it keeps a copy for each recipient
    several = ["\"b'$(x)\"@example.org", "a@example.org"]  # recipients
    user = None  # who runs the server, if that may not be root

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.log = open(directory + "/log", "ab")

    def script(self, *arguments):
        return [f"{TOP}/examples/{self.name}", *arguments]

    def prepare(self):
        """Makes what is there before the first mail."""

    def run(self, *command, **more):
        extra = {"user": self.user, "group": "nogroup", "extra_groups": []} if self.user else {}
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
            cwd=self.directory, start_new_session=True, **extra, **more)

    def is_ready(self):
        return accepts(self.port)

    def start(self):
        def works():
            if self.server is None or self.server.poll() is not None:
                self.server = self.run(*self.serve, env=self.environment)
            return self.is_ready()

        if self.serve:
            eventually(works, f"{self.name}'s server, see {self.directory}/log")

    serve = []
    environment = None

    def kill(self):
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server = None

    def end(self):
        self.kill()
        self.log.close()

    @contextlib.contextmanager
    def slow(self):
        """It answers nothing."""
        self.server.send_signal(signal.SIGSTOP)
        yield
        self.server.send_signal(signal.SIGCONT)

    full = None


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted, by its key, before it answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        octets = self.rfile.read(int(self.headers["Content-Length"]))
        status = int(self.path[1:] or 200)
        if status // 100 == 2:
            name = self.headers["Idempotency-Key"]
            with open(name + ".partial", "wb") as file:
                file.write(octets)
            os.rename(name + ".partial", name)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Http(Engine):
    name = "to-http"

    def prepare(self):
        os.mkdir(self.directory + "/kept")
        self.serve = [sys.executable, os.path.abspath(__file__), str(self.port),
                      self.directory + "/kept"]
        self.command = self.script(f"http://127.0.0.1:{self.port}/")

    def messages(self):
        for path in glob.glob(self.directory + "/kept/" + "?" * 64):
            with open(path, "rb") as file:
                yield os.path.basename(path), file.read()

    @contextlib.contextmanager
    def full(self):
        self.command[1] += "507"
        yield "507"
        self.command[1] = self.command[1][:-3]


class Redis(Engine):
    name = "to-redis"

    def prepare(self):
        self.serve = ["redis-server", "--port", "0", "--unixsocket", self.directory + "/socket",
                      "--dir", self.directory, "--appendonly", "yes", "--appendfsync", "always",
                      "--save", ""]
        self.command = self.script("mail", "-s", self.directory + "/socket")

    def ask(self, *words):
        return subprocess.run(
            ["redis-cli", "-s", self.directory + "/socket", "-e", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def is_ready(self):
        return self.ask("PING") == b"PONG\n"

    def kill(self):
        super().kill()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.directory + "/socket")

    def messages(self):
        import redis  # python3-redis
        with contextlib.closing(redis.Redis(unix_socket_path=self.directory + "/socket")) as server:
            for _, fields in server.xrange("mail"):
                yield fields[b"key"].decode(), fields[b"message"]

    @contextlib.contextmanager
    def full(self):
        self.ask("CONFIG", "SET", "maxmemory", "1mb")
        yield "maxmemory"
        self.ask("CONFIG", "SET", "maxmemory", "0")


class RabbitMq(Engine):
    name = "to-rabbitmq"
    once = False
    names = None  # its service of names

    def prepare(self):
        epmd, distribution = free_port(), free_port()
        self.environment = dict(
            os.environ, HOME=self.directory, ERL_EPMD_PORT=str(epmd), ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_NODENAME="mail@localhost", RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(self.port), RABBITMQ_DIST_PORT=str(distribution),
            RABBITMQ_MNESIA_BASE=self.directory + "/data", RABBITMQ_LOG_BASE=self.directory,
            RABBITMQ_CONFIG_FILE=self.directory + "/none", RABBITMQ_ALLOW_INPUT="true",
            RABBITMQ_ENABLED_PLUGINS_FILE=self.directory + "/plugins",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}")
        self.sbin = glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")[0]
        self.serve = [self.sbin + "/rabbitmq-server"]
        self.names = self.run("epmd", "-port", str(epmd), env=self.environment)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self.command = self.script("mail", self.url + "?blocked_connection_timeout=3")
        self.start()
        subprocess.run(self.script("--declare", "mail", self.url), check=True)
        time.sleep(5)  # it writes down what queues there are now and then

    def is_ready(self):
        with contextlib.suppress(Exception), contextlib.closing(self.connect()):
            return True

    def connect(self):
        import pika
        return pika.BlockingConnection(pika.URLParameters(self.url))

    def control(self, *words):
        subprocess.run([self.sbin + "/rabbitmqctl", "-q", *words], env=self.environment, check=True,
                       stdout=self.log, stderr=self.log)

    def messages(self):
        with contextlib.closing(self.connect()) as connection:
            channel = connection.channel()
            while True:
                method, properties, body = channel.basic_get("mail")
                if method is None:
                    break
                yield properties.message_id, body  # and it goes back when the connection is closed

    @contextlib.contextmanager
    def full(self):
        self.control("set_policy", "full", "mail",
                     '{"max-length":1,"overflow":"reject-publish"}')
        yield "max-length"
        self.control("clear_policy", "full")

    @contextlib.contextmanager
    def blocked(self):
        self.control("set_vm_memory_high_watermark", "0.00001")
        yield "alarm"
        self.control("set_vm_memory_high_watermark", "0.4")

    def end(self):
        super().end()
        if self.names:
            self.names.kill()
            self.names.wait()


class PostgreSql(Engine):
    name = "to-postgresql"
    user = "nobody" if os.getuid() == 0 else None

    def prepare(self):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.data = self.directory + "/data"
        os.mkdir(self.data)
        if self.user:
            os.chown(self.directory, pwd.getpwnam(self.user).pw_uid, -1)
            os.chown(self.data, pwd.getpwnam(self.user).pw_uid, -1)
        made = self.run(self.bin + "/initdb", "-D", self.data, "-U", "mail", "-A", "trust",
                        "-E", "UTF8", "--locale=C")
        if made.wait() != 0:
            sys.exit(f"initdb: see {self.directory}/log")
        self.serve = [self.bin + "/postgres", "-D", self.data, "-k", self.directory, "-h", ""]
        self.where = f"host={self.directory} user=mail dbname=postgres"
        self.command = self.script(self.where)
        self.start()
        self.ask(table_of(self.name))

    def ask(self, text):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-d", self.where, "-c", text],
                              stdout=subprocess.PIPE, stderr=self.log).stdout

    def is_ready(self):
        return self.ask("SELECT 1") == b"1\n"

    def messages(self):
        import psycopg2
        with contextlib.closing(psycopg2.connect(self.where)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT key, message FROM mail")
            for key, message in cursor:
                yield key, bytes(message)

    @contextlib.contextmanager
    def full(self):
        """A file that may not grow stands for a disk that is full."""
        self.ask("CREATE TABLE filler AS SELECT")  # so that the limit is not the first file's
        self.limit("4096:")
        yield "file limit"
        self.limit("unlimited:")

    def limit(self, octets):
        limited = self.run("prlimit", f"--pid={self.server.pid}", f"--fsize={octets}")
        if limited.wait() != 0:
            sys.exit(f"prlimit: see {self.directory}/log")

    @contextlib.contextmanager
    def blocked(self):
        import psycopg2
        with contextlib.closing(psycopg2.connect(self.where)) as connection:
            connection.cursor().execute("LOCK TABLE mail")
            yield "lock"


class LmtpPostgreSql(PostgreSql):
    """The program that stays is killed, not the server behind it."""

    name = "lmtp-postgresql"
    several = ["a@example.org"]
    behind = None
    full = None

    def prepare(self):
        self.behind = PostgreSql(self.directory)
        self.behind.prepare()
        self.where = self.behind.where
        self.user = None
        self.serve = self.script(self.directory + "/lmtp", self.where)
        self.command = [TOP + "/helpers/lmtp-deliver/lmtp-deliver", self.directory + "/lmtp"]

    def is_ready(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(self.directory + "/lmtp")
            return True

    def end(self):
        super().end()
        if self.behind:
            self.behind.end()


class Nats(Engine):
    name = "to-nats"

    def prepare(self):
        with open(self.directory + "/conf", "w") as file:
            file.write(f'listen: "127.0.0.1:{self.port}"\nmax_payload: 32MB\n'
                       f'jetstream {{ store_dir: "{self.directory}/store" }}\n')
        self.serve = ["nats-server", "-c", self.directory + "/conf"]
        self.command = self.script("MAIL", "mail.in", f"nats://127.0.0.1:{self.port}")
        self.config = {"name": "MAIL", "subjects": ["mail.in"], "storage": "file",
                       "discard": "new", "retention": "limits", "num_replicas": 1,
                       "duplicate_window": 7 * 24 * 3600 * 10**9}
        self.start()
        self.ask("STREAM.CREATE.MAIL", self.config)

    def ask(self, subject, what):
        import json
        with socket.create_connection(("127.0.0.1", self.port), 30) as server:
            lines = server.makefile("rb")
            lines.readline()
            octets = json.dumps(what).encode()
            server.sendall(b'CONNECT {"verbose":false}\r\nSUB i 1\r\nPUB $JS.API.%s i %d\r\n%s\r\n'
                           % (subject.encode(), len(octets), octets))
            words = lines.readline().split()
            answer = json.loads(lines.read(int(words[-1])))
            if "error" in answer:
                raise RuntimeError(answer)
            return answer

    def messages(self):
        import base64
        state = self.ask("STREAM.INFO.MAIL", {})["state"]
        for number in range(state["first_seq"], state["last_seq"] + 1):
            message = self.ask("STREAM.MSG.GET.MAIL", {"seq": number})["message"]
            fields = base64.b64decode(message["hdrs"]).decode()
            key = fields.split("Nats-Msg-Id: ")[1].split("\r\n")[0]
            yield key, base64.b64decode(message.get("data", ""))

    @contextlib.contextmanager
    def full(self):
        size = self.ask("STREAM.INFO.MAIL", {})["state"]["bytes"]  # below that it would drop mail
        self.ask("STREAM.UPDATE.MAIL", {**self.config, "max_bytes": size + 1})
        yield "max_bytes"
        self.ask("STREAM.UPDATE.MAIL", {**self.config, "max_bytes": -1})


class SqLite(Engine):
    name = "to-sqlite"

    def prepare(self):
        self.file = self.directory + "/mail.db"
        with contextlib.closing(sqlite3.connect(self.file)) as base:
            base.execute(table_of(self.name))
        self.command = self.script(self.file)

    def messages(self):
        with contextlib.closing(sqlite3.connect(self.file)) as base:
            yield from base.execute("SELECT key, message FROM mail")

    @contextlib.contextmanager
    def full(self):
        command, self.command = self.command, limited(self.command)
        yield "file limit"
        self.command = command

    @contextlib.contextmanager
    def slow(self):
        with contextlib.closing(sqlite3.connect(self.file)) as base:
            base.execute("BEGIN EXCLUSIVE")
            yield


def limited(command):
    return ["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh", *command]


class Maildirs(Engine):
    name = "to-maildirs"
    slow = None
    each = True
    several = ["a@example.org", "B+x@example.org"]

    def prepare(self):
        self.command = self.script(self.directory)

    def messages(self):
        for path in glob.glob(self.directory + "/*/new/*"):
            with open(path, "rb") as file:
                yield os.path.basename(path), file.read()

    @contextlib.contextmanager
    def full(self):
        command, self.command = self.command, limited(self.command)
        yield "file limit"
        self.command = command


ENGINES = [Http, Redis, RabbitMq, PostgreSql, LmtpPostgreSql, Nats, SqLite, Maildirs]

if __name__ == "__main__":
    os.chdir(sys.argv[2])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
