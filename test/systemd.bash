# What the tests under systemd share. test/check-systemd runs them, and says in SERVED_BY whether
# "instances" serve, one for each connection, or a "listener". Everything is installed, nothing is
# enabled, and each test leaves it so.

load helper

units=/etc/systemd/system
examples=/usr/local/share/doc/smtp-handler
configuration=/etc/smtp-handler.conf
state=/var/lib/private/smtp-handler # as root sees it
scripts=/usr/local/libexec/smtp-handler-test
port=25
case ${SERVED_BY:=instances} in
instances) service=smtp-handler@.service ;;
listener) service=smtp-handler.service ;;
esac

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p "$scripts"
    [ "$SERVED_BY" = instances ] || install -D -m 644 "$examples/busy.conf" "$units/smtp.socket.d/busy.conf"
    undone=()
    began=$(date +@%s.%6N)
}

teardown() {
    end_started
    systemctl stop {smtp,lmtp,submission,submissions,tls-relay}.socket {smtp-handler,tls-relay}.service {smtp-handler,lmtp,submission,submissions}@'*'
    for ((n = ${#undone[@]} - 1; n >= 0; n--)); do
        eval "${undone[n]}" >>undone 2>&1 || true
    done
    journal -n 40 # shown if the test failed
    rm -rf "$units"/smtp.socket.d "$units"/smtp-handler.service.d "$units"/smtp-handler@.service.d \
        "$units"/tls-relay.service.d "$scripts" "$state"
    systemctl daemon-reload
    systemctl reset-failed
}

# afterwards COMMAND...: has it run when the test has ended, the last first.
afterwards() {
    undone+=("$(printf '%q ' "$@")")
}

# serve LINE...: opens port 25 with these lines in the configuration; unless one of them is a command, the
# mail goes where it goes when nobody changed anything.
serve() {
    printf 'domain example.org\n' >"$configuration"
    [ $# = 0 ] || printf '%s\n' "$@" >>"$configuration"
    grep -q '^command ' "$configuration" ||
        echo "command /usr/local/libexec/smtp-handler/maildir-deliver /var/lib/smtp-handler/Maildir" >>"$configuration"
    systemctl daemon-reload
    systemctl start smtp.socket
}

# script NAME: puts a program for the command to be there, from standard input.
script() {
    cat >"$scripts/$1"
    chmod 755 "$scripts/$1"
}

# drop_in FILE: adds one to the service.
drop_in() {
    install -D -m 644 "$1" "$units/$service.d/$(basename "$1")"
}

send() {
    printf 'Subject: test\n\nIt works.\n' |
        curl --silent --show-error --crlf --max-time 100 --url smtp://127.0.0.1/client.test --mail-from sender@example.net \
            --mail-rcpt "${1:-user@example.org}" --upload-file -
}

# answer RECIPIENT [SENDER]: sends a message and prints the codes of the reply to it.
answer() {
    client 9
    in_turn 9 'HELO client.test' "MAIL FROM:<${2-sender@example.net}>" "RCPT TO:<$1>" DATA $'Subject: test\r\n\r\nIt works.\r\n.' \
        QUIT | tail -1 | cut -c1-9
    cat <&9 >/dev/null
}

# in_turn FILE-DESCRIPTOR WORDS...: says the words, a line each, and prints the replies that it waits for: to all but
# the last.
in_turn() {
    local reply
    while [ $# -gt 2 ]; do
        printf '%s\r\n' "$2" >&"$1"
        reply=-
        while [ "${reply:3:1}" = - ] || [ "$reply" = - ]; do
            read -r -t 100 reply <&"$1" || return
            echo "${reply%$'\r'}"
        done
        set -- "$1" "${@:3}"
    done
    printf '%s\r\n' "$2" >&"$1"
}

# client FILE-DESCRIPTOR: connects it and waits for the greeting, which is left in $greeting.
client() {
    eval "exec $1<>/dev/tcp/127.0.0.1/$port"
    read -r -t 100 greeting <&"$1"
}

# The process that serves the newest connection.
session() {
    pgrep -n -x smtp-handler
}

# journal ARGUMENT...: what journalctl(1) has of this test.
journal() {
    journalctl --sync && journalctl --quiet --since "$began" "$@"
}

# field NAME MATCH...: the values of a field, one a line.
field() {
    local name=$1
    shift
    journal -o cat --output-fields="$name" "$@"
}

# No unit has failed, and no unit of a connection is left.
nothing_is_left() {
    [ -z "$(systemctl list-units --all --no-legend --plain {smtp-handler,lmtp,submission,submissions}@'*')" ] &&
        [ -z "$(systemctl list-units --failed --no-legend --plain)" ]
}
