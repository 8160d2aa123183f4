load systemd

# What the units promise, under systemd itself, for instances and the listener alike.

@test "a message lies in the Maildir, which is one user's alone, when the client gets 250" {
    serve
    send
    file=$(find "$state/Maildir/new" -type f)
    head -1 "$file" | grep -qx 'Return-Path: <sender@example.net>'
    tail -1 "$file" | grep -qx 'It works.'
    uid=$(stat -c %u "$file")
    [ "$uid" = "$(id -u smtp-handler)" ]
    [ "$uid" != 0 ]
    [ "$(stat -c '%u %a' "$state")" = "$uid 700" ]
}

@test "the journal has each attribute of a message in a field of its own, and no client can forge one" {
    serve
    client 9
    # The address holds a quote, a backslash and what would be a field.
    in_turn 9 'HELO client.test' 'MAIL FROM:<"x\" result=refused \\y"@example.net>' 'RCPT TO:<user@example.org>' \
        DATA $'\r\nbody\r\n.' QUIT >said
    cat <&9 >/dev/null
    id=$(sed -n 's/.* id \([0-9a-f-]*\).*/\1/p' said)
    journal -o json SMTP_EVENT=message >entry
    python3 - "$id" "$service" <<'PYTHON'
import json, sys
entry = json.load(open("entry"))
expected = {"SMTP_RESULT": "accepted", "SMTP_ID": sys.argv[1], "SMTP_CLIENT": "127.0.0.1", "SMTP_HELO": "client.test",
            "SMTP_FROM": r'"x\" result=refused \\y"@example.net', "SMTP_TO": "user@example.org", "SMTP_RECIPIENTS": "1",
            "SMTP_SIZE": "8", "SMTP_STATUS": "2.0.0", "SMTP_ENDED": "exit 0", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "smtp-handler",
            "SYSLOG_FACILITY": "2",
            "SMTP_COMMAND": "/usr/local/libexec/smtp-handler/maildir-deliver", "MESSAGE_ID": "a7b45b150238484eb98175c5a5390366"}
assert {name: entry.get(name) for name in expected} == expected, entry
assert float(entry["SMTP_SECONDS"]) < 100
assert entry["_SYSTEMD_UNIT"].startswith(sys.argv[2].split(".")[0])
assert r' from="\"x\\\" result=refused \\\\y\"@example.net" ' in entry["MESSAGE"], entry["MESSAGE"]
PYTHON
    journal -x SMTP_EVENT=message | grep -q 'Subject: Message from .* accepted'
}

@test "the manual's queries of the journal find what it says they find" {
    script deliver <<'SCRIPT'
#!/bin/sh
case $LOCAL in
later) echo "the ticket system is closed" >&2; exit 75 ;;
esac
SCRIPT
    serve "command $scripts/deliver"
    send tickets@example.org
    refute send later@example.org
    client 9
    in_turn 9 'EHLO c' 'MAIL FROM:<s@example.net>' 'RCPT TO:<user@example.org>' DATA $'a\rb\r\n.' QUIT >replies
    cat <&9 >/dev/null
    serve "command /proc/nowhere"
    client 9
    id=$(field SMTP_ID SMTP_RESULT=deferred)
    sed -n '/^journalctl SMTP_RESULT=/,/^\.Ed/p' "$top/smtp-handler.8" | sed -e '/^\.Ed/d' -e 's/\\e$/\\/' -e "s/660fa21d3840f-1b7b-1/$id/" >queries
    [ "$(grep -c '^journalctl ' queries)" = 5 ]
    # ask N: the answer to query N.
    ask() { bash -ec "$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' queries | sed -n "$1p")"; }
    journalctl --sync
    ask 1 | grep -q 'message result=deferred .*to=later@example.org'
    ask 2 | grep -q "command id=$id text=\"the ticket system is closed\""
    ask 3 | grep -q '"SMTP_RESULT":"accepted"'
    ask 4 | grep -q 'message result=refused .*form='
    ask 5 | grep -q 'delivery command /proc/nowhere: no such program'
}

@test "a health check, which says nothing, is in the journal with the priority debug" {
    serve
    client 9
    exec 9>&-
    eventually seen eof -p debug
    refute seen eof -p info
    client 9
    printf 'QUIT\r\n' >&9
    cat <&9 >/dev/null
    eventually seen quit -p info
}
seen() { journal "${@:2}" SMTP_EVENT=connection | grep -q "ended=$1"; }

