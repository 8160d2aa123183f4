load systemd
load certificates

# TLS and passwords under systemd: the key is with tls-relay.service alone, and the passwords reach the
# service of a session as a credential.

# bats file_tags=disposable

secrets=/etc/smtp-handler
offered='tls-relay /run/smtp-handler/tls'

# make_secrets [NAME]: a certificate for NAME or mx.test, and the password of joe.
make_secrets() {
    install -d -m 700 "$secrets"
    afterwards rm -rf "$secrets"
    self_signed "$secrets/tls" "${1:-mx.test}"
    echo "joe:$(hashed secret)" >"$secrets/passwords"
    chmod 600 "$secrets"/*
}

# serve_tls LINE...: as serve, and port 25 offers STARTTLS.
serve_tls() {
    serve "$offered" "$@"
    systemctl start tls-relay.socket
}

# submit URL [PASSWORD]: sends a message as joe, to a recipient elsewhere.
submit() {
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --max-time 100 --insecure --ssl-reqd --url "$1" --user "joe:${2:-secret}" \
            --mail-from joe@example.org --mail-rcpt you@elsewhere.example --upload-file -
}

# send_by_tls: sends a message to port 25.
send_by_tls() {
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --max-time 100 --insecure --ssl-reqd --url smtp://127.0.0.1 --mail-from a@example.net \
            --mail-rcpt user@example.org --upload-file -
}

# with_client [ARGUMENT...]: runs the Python on standard input, which finds Client.
with_client() {
    { printf 'import sys\nfrom client import *\narguments = sys.argv[1:]\n' && cat; } | PYTHONPATH=$commands python3 - "$@"
}

# A delivery command that tells what it sees.
tell() {
    script deliver <<'SCRIPT'
#!/bin/sh
for name in tls.key tls.crt passwords; do
    for directory in "$CREDENTIALS_DIRECTORY" /run/credentials/tls-relay.service /etc/smtp-handler; do
        cat "$directory/$name" >/dev/null 2>&1 && seen="$seen $directory/$name"
    done
done
echo "$CLIENT_PROTOCOL $SASL_USERNAME $TLS_PROTOCOL sees nothing$seen"
SCRIPT
}

told() { field SMTP_TEXT SMTP_EVENT=trouble | grep -q "$1"; }

# bats test_tags=instances
@test "a user with a password submits mail to any recipient, with STARTTLS or TLS from the start" {
    make_secrets
    tell
    serve "command $scripts/deliver"
    systemctl start submission.socket submissions.socket
    submit smtp://127.0.0.1:587
    submit smtps://127.0.0.1:465
    field SMTP_REPLY SMTP_EVENT=message >said
    cat said
    [ "$(grep -cx 'ESMTPSA joe TLSv1.3 sees nothing' said)" = 2 ]
    refute submit smtp://127.0.0.1:587 wrong
    [ "$(field SMTP_RESULT SMTP_EVENT=auth | sort | tr '\n' ' ')" = 'accepted accepted refused ' ]
    journal >everything
    grep -q 'auth result=accepted .*user=joe' everything
    refute grep -e secret -e "$(printf '\0joe\0secret' | base64)" -e "$(printf secret | base64)" everything
    eventually nothing_is_left
    # What the units forbid keeps nobody from confining himself.
    journal >everything
    grep -q 'connection .* ended=' everything
    refute grep -q unconfined= everything
}

# bats test_tags=instances
@test "on the submission port there is no mail without TLS, nor without a password" {
    make_secrets
    serve
    systemctl start submission.socket
    port=587
    client 9
    printf 'EHLO c\r\nMAIL FROM:<joe@example.org>\r\nQUIT\r\n' >&9
    from_wire <&9 >said
    grep -q '^250-STARTTLS' said
    refute grep -q '^250.AUTH' said
    grep -q '^530 5.7.0 Must issue a STARTTLS command first' said
    printf 'EHLO c\r\nMAIL FROM:<joe@example.org>\r\nQUIT\r\n' |
        openssl s_client -quiet -starttls smtp -connect 127.0.0.1:587 >said 2>&1
    grep -q '^530 5.7.0 Authentication required' said
}

# bats test_tags=instances
@test "a submission port whose certificate or passwords are missing answers 421 until they are there, and the journal names the file" {
    serve
    systemctl start submission.socket submissions.socket
    for name in tls.crt tls.key passwords; do
        make_secrets
        systemctl stop tls-relay.service # it has the files of before
        rm "$secrets/$name"
        port=587
        client 9
        grep -q '^421 4.3.5 ' <<<"$greeting"
        exec 9>&-
        eventually told "/$name: nothing is in it"
        [ -z "$(openssl s_client -quiet -connect 127.0.0.1:465 </dev/null 2>/dev/null)" ]
    done
    [ "$(field SMTP_TEXT SMTP_EVENT=trouble _SYSTEMD_UNIT=tls-relay.service)" = '' ]
    make_secrets
    submit smtp://127.0.0.1:587
    submit smtps://127.0.0.1:465
    systemctl is-active submission.socket submissions.socket
    eventually nothing_is_left
}

@test "without a socket, a certificate or a key mail goes on in plaintext, with a line in the journal for each connection" {
    try() {
        client 9
        in_turn 9 'EHLO c' QUIT >said
        grep -q '^250-PIPELINING' said
        refute grep STARTTLS said
        eventually has_line "$1"
        send
    }
    has_line() { [ "$(field SMTP_TEXT SMTP_EVENT=trouble | grep -c "$1; STARTTLS is not offered; see ")" = 1 ]; }
    serve "$offered"
    try 'option tls-relay: /run/smtp-handler/tls: No such file or directory'
    systemctl start tls-relay.socket
    try '/tls.crt: nothing is in it'
    make_secrets
    rm "$secrets/tls.key"
    try '/tls.key: nothing is in it'
    eventually nothing_is_left
    make_secrets
    send_by_tls
    [ "$(field SMTP_TEXT SMTP_EVENT=trouble | wc -l)" = 6 ] # curl's EHLO, too
    serve "$offered" 'tls required'
    systemctl stop tls-relay.socket tls-relay.service
    client 9
    grep -q '^421 4.3.5 ' <<<"$greeting"
}

served_name() {
    openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null | subject
}

@test "a renewed certificate serves the next client when tls-relay.service is restarted, or at the latest a day later" {
    make_secrets first.test
    serve_tls
    [ "$(served_name)" = first.test ]
    self_signed "$secrets/tls" second.test rsa:2048
    [ "$(served_name)" = first.test ]
    systemctl try-restart tls-relay.service
    [ "$(served_name)" = second.test ]
    [ "$(systemctl show -P RuntimeMaxUSec tls-relay.service)" = 1d ]
    install -D -m 644 <(printf '[Service]\nRuntimeMaxSec=1\n') "$units/tls-relay.service.d/short.conf"
    self_signed "$secrets/tls" third.test
    systemctl daemon-reload
    systemctl try-restart tls-relay.service
    self_signed "$secrets/tls" fourth.test
    eventually serves fourth.test
    self_signed "$secrets/tls" fifth.test
    eventually serves fifth.test
}
serves() { [ "$(served_name)" = "$1" ]; }

@test "restarting tls-relay.service under load hurts no connection" {
    make_secrets
    serve_tls
    with_client <<'END'
import subprocess, threading, time
idle = Client(25)
idle.starttls()
writing = Client(25)
writing.starttls()
writing.begin_message()
failures, served, over = [], [], threading.Event()
def keep_sending(source):
    while not over.is_set():
        try:
            client = Client(25, source=source)
            client.starttls()
            assert client.send_message().startswith("250"), "message"
            client.expect("221", "QUIT")
            served.append(1)
        except Exception as trouble:
            failures.append(repr(trouble))
            return
threads = [threading.Thread(target=keep_sending, args=("127.0.0.%d" % (2 + n),), daemon=True) for n in range(8)]
for thread in threads:
    thread.start()
kill = "systemctl", "kill", "--signal=KILL", "--kill-who=main"
for how in [("systemctl", "restart")] * 8 + [kill] * 3:
    before = len(served)
    subprocess.run([*how, "tls-relay.service"], check=True)
    writing.send(b"a line\r\n")
    until = time.monotonic() + 100
    while len(served) < before + 8 and not failures and time.monotonic() < until:
        time.sleep(0.01)
over.set()
for thread in threads:
    thread.join()
print(len(served), "served")
assert not failures, failures
writing.expect("250", ".")
assert idle.send_message().startswith("250")
for client in idle, writing:
    client.expect("221", "QUIT")
    assert client.is_over()
END
    [ -z "$(field SMTP_TEXT SMTP_EVENT=trouble)" ]
    journal -u tls-relay.service | refute grep unconfined
}

@test "with tls-relay in the configuration port 25 offers STARTTLS, and the command sees neither key nor certificate" {
    make_secrets
    tell
    serve_tls "command $scripts/deliver"
    send_by_tls
    [ "$(field SMTP_REPLY SMTP_EVENT=message)" = 'ESMTPS  TLSv1.3 sees nothing' ]
    [ "$(field SMTP_TLS SMTP_EVENT=message)" = TLSv1.3 ]
    # Mail in plaintext goes, too, and into a Maildir, to which each message is renamed.
    send
    serve_tls
    send_by_tls
    [ "$(find "$state/Maildir/new" -type f | wc -l)" = 1 ]
}

@test "nobody but the keeper can read the key: neither a session nor a command, by any file or process" {
    make_secrets
    script deliver <<'SCRIPT'
#!/bin/sh
# Everything below the processes and the credentials that can be seen, and what root's files are called.
find /proc /run/credentials /run/systemd /etc/smtp-handler -xdev -type f \( -name 'tls.*' -o -name mem -o -name maps -o -name environ \) 2>/dev/null >paths
find /run/credentials /etc/smtp-handler -type f 2>/dev/null >>paths
for path in /etc/smtp-handler/tls.key /run/credentials/tls-relay.service/tls.key $(cat others); do
    head -c 1 "$path" >/dev/null 2>&1 && echo "$path" >>seen
done
grep -lr 'PRIVATE KEY' /run /etc/smtp-handler 2>/dev/null >>seen
[ ! -s seen ] || echo "4.0.0 $(tr '\n' ' ' <seen)"
SCRIPT
    serve_tls "command sh -c \"cd /var/lib/smtp-handler && $scripts/deliver\""
    send_by_tls # makes the directory
    with_client "$state" "$(id -u smtp-handler)" "$(id -g smtp-handler)" <<'END'
import subprocess
def ids(process):
    with open("/proc/%s/status" % process) as file:
        return [line.split()[1] for line in file if line.startswith("Uid:")][0]
client = Client(25)
client.starttls()
keeper = subprocess.check_output(["systemctl", "show", "-P", "MainPID", "tls-relay.service"], text=True).strip()
with open("/proc/%s/task/%s/children" % (keeper, keeper)) as file:
    [relay] = file.read().split()
owner = subprocess.check_output(["id", "-u", "smtp-handler-tls"], text=True).strip()
assert ids(keeper) == ids(relay) == owner != arguments[1]
sessions = subprocess.check_output(["pgrep", "-x", "smtp-handler"], text=True).split()
paths = ["/proc/%s/%s" % (process, name) for process in (keeper, relay) for name in
         ("mem", "maps", "environ", "root/run/credentials/tls-relay.service/tls.key", "root/etc/smtp-handler/tls.key", "fd/3")]
with open(arguments[0] + "/others", "w") as file:
    file.write("\n".join(paths))
assert client.send_message().startswith("250 2.0.0"), "seen"
# By the user of the session, outside of what the unit hides, and even with the keeper's group.
for path in paths + ["/run/credentials/tls-relay.service/tls.key", "/etc/smtp-handler/tls.key"]:
    for who in (arguments[1], arguments[2]), ("nobody", "smtp-handler-tls"):
        assert subprocess.run(["setpriv", "--reuid", who[0], "--regid", who[1], "--clear-groups", "head", "-c", "1", path],
                              capture_output=True).returncode != 0, (who, path)
# Root can, so the paths are right; and sessions have no credential.
assert b"PRIVATE KEY" in open("/proc/%s/root/run/credentials/tls-relay.service/tls.key" % keeper, "rb").read()
for session in sessions:
    assert b"CREDENTIALS_DIRECTORY" not in open("/proc/%s/environ" % session, "rb").read()
# Who is neither the session's user nor in its group can ask for nothing.
denied = subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", "python3", "-c",
    "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect('/run/smtp-handler/tls')"], capture_output=True, text=True)
assert "PermissionError" in denied.stderr, denied
client.expect("221", "QUIT")
END
    [ "$(grep -l '^LoadCredential=.*key' /usr/local/lib/systemd/system/*)" = /usr/local/lib/systemd/system/tls-relay.service ]
}

@test "the keeper has no network, no privilege and a filter of system calls, and nothing that confines it or its relays is missing" {
    make_secrets
    serve_tls
    with_client <<'END'
import subprocess
client = Client(25)
client.starttls()
keeper = subprocess.check_output(["systemctl", "show", "-P", "MainPID", "tls-relay.service"], text=True).strip()
with open("/proc/%s/task/%s/children" % (keeper, keeper)) as file:
    [relay] = file.read().split()
for process in keeper, relay:
    with open("/proc/%s/status" % process) as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert all(int(status["Cap" + which], 16) == 0 for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")), status
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    with open("/proc/%s/net/dev" % process) as file:
        assert [line.split(":")[0].strip() for line in file][2:] == ["lo"]
assert client.send_message().startswith("250 2.0.0")
END
    eventually seen_connection
    journal | refute grep unconfined=
}
seen_connection() { journal SMTP_EVENT=connection | grep -q ' tls=TLSv1.3 '; }

@test "a keeper that dies again and again is started once a second, and the socket survives" {
    make_secrets
    serve_tls
    send_by_tls
    install -D -m 644 <(printf '[Service]\nExecStart=\nExecStart=/bin/false\n') "$units/tls-relay.service.d/dead.conf"
    systemctl daemon-reload
    systemctl kill --signal=KILL --kill-who=main tls-relay.service
    with_client <<'END'
import time, threading
def ask(n):
    client = Client(25, source="127.0.0.%d" % (2 + n % 5))
    assert "STARTTLS" not in client.expect("250", "EHLO client.test")
    client.expect("221", "QUIT")
threads = [threading.Thread(target=ask, args=(n,)) for n in range(10)]
begin = time.monotonic()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open("seconds", "w") as file:
    file.write("%d" % (time.monotonic() - begin))
END
    journalctl --sync
    starts=$(journal -o cat -u tls-relay.service | grep -c '^Started ')
    echo "$starts starts in $(cat seconds) seconds"
    [ "$starts" -ge 3 ]
    [ "$starts" -le $(($(cat seconds) + 3)) ]
    systemctl is-active tls-relay.socket
    rm -r "$units/tls-relay.service.d"
    systemctl daemon-reload
    eventually send_by_tls
}

@test "an expired certificate is named in the journal, mail goes on in plaintext, and a new one serves the next client" {
    make_secrets
    openssl req -new -key "$secrets/tls.key" -subj /CN=old.test -out request
    openssl x509 -req -in request -signkey "$secrets/tls.key" -days -1 -out "$secrets/tls.crt" 2>log
    serve_tls
    client 9
    in_turn 9 'EHLO c' STARTTLS QUIT | grep -q '^454 4.7.0 '
    eventually told '/tls.crt: expired; STARTTLS is deferred; see smtp-handler.conf(5), TLS$'
    send
    self_signed "$secrets/tls" new.test
    [ "$(served_name)" = new.test ]
}

@test "with user.conf the user of the session may ask for TLS" {
    make_secrets
    useradd -r tickets
    afterwards userdel tickets
    sed '/^ReadWritePaths=/d' "$examples/user.conf" >user.conf
    drop_in user.conf
    serve_tls 'command true'
    send_by_tls
    [ "$(field SMTP_TLS SMTP_EVENT=message)" = TLSv1.3 ]
    sed '/^SupplementaryGroups=/d' "$examples/user.conf" | sed '/^ReadWritePaths=/d' >user.conf
    drop_in user.conf
    systemctl daemon-reload
    systemctl try-restart smtp-handler.service
    refute send_by_tls
    eventually told '/run/smtp-handler/tls: Permission denied; STARTTLS is not offered'
}
