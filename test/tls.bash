# What the tests of TLS share: certificates, and a client.

export PYTHONPATH=$commands
certificates=$BATS_FILE_TMPDIR

# self_signed NAME SUBJECT KEY...: NAME.crt for the host SUBJECT, and NAME.key of that kind.
self_signed() {
    openssl req -x509 -nodes -days 30 -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
        -keyout "$1.key" -out "$1.crt" -newkey "${@:3}"
}

# make_certificates: mx and other, each with a key of elliptic curves; rsa, for mx.test; expired and
# early, by their dates; client, vouched for by ca; and stranger, vouched for by nobody.
make_certificates() {
    local name elliptic=(ec -pkeyopt ec_paramgen_curve:P-256)
    cd "$certificates" || return
    self_signed mx mx.test "${elliptic[@]}"
    self_signed other other.test "${elliptic[@]}"
    self_signed stranger stranger.test "${elliptic[@]}"
    self_signed ca ca.test "${elliptic[@]}"
    self_signed rsa mx.test rsa:2048
    touch index
    for name in expired early client; do
        openssl req -nodes -subj "/CN=$name.test" -keyout "$name.key" -out "$name.csr" -newkey "${elliptic[@]}"
    done
    openssl x509 -req -days 30 -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out client.crt
    printf '[ca]\ndefault_ca = it\n[it]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n%s\n' \
        'default_md = sha256
policy = any
[any]
commonName = supplied' >ca.conf
    dated expired 20200101000000Z 20200102000000Z
    dated early 20700101000000Z 20700102000000Z
}

# dated NAME FROM TO: NAME.crt, which is valid then.
dated() {
    openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key -startdate "$2" -enddate "$3" \
        -in "$1.csr" -out "$1.crt" -notext
}

# pair NAME: the options for NAME.crt and NAME.key; by a path of the test, which tells whose a relay is.
pair() {
    ln -sfn "$certificates" pairs
    printf '%s\n' --tls-cert "$PWD/pairs/$1.crt" --tls-key "$PWD/pairs/$1.key"
}

# serve OPTION...: the handler, with the pair mx unless another is given, serves a port.
serve() {
    local pairs=()
    case " $* " in *" --tls-cert "*) ;; *) mapfile -t pairs < <(pair mx) ;; esac
    start_handler --hostname mx.test "${pairs[@]}" "$@"
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
