load helper

# The client's name by DNS, against a name server of our own in a network of our own.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    unshare -rmn true || skip 'no network of our own can be made here'
    cat >names <<'END'
7.2.0.192.in-addr.arpa PTR Mail.example.net
mail.example.net A 192.0.2.1
mail.example.net A 192.0.2.7
8.2.0.192.in-addr.arpa PTR bank.example
bank.example A 192.0.2.99
9.2.0.192.in-addr.arpa PTR 192.0.2.9
10.2.0.192.in-addr.arpa PTR a\032b.example
a\032b.example A 192.0.2.10
11.2.0.192.in-addr.arpa PTR silence
12.2.0.192.in-addr.arpa PTR trouble
13.2.0.192.in-addr.arpa PTR quiet.example
quiet.example A silence
14.2.0.192.in-addr.arpa PTR alias.example
alias.example CNAME real.example
real.example A 192.0.2.14
15.2.0.192.in-addr.arpa PTR 3221225999
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.example
six.example AAAA 2001:db8::1
END
    echo 'nameserver 127.0.0.1' >resolv.conf
    echo 'hosts: dns' >nsswitch.conf
}

# in_network COMMAND...: runs it in a network with the name server alone.
in_network() {
    cat >network <<'END'
set -e
ip link set lo up
mount --bind resolv.conf /etc/resolv.conf
mount --bind nsswitch.conf /etc/nsswitch.conf
mkfifo ready
"$NAMESERVER" names questions >ready &
server=$!
read -r _ <ready
status=0
"$@" || status=$?
kill $server
exit $status
END
    rm -f ready
    NAMESERVER=$commands/nameserver unshare -rmn sh network "$@"
}

# known_as ADDRESS [OPTION...]: the client's name, for a client at ADDRESS.
known_as() {
    one_message | in_network env PROTO=TCP TCPREMOTEIP="$1" "$SMTP_HANDLER" --resolve --log stderr "${@:2}" \
        sh -c 'echo "$CLIENT_HOSTNAME" >name; grep ^Received: >trace' >replies 2>log
    tail -1 name
}

one_message() {
    printf '%s\n' 'EHLO c.example' 'MAIL FROM:<a@b.example>' 'RCPT TO:<x@localhost>' DATA 'Subject: x' '' . QUIT
}

@test "a name whose addresses contain the client's is in trace, log and variables" {
    [ "$(known_as 192.0.2.7 --newlines lenient)" = Mail.example.net ]
    grep -q '(Mail.example.net \[192.0.2.7\])' trace
    grep -q 'message .*client=192.0.2.7 hostname=Mail.example.net ' log
    [ "$(known_as 192.0.2.14 --newlines lenient)" = alias.example ]
    [ "$(known_as 2001:db8::1 --newlines lenient)" = six.example ]
    [ "$(known_as ::ffff:192.0.2.7 --newlines lenient)" = Mail.example.net ]
}

@test "a name is not believed if its addresses are others, or if it is no name" {
    for address in 192.0.2.8 192.0.2.9 192.0.2.10 192.0.2.15 192.0.2.77; do
        [ "$(known_as "$address" --newlines lenient)" = unknown ]
        refute grep -q 'hostname=' log
    done
}

@test "trouble with the name server makes the name unknown, and the greeting late by 5 s" {
    for address in 192.0.2.11 192.0.2.12 192.0.2.13; do
        SECONDS=0
        [ "$(known_as "$address" --newlines lenient)" = unknown ]
        from_wire <replies | grep -q '^250 2.0.0'
        if [ "$address" != 192.0.2.12 ]; then
            [ "$SECONDS" -ge 4 ]
        fi
    done
}

@test "nothing is looked up without the option, or if the superserver knows the name" {
    one_message | in_network env PROTO=TCP TCPREMOTEIP=192.0.2.7 "$SMTP_HANDLER" --newlines lenient cat >replies
    [ ! -s questions ]
    one_message | in_network env PROTO=TCP TCPREMOTEIP=192.0.2.7 TCPREMOTEHOST=told.example "$SMTP_HANDLER" \
        --newlines lenient --resolve sh -c 'echo "$CLIENT_HOSTNAME" >name' >replies
    [ ! -s questions ]
    [ "$(cat name)" = told.example ]
    one_message | in_network "$SMTP_HANDLER" --newlines lenient --resolve sh -c 'echo "$CLIENT_HOSTNAME" >name' >replies
    [ ! -s questions ]
    [ "$(cat name)" = unknown ]
}

@test "the client that a proxy names is looked up, not the proxy" {
    cat >client.py <<'END'
import socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX)
server = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
ours.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4242 25\r\n")
stream = ours.makefile("rwb")
for line in (None, b"HELO c.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@localhost>", b"DATA", b"."):
    if line:
        stream.write(line + b"\r\n")
        stream.flush()
    print(stream.readline().decode().rstrip())
END
    in_network python3 client.py "$SMTP_HANDLER" --proxy-protocol --resolve sh -c 'echo "$CLIENT_HOSTNAME" >name' >replies
    grep -q '^250 2.0.0' replies
    [ "$(cat name)" = Mail.example.net ]
}

@test "--check warns if no name server answers" {
    in_network "$SMTP_HANDLER" --check --resolve true >said 2>&1
    [ "$(tail -1 said)" = ok ]
    refute grep -q 'name server' said
    echo 'nameserver 127.0.0.9' >resolv.conf
    in_network "$SMTP_HANDLER" --check --resolve true >said 2>&1
    grep -q 'option resolve: no name server answers; under the units it needs network.conf' said
    [ "$(tail -1 said)" = ok ]
}