@test "systemctl status shows what a session is doing" {
    script deliver <<'SCRIPT'
#!/bin/sh
touch running; until [ -e go ]; do sleep 0.05; done
SCRIPT
    serve "command sh -c \"cd /var/lib/smtp-handler && $scripts/deliver\""
    client 9
    in_turn 9 'HELO client.test' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA $'\r\n.' >replies
    eventually test -e "$state/running"
    eventually says "$([ "$SERVED_BY" = instances ] && echo 'client 127.0.0.1, delivering a message, 0 messages accepted' ||
        echo '1 sessions, 1 so far, 0 refused')"
    touch "$state/go"
    [ "$SERVED_BY" = listener ] || eventually says 'client 127.0.0.1, waiting for commands, 1 messages accepted'
}
says() { systemctl status 'smtp-handler*.service' | grep -F "Status: \"$1\""; }

@test "handler and command run as a user of their own, with no privilege and a filter of system calls" {
    script deliver <<'SCRIPT'
#!/bin/sh
cat /proc/self/status >status
SCRIPT
    serve "command sh -c \"cd /var/lib/smtp-handler && $scripts/deliver\""
    client 9
    cat "/proc/$(session)/status" >status
    send
    for file in status "$state/status"; do
        awk -v user="$(id -u smtp-handler)" '$1 == "Uid:" && user > 0 && $2 == user && $2 == $3 && $2 == $4 { good++ }
            /^Cap(Inh|Prm|Eff|Bnd|Amb):\t0+$/ { good++ }
            /^NoNewPrivs:\t1$/ || /^Seccomp:\t2$/ { good++ }
            END { exit good != 8 }' "$file"
    done
}

# bats test_tags=disposable
@test "if the user smtp-handler is missing, systemd makes one, whose mail the real one takes over" {
    owner() { stat -c %u "$state/Maildir"; }
    userdel smtp-handler
    afterwards systemd-sysusers /usr/local/lib/sysusers.d/smtp-handler.conf
    serve
    send
    owner
    [ "$(owner)" -ge 61184 ] # systemd's range for dynamic users
    [ "$(owner)" -le 65519 ]
    eventually nothing_is_left
    systemctl stop smtp-handler.service
    systemd-sysusers /usr/local/lib/sysusers.d/smtp-handler.conf
    send
    [ "$(owner)" = "$(id -u smtp-handler)" ]
    [ "$(owner)" -lt 61184 ]
    [ "$(find "$state/Maildir/new" -type f -user smtp-handler | wc -l)" = 2 ]
}

@test "nothing that confines the frontend is missing under the unit" {
    serve
    client 9
    [ "$(filters "$(session)")" = $(($(filters "$(parent_of_session)") + 1)) ]
    printf 'HELO client.test\r\nQUIT\r\n' >&9
    eventually seen quit -p info
    [ -z "$(field SMTP_UNCONFINED SMTP_EVENT=connection)" ]
}
filters() { awk '$1 == "Seccomp_filters:" { print $2 }' "/proc/$1/status"; }
parent_of_session() { awk '$1 == "PPid:" { print $2 }' "/proc/$(session)/status"; }

