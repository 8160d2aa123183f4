load helper
load peers
load tls

# AUTH, over TLS, with password-check and with programs that fail.

setup_file() {
    make_pairs mx
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

@test "password-check knows the right password from a wrong one, by each kind of hash" {
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

@test "password-check exits 2 where what it reads is not a name, a password and a time" {
    for input in '' alice 'alice\0' 'alice\0secret-of-alice'; do [ "$(status_of "$input")" = 2 ]; done
    [ "$(status_of "alice\\0%0600d\\0now\\0")" = 2 ]
    [ "$(status_of "alice\\0%0491d\\0now\\0")" = 1 ]
    run "$PASSWORD_CHECK"
    [ "$status" = 2 ]
}

@test "password-check exits 111 where it cannot tell, and 1 where the file is empty" {
    run check_password alice secret-of-alice missing
    [ "$status" = 111 ]
    run check_password alice secret-of-alice .
    [ "$status" = 111 ]
    : >empty
    run check_password alice secret-of-alice empty
    [ "$status" = 1 ]
}

@test "a name that is not there takes as long as a wrong password" {
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

@test "what is not an exchange of AUTH is refused" {
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

@test "a wrong password and an unknown name sound the same, and three of them end the session" {
    serve_auth
    client <<'END'
from base64 import b64encode
def plain(name, password):
    return "AUTH PLAIN " + b64encode(b"\0%s\0%s" % (name, password)).decode()
client = Client(port)
client.starttls()
replies = {client.expect("535 5.7.8 ", plain(name, b"wrong")) for name in (b"alice", b"nobody")}
assert len(replies) == 1, replies
assert client.send_message().startswith("250")
replies.add(client.expect("535 5.7.8 ", plain(b"locked", b"x")))
assert len(replies) == 1, replies
assert client.reply().startswith("421 4.7.0 ")
assert client.is_over()
END
    eventually grep -q 'auth result=refused .*user=nobody' background
}

@test "names and passwords as long as they may be" {
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

@test "AUTH= on MAIL is taken where AUTH is offered" {
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

@test "where the password program cannot say AUTH is deferred, and the log says why" {
    printf '#!/bin/sh\nkill -SEGV $$\n' >crashes
    printf '#!/bin/sh\nexit 111\n' >fails
    printf '#!/nonexistent\n' >stray
    chmod +x crashes fails stray
    defers "$PWD/crashes" 'signal 11'
    defers "$PWD/fails" 'exit 111'
    defers "$PWD/stray" 'No such file or directory'
    defers "$PASSWORD_CHECK missing" 'exit 111'
    run "$SMTP_HANDLER" --auth "$PWD/gone" --check true
    [ "$status" = 78 ]
}

@test "what the password program says reaches no client" {
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
os.kill(parent_of(relay()), signal.SIGTERM)
assert client.reply().startswith("454 4.7.0 ")
assert client.reply().startswith("421 4.3.2 ")
assert time.monotonic() - began < 20
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
