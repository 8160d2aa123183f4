load helper
load peers
load tls

# AUTH, over TLS, with password-check and with programs that fail.

setup_file() {
    make_pairs mx ca expired
    cat >"$BATS_FILE_TMPDIR/users" <<END
# names and hashes

alice:$(hashed secret-of-alice)
bob:$(hashed secret-of-bob '$2y$05$abcdefghijklmnopqrstuu')
carol:$(hashed secret-of-carol '$y$j9T$abcdefghijklmnopqrst..')
locked:*
also-locked:!\$6\$saltsalt\$x
none:
END
}

# serve_auth OPTION...: offers AUTH for the users of the file.
serve_auth() {
    serve --auth "$PASSWORD_CHECK $BATS_FILE_TMPDIR/users" "$@"
}

# check_password NAME PASSWORD [FILE]: asks password-check itself.
check_password() {
    printf '%s\0%s\0%s\0' "$1" "$2" now | "$PASSWORD_CHECK" "${3:-$BATS_FILE_TMPDIR/users}" 3<&0 </dev/null
}

@test "password-check tells the right password from a wrong one, by each kind of hash" {
    for name in alice bob carol; do
        check_password "$name" "secret-of-$name"
        run check_password "$name" wrong
        [ "$status" = 1 ]
        run check_password "$name" ''
        [ "$status" = 1 ]
    done
    for name in nobody locked also-locked none '' '# names and hashes' alice: "$(sed -n 3p "$BATS_FILE_TMPDIR/users")"; do
        run check_password "$name" secret-of-alice
        [ "$status" = 1 ]
    done
}

@test "password-check runs a program when the password is right, and only then" {
    printf 'alice\0secret-of-alice\0now\0' |
        "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users" sh -c 'echo ran "$1"' sh too 3<&0 </dev/null >ran
    [ "$(cat ran)" = 'ran too' ]
    printf 'alice\0wrong\0now\0' | refute "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users" touch wrong 3<&0 </dev/null
    [ ! -e wrong ]
}

# status_of FORMAT: what password-check exits with for such input.
status_of() {
    local status=0
    # shellcheck disable=SC2059 # it is meant to be a format
    printf "$1" | "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users" 3<&0 </dev/null || status=$?
    echo "$status"
}

@test "password-check exits 2 if what it reads is not a name, a password and a time" {
    for input in '' alice 'alice\0' 'alice\0secret-of-alice'; do [ "$(status_of "$input")" = 2 ]; done
    [ "$(status_of "alice\\0%0600d\\0now\\0")" = 2 ]
    [ "$(status_of "alice\\0%0491d\\0now\\0")" = 1 ]
}

@test "password-check tells how it is called, and says its name in front of what is wrong" {
    for option in --help -h; do
        "$PASSWORD_CHECK" "$option" >said 2>errors
        [ "$(head -1 said)" = 'usage: password-check FILE [PROGRAM [ARGUMENT...]]' ]
        [ ! -s errors ]
    done
    for arguments in '' --wrong '-x users'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        "$PASSWORD_CHECK" $arguments </dev/null 2>errors 3</dev/null || status=$?
        [ "$status" = 64 ]
        diff - errors <<<'usage: password-check FILE [PROGRAM [ARGUMENT...]]'
    done
    refute check_password alice secret-of-alice missing 2>errors
    diff - errors <<<'password-check: missing: No such file or directory'
    refute "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users" 2>errors 3<&-
    diff - errors <<<'password-check: descriptor 3: Bad file descriptor'
}

@test "password-check exits 111 if it cannot check, and 1 if the file is empty" {
    run check_password alice secret-of-alice missing
    [ "$status" = 111 ]
    run check_password alice secret-of-alice .
    [ "$status" = 111 ]
    : >empty
    run check_password alice secret-of-alice empty
    [ "$status" = 1 ]
}

