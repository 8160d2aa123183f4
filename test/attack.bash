# What the tests of attacks share: a frontend, a relay and a password program that
# were taken over, see test/drill.

attacked=$top/build/attack/smtp-handler

# attacks NAME [OPTION...]: what the client gets, in `heard`, what the log says, in `log`, and the
# exit status, in $status.
attacks() {
    status=0
    ATTACK=$1 timeout 60 "$attacked" --log stderr "${@:2}" sh -c 'cat >>delivered' \
        >heard 2>log <<<$'QUIT\r' || status=$?
}

# seen_through NAME [OPTION...]: the attack gained nothing, and nothing was delivered.
seen_through() {
    attacks "$@"
    refute grep -a SUCCEEDED heard
    [ ! -e captured ]
    [ ! -e delivered ]
}

# distrusted NAME WORDS [OPTION...]: nothing was answered either, and the log has the words.
distrusted() {
    seen_through "$1" "${@:3}"
    [ ! -s heard ] || { echo "$1: $(cat heard)"; return 1; }
    [ "$status" = 70 ]
    grep -qF "protocol violation by the frontend: $2" log ||
        { echo "$1: $(cat log)"; return 1; }
}

# behind_tls NAME OPTION...: as seen_through, and with a superserver that says yes to TLS at once.
behind_tls() {
    cat >superserver.py <<'EOF'
import os, socket, sys
control, its = socket.socketpair()
control.send(b"SSL_PROTOCOL=TLSv1.3\0\0")
plain, behind = socket.socketpair()
for end in its, behind:
    os.set_inheritable(end.fileno(), True)
os.environ.update(UCSPITLS="", SSLCTLFD=str(its.fileno()), SSLREADFD=str(behind.fileno()), SSLWRITEFD=str(behind.fileno()))
sys.exit(os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:]))
EOF
    status=0
    ATTACK=$1 timeout 60 python3 superserver.py "$attacked" --log stderr "${@:2}" sh -c 'cat >>delivered' \
        >heard 2>log <<<$'QUIT\r' || status=$?
    [ ! -s heard ] || { echo "$1: $(cat heard)"; return 1; }
    [ ! -e delivered ]
    [ "$status" = 70 ]
}

# a_try: a password program that accepts, or what its argument ends it with, and counts.
a_try() {
    printf '#!/bin/sh\necho >>tries\nexit %s\n' "${1:-0}" >program
    chmod +x program
    rm -f tries
}

# on_old_kernel OPTION...: as if the kernel had no Landlock.
on_old_kernel() {
    status=0
    strace -f -qq -o trace -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS \
        "$attacked" --log stderr "$@" true <<<$'QUIT\r' >heard 2>log || status=$?
}

# under_filter OPTION...: no limit can be set, which says EPERM as if there were lower ones.
under_filter() {
    status=0
    strace -f -qq -o trace -e trace=prlimit64 -e inject=prlimit64:error=EPERM \
        "$attacked" --log stderr "$@" true <<<$'QUIT\r' >heard 2>log || status=$?
}

# attacked_relay OPTION...: serves with such a relay; it does what $ATTACK says.
attacked_relay() {
    mkdir -p bin
    cp "$SMTP_HANDLER" bin/
    ln -sfn "$top/build/attack/helpers" bin/helpers
    SMTP_HANDLER=$PWD/bin/smtp-handler serve "$@"
}

# shake_hands: begins TLS with it, and prints what it sends in plaintext.
shake_hands() {
    client <<'END'
client = Client(port)
client.expect("250", "EHLO client.test")
client.expect("220", "STARTTLS")
print(client.replies.read().decode(), end="")
END
}

# attack_password ATTACK: exits 0 if the attack succeeds in such a password program, else with its status.
attack_password() {
    printf 'alice:%s\n' "$(hashed secret)" >users
    printf 'alice\0secret\0now\0' |
        ATTACK=$1 "$top/build/attack/helpers/password-check" users 3<&0 </dev/null 2>said
}