@test "under the units the command can write nowhere else, see nobody else, reach no network and gain nothing" {
    mkdir -m 777 /var/tmp/somebody-elses
    afterwards rm -r /var/tmp/somebody-elses
    script attack <<'SCRIPT'
#!/usr/bin/env python3
import ctypes, os, platform, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
ours = sys.argv[1] if len(sys.argv) > 1 else "/var/lib/smtp-handler"
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
def write(path):
    open(path, "w").close()
def system_call(x86_64, aarch64, *arguments):
    call("syscall", aarch64 if platform.machine() == "aarch64" else x86_64, *arguments)
def read_others():
    os.listdir("/proc/1") # with ProtectProc=invisible there is nobody but us
attempts = {f"write {path}": lambda path=path: write(path) for path in
    ("/etc/x", "/usr/x", "/root/x", "/home/x", "/var/x", "/var/lib/x", "/run/x", "/dev/x", "/boot/x",
     "/proc/sys/kernel/core_pattern", "/sys/fs/cgroup/x")}
attempts.update({
    "read /etc/shadow": lambda: open("/etc/shadow"),
    "see others' temporary files": lambda: os.stat("/var/tmp/somebody-elses"),
    "see others' processes": read_others,
    "connect to loopback": lambda: socket.create_connection(("127.0.0.1", 25), 5),
    "open an Internet socket": lambda: socket.socket(socket.AF_INET),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a disk": lambda: os.mknod(ours + "/disk", 0o60600, os.makedev(8, 0)),
    "see the system's bus": lambda: os.listdir("/run/dbus"),
    "read what the machine has": lambda: open("/proc/meminfo"),
    "find a keyring": lambda: system_call(250, 219, 0, -3, 1),
    "add a key": lambda: system_call(248, 217, b"user", b"x", b"x", 1, -3),
    "set up io_uring": lambda: system_call(425, 425, 1, ctypes.create_string_buffer(120)),
    "set up asynchronous reads": lambda: system_call(206, 0, 1, ctypes.byref(ctypes.c_ulong())),
    "open memory": lambda: open("/dev/mem"),
    "become root": lambda: os.setuid(0),
    "make a user namespace": lambda: call("unshare", 0x10000000),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "change the host's name": lambda: call("sethostname", b"x", 1),
    "make a set-user-id program": lambda: (write(ours + "/s"), os.chmod(ours + "/s", 0o4755)),
    "trace its parent": lambda: call("ptrace", 16, os.getppid(), 0, 0),
    "run code that it wrote": lambda: __import__("mmap").mmap(-1, 4096, prot=7),
    "change personality": lambda: call("personality", 0x0200000),
    "be a real-time process": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
})
done = []
for name, attempt in attempts.items():
    try:
        attempt()
        done.append(name)
    except (OSError, subprocess.SubprocessError):
        pass
print(f"{len(attempts) - len(done)} of {len(attempts)} refused" + "".join("; did: " + name for name in done))
SCRIPT
    mkdir -p /run/dbus
    serve "command $scripts/attack"
    # What any user may do: that is refused by the unit alone.
    setpriv --reuid nobody --regid nogroup --clear-groups "$scripts/attack" /var/tmp/somebody-elses >outside
    cat outside
    for act in 'connect to loopback' 'open an Internet socket' 'open a netlink socket' "see others' temporary files" \
        "see others' processes" "see the system's bus" 'read what the machine has' 'find a keyring' 'set up asynchronous reads' \
        'make a user namespace' 'make a set-user-id program' 'run code that it wrote' 'change personality'; do
        grep -q "; did: $act" outside
    done
    send
    field SMTP_REPLY SMTP_EVENT=message >said
    cat said
    grep -qx '34 of 34 refused' said
}

@test "the units limit memory, processor time, processes and the time of a connection" {
    serve
    client 9
    systemctl show -p MemoryHigh,MemoryMax,CPUQuotaPerSecUSec,CPUWeight,TasksMax,RuntimeMaxUSec "smtp-handler$([ "$SERVED_BY" = listener ] || echo '@*').service" >bounds
    cat bounds
    refute grep -E '(MemoryHigh|MemoryMax|TasksMax)=infinity' bounds
    case $SERVED_BY in
    instances) grep -x CPUQuotaPerSecUSec=2s bounds && grep -x RuntimeMaxUSec=2h bounds ;;
    listener) grep -x CPUWeight=50 bounds && grep -x RuntimeMaxUSec=infinity bounds ;;
    esac
}

# bats test_tags=instances
@test "a command cannot look into another session of the same user" {
    script deliver <<'SCRIPT'
#!/bin/sh
ls "/proc/$(cat /var/lib/smtp-handler/other)/root/etc" && echo entered
ls -l "/proc/$(cat /var/lib/smtp-handler/other)/fd" && echo seen
exit 0
SCRIPT
    serve
    send
    serve "command $scripts/deliver"
    client 9
    session >"$state/other"
    chmod 644 "$state/other"
    send
    field SMTP_REPLY SMTP_EVENT=message | refute grep -E 'entered|seen'
    [ "$(field SMTP_TEXT SMTP_EVENT=command | grep -cE 'Permission denied|No such file')" = 2 ]
}