@test "an unknown name takes as long as a wrong password" {
    local slow='$6$rounds=300000$saltsalt'
    printf '%s:%s\n' locked '!$6$saltsalt$x' first "$(hashed x "$slow")" second "$(hashed y "$slow")" >slow
    python3 - "$PASSWORD_CHECK" <<'END'
import os, resource, statistics, subprocess, sys
def seconds(name):
    read_end, write_end = os.pipe()
    os.write(write_end, name + b"\0wrong\0now\0")
    os.close(write_end)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = subprocess.call(["sh", "-c", 'exec "$0" slow 3<&0 </dev/null', sys.argv[1]], stdin=read_end)
    os.close(read_end)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert status == 1, status
    return after.ru_utime - before.ru_utime
wrong, unknown, locked = (statistics.median(seconds(name) for _ in range(5)) for name in (b"second", b"nobody", b"locked"))
print(wrong, unknown, locked)
assert wrong > 0.05 and 1 / 2 < wrong / unknown < 2 and 1 / 2 < wrong / locked < 2
END
}

@test "PLAIN and LOGIN, each with and without an initial response" {
    serve_auth
    client <<'END'
from base64 import b64encode
def coded(octets):
    return b64encode(octets).decode()
plain, name, password = coded(b"\0alice\0secret-of-alice"), coded(b"alice"), coded(b"secret-of-alice")
same = coded(b"alice\0alice\0secret-of-alice")
for method, lines in (("PLAIN", ["AUTH PLAIN " + plain]), ("PLAIN", ["AUTH PLAIN", plain]),
                      ("PLAIN", ["auth plain " + same]),
                      ("LOGIN", ["AUTH LOGIN", name, password]), ("LOGIN", ["AUTH LOGIN " + name, password])):
    client = Client(port)
    assert "\n250-AUTH PLAIN LOGIN\n" in client.starttls()
    for line in lines[:-1]:
        client.expect("334 ", line)
    client.expect("235 2.7.0 ", lines[-1])
    client.expect("503 ", lines[0])
    assert client.send_message().startswith("250")
    client.expect("221", "QUIT")
END
    [ "$(kept_count)" = 5 ]
    for number in 1 2 3 4 5; do
        method=PLAIN
        [ "$number" -lt 4 ] || method=LOGIN
        kept_environment "$number" | grep -qx SASL_USERNAME=alice
        kept_environment "$number" | grep -qx "SASL_METHOD=$method"
        kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPSA
        kept "$number" | grep -q 'with ESMTPSA'
    done
    eventually grep -q 'message result=accepted .* user=alice' background
}

@test "a malformed exchange of AUTH is refused" {
    serve_auth
    client <<'END'
from base64 import b64encode
client = Client(port)
client.expect("503", "AUTH PLAIN")
assert "AUTH" not in client.expect("250", "EHLO client.test")
client.expect("538 5.7.11 ", "AUTH PLAIN AGFsaWNlAHg=")
client.starttls()
client.expect("504 ", "AUTH CRAM-MD5")
client.expect("501 ", "AUTH")
client.expect("501 5.5.2 An empty password is not accepted", "AUTH PLAIN AGFsaWNlAA==")
client.expect("501 5.5.2 An empty password is not accepted", "AUTH LOGIN YWxpY2U=", "")
client.expect("250", "RSET")
for lines in (["AUTH PLAIN", "*"], ["AUTH LOGIN", "*"], ["AUTH LOGIN YWxpY2U=", "*"], ["AUTH PLAIN ="],
              ["AUTH PLAIN !"], ["AUTH PLAIN", "!"], ["AUTH PLAIN QQ"], ["AUTH LOGIN", "YWxpY2U"],
              ["AUTH PLAIN YWxpY2U="], ["AUTH PLAIN AGFsaWNlAA== x"], ["AUTH LOGIN ="],
              ["AUTH PLAIN " + b64encode(b"bob\0alice\0secret-of-alice").decode()],
              ["AUTH PLAIN", ""]):
    client.expect("501 ", *lines)
    client.expect("250", "RSET")
    if lines[-1] == "AUTH PLAIN QQ":
        client.expect("221", "QUIT")
        client = Client(port)
        client.starttls()
client.expect("250", "MAIL FROM:<a@b.test>")
client.expect("503", "AUTH PLAIN")
END
}

