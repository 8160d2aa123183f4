# What the tests of TLS share: certificates, and clients.

load certificates

export PYTHONPATH=$commands
: "${PASSWORD_CHECK:=$(dirname "$SMTP_HANDLER")/helpers/password-check}"

# pair NAME: the options for NAME.crt and NAME.key; by a path of the test, which tells whose a relay is.
pair() {
    ln -sfn "$certificates" pairs
    printf '%s\n' --tls-cert "$PWD/pairs/$1.crt" --tls-key "$PWD/pairs/$1.key"
}

# serve OPTION...: the handler, with the pair mx unless another is given, serves a port.
serve() {
    local pairs=()
    case " $* " in *" --tls-cert "*) ;; *) mapfile -t pairs < <(pair mx) ;; esac
    start_handler "${pairs[@]}" "$@"
}

# client [ARGUMENT...]: runs the Python on standard input, which finds Client, the port and the arguments.
client() {
    { printf 'import sys\nfrom client import *\nport, arguments = int(sys.argv[1]), sys.argv[2:]\n' && cat; } |
        python3 - "$port" "$@"
}

# s_client OPTION...: openssl's, which says EHLO itself, then what is on standard input.
s_client() {
    openssl s_client -connect "127.0.0.1:$port" -starttls smtp -crlf -quiet "$@" 2>&1
}

# The relays of this test.
relays() {
    pgrep -f "tls-relay .*$BATS_TEST_TMPDIR/"
}

no_relay_is_left() {
    refute relays
}