@test "the limits on connections, in all and for one source, refuse clients, and the socket survives" {
    serve
    python3 - "$SERVED_BY" <<'PYTHON'
import socket, sys
refusal = b"" if sys.argv[1] == "instances" else b"421 4.7.0"
def connect(source):
    return socket.create_connection(("127.0.0.1", 25), 100, (source, 0))
def greeting(client):
    try:
        return client.recv(200)
    except ConnectionResetError:
        return b""
def check_refused(source):
    said = greeting(connect(source))
    assert said.startswith(refusal) and not said.startswith(b"220"), (source, len(clients), said)
clients = []
for n in range(100):
    clients.append(connect(f"127.0.0.{1 + n // 20}"))
    if n % 20 == 19 and n < 99:
        check_refused(f"127.0.0.{1 + n // 20}")
check_refused("127.0.0.99")
for client in clients:
    said = greeting(client)
    assert said.startswith(b"220 "), (clients.index(client), said)
    client.close()
PYTHON
    systemctl is-active smtp.socket
    eventually send
}

@test "500 connections, however they end, leave nothing failed, and the next is served" {
    serve
    python3 - <<'PYTHON'
import socket, struct, threading
# What is said at once, up to a command that must be awaited.
message = b"HELO c\r\nMAIL FROM:<s@example.net>\r\nRCPT TO:<user@example.org>\r\nDATA\r\n"
ends = [[b""], [b"QUIT\r\n"], [message, b"hello\r\n"], [message, b"hello\r\n.\r\nQUIT\r\n"], [b"\0\xff\r\n" * 30], [b"x" * 5000],
        [b"EHLO c\r\n", b"BDAT 9999999999999999999999\r\n"], None]
def say(client, parts):
    for part in parts[:-1]:
        client.sendall(part)
        said = b""
        while not any(line[:4] in (b"354 ", b"250 ") for line in said.split(b"\r\n")[part.count(b"\r\n") - 1:]):
            said += client.recv(4096)
    client.sendall(parts[-1])
served = 0
lock = threading.Lock()
def one(n):
    global served
    # So many sources that none has too many.
    client = socket.create_connection(("127.0.0.1", 25), 60, (f"127.0.1.{1 + n % 100}", 0))
    end = ends[n % len(ends)]
    try:
        greeting = client.recv(200)
        if end is None: # a reset
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            say(client, end)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    except (BrokenPipeError, ConnectionResetError):
        pass
    client.close()
    with lock:
        served += greeting.startswith(b"220 ")
def some(first):
    for n in range(first, 500, 40):
        one(n)
threads = [threading.Thread(target=some, args=(first,)) for first in range(40)] # the greeting takes a while
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(served)
assert served == 500
PYTHON
    send
    [ "$(field SMTP_RESULT SMTP_RESULT=accepted | wc -l)" = 64 ] # one in eight, and this
    eventually nothing_is_left
    systemctl is-active smtp.socket
}

@test "stopping the service lets a delivery end and be answered; idle clients get 421" {
    script deliver <<'SCRIPT'
#!/bin/sh
touch running; until [ -e go ]; do sleep 0.05; done; cat >message
SCRIPT
    serve "delivery-timeout 30" "command sh -c \"cd /var/lib/smtp-handler && $scripts/deliver\""
    client 8
    client 9
    in_turn 9 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA $'x\r\n.' >replies
    eventually test -e "$state/running"
    systemctl stop --no-block smtp.socket 'smtp-handler*.service'
    read -r -t 100 idle <&8
    grep -q '^421 4.3.2' <<<"$idle"
    exec 8>&-
    systemctl show -p ActiveState 'smtp-handler*.service' | grep -q deactivating
    touch "$state/go"
    from_wire <&9 | tail -2 | cut -c1-9 | diff - <(printf '250 2.0.0\n421 4.3.2\n')
    [ -s "$state/message" ]
    eventually nothing_is_left
    field SMTP_ENDED SMTP_EVENT=connection | sort -u | diff - <(echo shutdown)
}