@test "a wrong password and an unknown name get the same reply, after 1, 2 and 4 seconds, and three of them end the session" {
    serve_auth
    client <<'END'
import time
from base64 import b64encode
def plain(name, password):
    return "AUTH PLAIN " + b64encode(b"\0%s\0%s" % (name, password)).decode()
client = Client(port)
client.starttls()
times = [time.monotonic()]
def refused(name):
    reply = client.expect("535 5.7.8 ", plain(name, b"wrong"))
    times.append(time.monotonic())
    return reply
replies = {refused(name) for name in (b"alice", b"nobody")}
assert len(replies) == 1, replies
assert client.send_message().startswith("250")
replies.add(refused(b"locked"))
assert len(replies) == 1, replies
seconds = [after - before for before, after in zip(times, times[1:])]
print(seconds)
assert all(least <= taken < 2 * least * patience for least, taken in zip((1, 2, 4), seconds))
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
END
    eventually grep -q 'auth result=refused .*user=nobody' background
}

@test "a client with wrong passwords does not wait beyond the session timeout" {
    serve_auth --session-timeout 5
    client <<'END'
import time
began = time.monotonic()
client = Client(port)
client.starttls()
for attempt in range(3):
    client.expect("535 5.7.8 ", "AUTH PLAIN AGFsaWNlAHdyb25n")
assert client.reply().startswith("421 4.")
assert client.is_over()
assert time.monotonic() - began < 6.5 * patience
END
}

# listen_auth OPTION...: the same users, of a listener.
listen_auth() {
    local pairs
    mapfile -t pairs < <(pair mx)
    port=$(free_port)
    in_background systemd-socket-activate -E PATH -l "127.0.0.1:$port" "$SMTP_HANDLER" "${pairs[@]}" --log stderr \
        --auth "$PASSWORD_CHECK $BATS_FILE_TMPDIR/users" "$@" true
    listener=${started[-1]}
    eventually is_listening "$port"
}

# Tries of clients side by side, each in a connection of its own: the seconds until each has its answer.
wrong_passwords='
import os, signal, threading, time
def wrong(source):
    client = Client(port, source=source)
    client.starttls()
    began = time.monotonic()
    reply = client.say("AUTH PLAIN AGFsaWNlAHdyb25n")
    assert reply.startswith(replies), reply
    seconds.append((source, time.monotonic() - began))
    clients.append(client)
def try_all(*sources):
    threads = [threading.Thread(target=wrong, args=[source]) for source in sources]
    for thread in threads:
        thread.start()
    return threads
seconds, clients, replies = [], [], ("535 5.7.8 ",)
'

@test "a listener counts the wrong passwords of each source, over all its connections, and a right one waits like them" {
    listen_auth
    { echo "$wrong_passwords"; cat; } <<'END' | client
def right(source):
    client = Client(port, source=source)
    client.starttls()
    began = time.monotonic()
    client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
    return time.monotonic() - began
wrong("127.0.0.1")
assert 1 <= right("127.0.0.1") < 2 * patience
assert right("127.0.0.3") < 0.9 * patience
for thread in try_all("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.1"):
    thread.join()
print(seconds)
taken = sorted(time for source, time in seconds if source == "127.0.0.1")
assert all(least <= time < 1.7 * least * patience for least, time in zip((1, 2, 4, 8, 8), taken)), taken
assert [1 <= time < 2 * patience for source, time in seconds if source == "127.0.0.2"] == [True]
END
}

