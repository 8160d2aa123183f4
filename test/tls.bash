# What the tests of TLS share: certificates, and clients.

load certificates

export PYTHONPATH=$commands
: "${PASSWORD_CHECK:=$(dirname "$SMTP_HANDLER")/helpers/password-check}"

# pair NAME: the options for NAME.crt and NAME.key; by a path of the test, which tells whose a relay is.
pair() {
    ln -sfn "$certificates" pairs
    printf '%s\n' --tls-cert "$PWD/pairs/$1.crt" --tls-key "$PWD/pairs/$1.key"
}

# Who starts a relay: the handler, for itself, or with RELAY_BY=keeper one that keeps the keys.
: "${RELAY_BY:=handler}"

# serve OPTION...: the handler, with the pair mx unless another is given, serves a port.
serve() {
    local pairs=()
    case " $* " in *" --tls-cert "*) ;; *) mapfile -t pairs < <(pair mx) ;; esac
    if [ "$RELAY_BY" = keeper ]; then serve_by_keeper "${pairs[@]}" "$@"; else start_handler "${pairs[@]}" "$@"; fi
}

# serve_by_keeper OPTION...: the same; a keeper gets the options that are the relay's.
serve_by_keeper() {
    local keeper=() files=() others=()
    while [ $# -gt 0 ]; do
        case $1 in
        --no-sandbox) keeper+=("$1") others+=("$1") ;;
        --tls-cert | --tls-key) files+=("$2"); shift ;;
        --tls-client-ca) keeper+=(--client-ca "$2"); shift ;;
        *) others+=("$1") ;;
        esac
        shift
    done
    start_keeper "${keeper[@]}" "${files[@]}"
    start_handler --tls-relay "$PWD/keeper" "${others[@]}"
}

# start_keeper ARGUMENT...: a keeper at the socket `keeper`, as systemd would start it.
start_keeper() {
    rm -f keeper
    in_background python3 -c 'import os, socket, sys
it = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
it.bind("keeper")
os.dup2(it.fileno(), 20)
os.dup2(20, 3)
os.closerange(4, 30)
os.execv(sys.argv[1], sys.argv[1:])' "$(dirname "$SMTP_HANDLER")/helpers/tls-relay/tls-relay" --keep "$@"
    eventually test -S keeper
}

# client [ARGUMENT...]: runs the Python on standard input, which finds Client, the port and the arguments.
client() {
    { printf 'import sys\nfrom client import *\nport, arguments = int(sys.argv[1]), sys.argv[2:]\n' && cat; } |
        PATIENCE=$(patience 1) python3 - "$port" "$@"
}

# s_client OPTION...: openssl's, which says EHLO itself, then what is on standard input.
s_client() {
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp -crlf -quiet "$@" 2>&1
}

# The relays of this test; a keeper does not count.
relays() {
    if [ "$RELAY_BY" = keeper ]; then
        pgrep -P "$(pgrep -d, -f "tls-relay --keep .*$BATS_TEST_TMPDIR/")"
    else
        pgrep -f "tls-relay .*$BATS_TEST_TMPDIR/"
    fi
}

no_relay_is_left() {
    refute relays
}