@test "a wrong configuration is a line in the journal and 421 to the client until it is mended" {
    serve 'max-size big'
    for _ in 1 2 3; do
        client 9
        grep -q '^421 4.3.5' <<<"$greeting"
        exec 9>&-
    done
    eventually named "$configuration:2: option max-size: 'big' is not a number of octets such as 26214400, 25600K, 25M or 1G"
    serve 'command /usr/local/bin/nothing'
    client 9
    grep -q '^421 4.3.5' <<<"$greeting"
    eventually named "$configuration:2: delivery command /usr/local/bin/nothing: no such program"
    exec 9>&-
    serve
    send
    eventually nothing_is_left
    field SMTP_TEXT SMTP_EVENT=trouble | refute grep systemd # we have said it
}
named() { field SMTP_TEXT SMTP_EVENT=trouble PRIORITY=3 | sed 's/; see [^;]*$//' | grep -xF "$1"; }

@test "that systemd cannot start a service is trouble in our log, and a listener's a failed unit until it is mended" {
    printf '[Service]\nDynamicUser=no\nUser=smtp-handler-nobody\n' >user.conf
    drop_in user.conf
    serve
    exec 9<>/dev/tcp/127.0.0.1/25
    eventually says_that_systemd_failed
    exec 9>&-
    [ "$SERVED_BY" = instances ] || eventually is_failed
    rm "$units/$service.d/user.conf"
    systemctl daemon-reload
    eventually send
    eventually nothing_is_left
}
says_that_systemd_failed() {
    field MESSAGE SYSLOG_IDENTIFIER=smtp-handler SYSLOG_FACILITY=2 SMTP_EVENT=trouble PRIORITY=3 |
        grep -xE "trouble text=\"systemd did not start ${service%.service}[-0-9.:]*.service, or killed it; journalctl -u .* says why; see smtp-handler-units\\(7\\), DIAGNOSTICS\""
}
is_failed() { systemctl list-units --failed --no-legend --plain | grep '^smtp-handler-failed@smtp-handler.service'; }

# bats test_tags=instances
@test "that a session was killed is trouble in our log" {
    serve
    client 9
    kill -KILL "$(systemctl show -p MainPID --value 'smtp-handler@*')"
    eventually says_that_systemd_failed
    eventually nothing_is_left
}

@test "the attributes of a message reach syslog, as one line" {
    serve 'log syslog'
    send
    eventually logged 'message result=accepted id=[-0-9a-f]* client=127.0.0.1 helo=client.test from=sender@example.net to=user@example.org .* ended="exit 0" '
}
logged() { journal -o cat _TRANSPORT=syslog SYSLOG_FACILITY=2 PRIORITY=6 | grep -q "^$1"; }

# bats test_tags=instances
@test "lmtp.socket serves LMTP on a Unix socket, each recipient by itself" {
    script deliver <<'SCRIPT'
#!/bin/sh
[ "$LOCAL" != no ] || exit 67
SCRIPT
    serve "command $scripts/deliver"
    systemctl stop smtp.socket
    systemctl start lmtp.socket
    swaks --protocol LMTP --socket /run/smtp-handler/lmtp --from s@example.net --to yes@example.org,no@example.org >said || true
    cat said
    grep -q '^<-  250 2.0.0' said
    grep -q '^<\*\* 550 5.1.1' said
    [ "$(field SMTP_RESULT SMTP_EVENT=message | sort | tr '\n' ' ')" = 'accepted refused ' ]
    eventually nothing_is_left
}

# bats test_tags=instances
@test "with busy.conf the next connection starts the listener, and its head has the way back" {
    serve
    send
    install -D -m 644 "$examples/busy.conf" "$units/smtp.socket.d/busy.conf"
    systemctl daemon-reload
    send
    systemctl is-active smtp-handler.service
    sed -n 's/^#   //p' "$examples/busy.conf" | sh -ex
    send
    refute systemctl is-active smtp-handler.service
    [ "$(field _SYSTEMD_UNIT SMTP_EVENT=message | sed 's/@.*/@/')" = $'smtp-handler@\nsmtp-handler.service\nsmtp-handler@' ]
    eventually nothing_is_left
}

# bats test_tags=listener
@test "the listener reads its options again, and refuses a configuration that is wrong" {
    serve 'max-connections 1'
    client 8
    client 9
    grep -q '^421 4.7.0' <<<"$greeting"
    sed -i 's/^max-connections .*/max-connections 2/' "$configuration"
    systemctl reload smtp-handler.service
    client 9
    grep -q '^220 ' <<<"$greeting"
    exec 9>&-
    sed -i 's/^max-connections .*/max-connections many/' "$configuration"
    refute systemctl reload smtp-handler.service
    systemctl is-active smtp-handler.service
    journal -u smtp-handler.service | grep -q "$configuration:2: option max-connections: 'many' is not a number"
}

