# Certificates and hashed passwords, for tests with and without systemd.

certificates=$BATS_FILE_TMPDIR
elliptic=(ec -pkeyopt ec_paramgen_curve:P-256)

# self_signed NAME SUBJECT [KEY...]: NAME.crt for the host SUBJECT, and NAME.key, of elliptic curves unless
# another kind is asked for.
self_signed() {
    local key=("${@:3}")
    [ $# -gt 2 ] || key=("${elliptic[@]}")
    quietly openssl req -x509 -nodes -days 30 -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
        -keyout "$1.key" -out "$1.crt" -newkey "${key[@]}"
}

# issued NAME OPTION...: NAME.crt, signed by ca, and NAME.key; openssl-ca(1) has the options.
issued() {
    quietly openssl req -nodes -subj "/CN=$1.test" -keyout "$1.key" -out "$1.csr" -newkey "${elliptic[@]}"
    [ -e index ] || {
        touch index
        printf '[ca]\ndefault_ca = it\n[it]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n' >ca.conf
        printf 'default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n' >>ca.conf
    }
    quietly openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key "${@:2}" -in "$1.csr" -out "$1.crt" -notext
}

# quietly COMMAND...: shows its output if it fails.
quietly() {
    "$@" >said_by_openssl 2>&1 || { cat said_by_openssl; return 1; }
}

# make_pairs NAME...: of these, in the directory of the file: ca, mx, other and stranger, each for its host of
# .test; rsa, for mx.test; and those signed by ca, client, expired and early, by their dates.
make_pairs() (
    cd "$certificates" || return
    for name; do
        case $name in
        rsa) self_signed rsa mx.test rsa:2048 ;;
        client) issued client -days 30 ;;
        expired) issued expired -startdate 20200101000000Z -enddate 20200102000000Z ;;
        early) issued early -startdate 20700101000000Z -enddate 20700102000000Z ;;
        *) self_signed "$name" "$name.test" ;;
        esac || return
    done
)

# subject: whom the certificate on standard input is for.
subject() {
    openssl x509 -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p'
}

# hashed PASSWORD [SETTING]: what crypt(3) makes of it.
hashed() {
    perl -e 'print crypt $ARGV[0], $ARGV[1]' "$1" "${2:-\$6\$saltsalt}"
}