@test "a client that disconnects instead of waiting is not judged, slowed the next time, and takes up no connection" {
    listen_auth --max-connections-per-source 1
    client <<'END'
import time
def connect():
    until = time.monotonic() + patience
    while True:
        client = Client(port)
        if client.greeting.startswith("220"):
            client.starttls()
            return client
        assert time.monotonic() < until
        time.sleep(0.05)
def leave(after):
    client = connect()
    client.send(b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n")
    client.socket.settimeout(after)
    try:
        assert False, client.reply()
    except TimeoutError:
        client.replies.close()
        client.socket.close()
def right():
    client = connect()
    began = time.monotonic()
    client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
    client.expect("221", "QUIT")
    return time.monotonic() - began
leave(0.7) # judged at once, and not said yet
leave(1.6)
assert 2 <= right() < 3.9 * patience
leave(1)
assert 2 <= right() < 3.9 * patience
END
    eventually sh -c '[ "$(grep -c ended=lost background)" = 3 ]'
    [ "$(grep -c 'auth result=refused' background)" = 2 ]
    refute grep trouble background
}

@test "SIGTERM does not wait for a client with wrong passwords" {
    listen_auth
    { echo "$wrong_passwords"; cat; } <<'END' | client "$listener"
replies += ("454 4.7.0 ",) # of those that are not judged yet
threads = try_all(*["127.0.0.1"] * 4)
while not seconds:
    time.sleep(0.01)
os.kill(int(arguments[0]), signal.SIGTERM)
for thread in threads:
    thread.join()
print(seconds)
assert len(seconds) == 4 and max(time for source, time in seconds) < 6 * patience
assert {client.reply()[:9] for client in clients} == {"421 4.3.2"}
END
    # A busy machine's program may still run when it is cut off.
    grep trouble background | refute grep -v 'cut off; AUTH is deferred; see smtp-handler.conf(5), USERS"$'
}

@test "names and passwords may be as long as the manual says" {
    name=$(printf '%0255d' 0)
    password=$(printf '%0246d' 0)
    printf '%s:%s\n' "$name" "$(hashed "$password")" >long
    serve --auth "$PASSWORD_CHECK $PWD/long"
    client "$name" "$password" <<'END'
from base64 import b64encode
name, password = arguments
def plain(name, password):
    return "AUTH PLAIN " + b64encode(b"\0%s\0%s" % (name.encode(), password.encode())).decode()
client = Client(port)
client.starttls()
client.expect("501 ", plain(name, ""))
client.expect("501 ", plain(name + "0", password))
client.expect("501 ", plain(name, password + "0"))
client.expect("235 ", plain(name, password))
END
}

@test "AUTH= on MAIL is accepted if AUTH is offered" {
    serve_auth
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("555", "MAIL FROM:<a@b.test> AUTH=<>")
client.starttls()
client.expect("250", "MAIL FROM:<a@b.test> AUTH=<>")
client.expect("250", "RSET")
client.expect("250", "MAIL FROM:<a@b.test> AUTH=e+3Dmc2@b.test")
END
}

@test "no password reaches the log, nor the command's environment and arguments" {
    delivery=("$commands/keep" '{sender}')
    serve_auth
    send_by() {
        swaks --silent --server "127.0.0.1:$port" --helo client.test --from sender@example.net \
            --to user@example.org --tls --auth "$1" --auth-user alice --auth-password "$2"
    }
    send_by PLAIN secret-of-alice
    send_by LOGIN secret-of-alice
    refute send_by PLAIN not-the-secret-of-alice
    [ "$(kept_count)" = 2 ]
    eventually grep -q 'auth result=refused' background
    for secret in secret-of-alice "$(printf '\0alice\0secret-of-alice' | base64)" "$(printf secret-of-alice | base64)"; do
        refute grep -qaF -- "$secret" background "$KEPT"/*
    done
}

@test "with --submission mail waits for AUTH, and then goes to any recipient" {
    serve_auth --submission
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("530 5.7.0 ", "MAIL FROM:<a@b.test>")
client.starttls()
client.expect("530 5.7.0 ", "MAIL FROM:<a@b.test>")
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
client.begin_message("someone@elsewhere.test")
client.expect("250", ".")
END
    kept_environment 1 | grep -qx RECIPIENT=someone@elsewhere.test
}

@test "with --submission a certificate that is missing gets 421, one that has expired defers mail and AUTH" {
    start_handler --submission --tls-cert "$PWD/none.crt" --tls-key "$PWD/none.key" --auth 'true x'
    client <<'END'
assert Client(port).greeting.startswith("421 4.3.5 ")
END
    grep -q 'none.crt: No such file' background
    mapfile -t pairs < <(pair expired)
    start_handler --submission "${pairs[@]}" --auth 'true x'
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("454 4.7.0 ", "STARTTLS")
client.expect("454 4.7.0 ", "MAIL FROM:<a@b.test>")
client.expect("454 4.7.0 ", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
END
}

# wrongly_set_up TEXT OPTION...: the client gets 421, and standard error, and the output of --check, TEXT.
wrongly_set_up() {
    local status=0
    printf 'QUIT\r\n' | handler "${@:2}" >replies || status=$?
    [ "$status" = 78 ]
    grep -q '^421 4.3.5 ' replies
    grep -qx "smtp-handler: $1" log
    refute "$SMTP_HANDLER" --check "${@:2}" true 2>said
    grep -qx "smtp-handler: $1" said
}

@test "--submission without AUTH, or without a certificate, is a wrong configuration" {
    wrongly_set_up 'option submission: without a certificate nobody can authenticate; see smtp-handler.conf(5), USERS' --submission --auth true
    wrongly_set_up 'option submission: without auth nobody can authenticate; see smtp-handler.conf(5), USERS' --submission
}

@test "--auth without a certificate is an error of --check, and a session goes on without AUTH" {
    printf 'auth true\ncommand true\n' >config
    check --config config
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: config:1: option auth: without a certificate AUTH is never offered; add tls-cert and tls-key' ]
    mapfile -t pairs < <(pair mx)
    check --config config "${pairs[@]}"
    [ "$status$output" = 0 ]
    one_message x@localhost | "$SMTP_HANDLER" --newlines lenient --domain localhost --auth true "$commands/keep" >replies 2>log
    [ "$(kept_count)" = 1 ]
}

@test "--check says what is wrong in the file of password-check, without a name or a hash of it" {
    mapfile -t pairs < <(pair mx)
    # said_of FILE OPTION...: what is said of it, behind the option's name.
    said_of() {
        check "${pairs[@]}" "${@:2}" --auth "$PASSWORD_CHECK $1" true
        sed -E 's/^smtp-handler: (warning: )?option auth: //' <<<"$output"
    }
    printf '%s\n' "joe:$(hashed secret)" '# a comment' '' 'locked:!' 'old:abJnggxhB/yWI' >users
    [ -z "$(said_of users)" ]
    printf '%s\r\n' 'ann:tr0ub4dor' "joe:$(hashed secret)" bob: 'zoe' ':x' 'eve:$9$x$y' >users
    said_of users | diff - <(cat <<'END'
users:1: no hash that crypt(5) knows, perhaps the password itself; make one with 'openssl passwd -6'
users:3: no password
users:4: no line 'name:hash'
users:5: no line 'name:hash'
users:6: no hash that crypt(5) knows, perhaps the password itself; make one with 'openssl passwd -6'
END
    )
    check "${pairs[@]}" --submission --auth "$PASSWORD_CHECK users" true
    [ "$status" = 0 ]
    [ "$(grep -c 'smtp-handler: warning: ' <<<"$output")" = 5 ]
    # If nobody can log in, strangers may still send mail, unless there are only users.
    echo 'ann:tr0ub4dor' >users
    for file in users missing .; do
        said_of "$file" | tail -1 | grep -qxE 'users: nobody can log in|missing: No such file or directory|\.: Is a directory'
        check "${pairs[@]}" --auth "$PASSWORD_CHECK $file" true
        [ "$status" = 0 ]
        check "${pairs[@]}" --submission --auth "$PASSWORD_CHECK $file" true
        [ "$status" = 78 ]
    done
    check "${pairs[@]}" --auth "$PASSWORD_CHECK" true
    [ "$output" = 'smtp-handler: warning: option auth: password-check needs a file: nobody can log in' ]
}

@test "without --submission a user does not relay" {
    serve_auth
    client <<'END'
client = Client(port)
client.starttls()
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
client.expect("250", "MAIL FROM:<a@b.test>")
client.expect("550", "RCPT TO:<someone@elsewhere.test>")
END
}

# defers PROGRAM LINE: with that password program AUTH is answered 454, and the log says LINE.
defers() {
    serve --auth "$1"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("454 4.7.0 ", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
client.expect("250", "NOOP")
END
    eventually grep -q "password program .*$2" background
}

@test "if the password program cannot check, AUTH is deferred, and the log says why" {
    printf '#!/bin/sh\nkill -SEGV $$\n' >crashes
    printf '#!/bin/sh\nexit 111\n' >fails
    printf '#!%s/missing\n' "$PWD" >stray
    chmod +x crashes fails stray
    defers "$PWD/crashes" 'signal 11'
    defers "$PWD/fails" 'exit 111'
    defers "$PWD/stray" 'No such file or directory'
    defers "$PASSWORD_CHECK missing" 'exit 111'
    check --auth "$PWD/gone" true
    [ "$status" = 78 ]
}

@test "after five attempts that nobody could check the connection is closed" {
    printf '#!/bin/sh\necho >>tries\nexit 111\n' >fails
    chmod +x fails
    serve --auth "$PWD/fails"
    client <<'END'
client = Client(port)
client.starttls()
for turn in range(5):
    client.expect("454 4.7.0 ", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
END
    [ "$(wc -l <tries)" = 5 ]
}

@test "no output of the password program reaches a client" {
    printf '#!/bin/sh\necho words on output\necho words on error >&2\nexit 1\n' >talks
    chmod +x talks
    port=$(free_port)
    mapfile -t pairs < <(pair mx)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" sh -c 'exec "$@" 2>&1' sh "$SMTP_HANDLER" \
        "${pairs[@]}" --tls implicit --auth "$PWD/talks" true
    eventually is_listening "$port"
    client <<'END'
client = Client(port, implicit=True)
client.expect("250", "EHLO client.test")
client.expect("535", "AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==")
client.expect("221", "QUIT")
assert client.is_over()
END
}

# program_is_cut_off PROGRAM: SIGTERM ends a session that waits for it, and it.
program_is_cut_off() {
    serve --auth "$1"
    client "$1" <<'END'
import os, signal, time
client = Client(port)
client.starttls()
client.send(b"AUTH PLAIN AGFsaWNlAHNlY3JldC1vZi1hbGljZQ==\r\n")
started = arguments[0] + ".started"
while not (os.path.exists(started) and os.path.getsize(started)):
    time.sleep(0.01)
began = time.monotonic()
os.kill(handler_of(relay()), signal.SIGTERM)
assert client.reply().startswith("454 4.7.0 ")
assert client.reply().startswith("421 4.3.2 ")
assert time.monotonic() - began < 50
END
    grep -q "password program $1: cut off" background
    refute kill -0 "$(cat "$1.started")"
}

@test "SIGTERM does not wait for a password program that hangs, in its group or not" {
    printf '#!/bin/sh\necho $$ >"$0.started"\nexec sleep 100\n' >hangs
    printf '#!%s\nimport os, sys, time\nos.setpgid(0, os.getpgid(os.getppid()))\n%s\n' "$(command -v python3)" \
        'open(sys.argv[0] + ".started", "w").write(str(os.getpid()))
time.sleep(100)' >strays
    chmod +x hangs strays
    program_is_cut_off "$PWD/hangs"
    program_is_cut_off "$PWD/strays"
}