# bats test_tags=listener
@test "an idle listener exits, and the next connection starts it again" {
    serve 'idle-exit 1'
    for _ in 1 2 3 4 5 6 7; do # more often than systemd lets a service start by itself
        send
        eventually is_idle
        [ "$(systemctl show -p Result --value smtp-handler.service)" = success ]
    done
    send
}

# bats test_tags=listener
@test "the port is open again when the trouble that kept the listener from starting is mended" {
    printf '[Service]\nExecStartPre=/usr/bin/test -e /run/mended\nRestartSec=100ms\n' >broken.conf
    drop_in broken.conf
    serve
    exec 9<>/dev/tcp/127.0.0.1/25
    eventually restarted_often
    touch /run/mended
    afterwards rm /run/mended
    eventually send
}
restarted_often() { [ "$(systemctl show -p NRestarts --value smtp-handler.service)" -ge 10 ]; }
is_idle() { systemctl show -p ActiveState --value smtp-handler.service | grep -qx inactive; }

# bats test_tags=listener
@test "a listener that hangs is killed and started again by systemd" {
    printf '[Service]\nWatchdogSec=1\n' >watchdog.conf
    drop_in watchdog.conf
    serve
    send
    kill -STOP "$(systemctl show -p MainPID --value smtp-handler.service)"
    eventually restarted
    eventually send
}
restarted() { [ "$(systemctl show -p NRestarts --value smtp-handler.service)" = 1 ]; }

# bats test_tags=listener
@test "sessions of the listener have the program's name" {
    serve
    client 9
    [ "$(ps -o comm= -p "$(pgrep -P "$(systemctl show -p MainPID --value smtp-handler.service)")")" = smtp-handler ]
}

# bats test_tags=listener
@test "--check before the listener starts knows what the unit may read, write and run" {
    cat >check.conf <<'CONF'
[Service]
LoadCredential=recipients:/root/recipients
ExecStart=
ExecStart=/usr/local/sbin/smtp-handler --recipients %d/recipients --config /etc/smtp-handler.conf
ExecStartPre=
ExecStartPre=-/usr/local/sbin/smtp-handler --check --recipients %d/recipients --config /etc/smtp-handler.conf
CONF
    drop_in check.conf
    echo user@example.org >recipients
    install -m 600 recipients /root/recipients # the service may read its credential alone
    serve
    send
    refute send other@example.org
    journal -o cat SYSLOG_IDENTIFIER=smtp-handler | refute grep -vE "^(message|recipient|connection) "
    systemctl stop smtp.socket smtp-handler.service
    echo user >/root/recipients
    serve
    client 9
    checked "/run/credentials/smtp-handler.service/recipients:1: 'user' is neither local@domain nor @domain"
    exec 9>&-
    systemctl stop smtp.socket smtp-handler.service
    echo user@example.org >/root/recipients
    install -m 700 /bin/true "$scripts/roots-alone"
    serve "command $scripts/roots-alone"
    client 9
    checked "$configuration:2: delivery command $scripts/roots-alone: Permission denied"
    exec 9>&-
    systemctl stop smtp.socket smtp-handler.service
    serve 'spool /var/spool'
    client 9
    checked "$configuration:2: option spool: /var/spool: Read-only file system"
    journal -o cat SYSLOG_IDENTIFIER=smtp-handler | grep -F 'Read-only file system; see smtp-handler-units(7), READ-ONLY FILES'
    rm /root/recipients
}
checked() { journal -o cat SYSLOG_IDENTIFIER=smtp-handler | sed 's/; see [^;]*$//' | grep -xF "$1"; }

# bats test_tags=instances
@test "--check before each connection's service says what is wrong in the journal and 421 to the client" {
    printf '[Service]\nExecStartPre=/usr/local/sbin/smtp-handler --check --config /etc/smtp-handler.conf\n' >check.conf
    drop_in check.conf
    serve
    send
    serve 'spool /var/spool'
    client 9
    grep -q '^421 4.3.5 ' <<<"$greeting"
    eventually named "$configuration:2: option spool: /var/spool: Read-only file system"
    eventually nothing_is_left
}
