load helper
load drill

# Mail handed to real engines by examples/to-*; `make check-engines` does it all.

# drill_engine NAME [SAMPLE]: examples/NAME, with so many messages.
drill_engine() {
    drills "engines" "$drill/engines" "$SMTP_HANDLER" "$(size "${2:-20}" 500)" "$(size 1 5)" "${SEED:-6}" "$1"
}

@test "a web hook has each message that got 250, once by its key, whatever happens to it" { drill_engine to-http; }
@test "a Redis stream has each message that got 250, once, whatever happens to the server" { drill_engine to-redis; }
@test "RabbitMQ has each message that got 250, whatever happens to the broker" { drill_engine to-rabbitmq 8; }
@test "PostgreSQL has each message that got 250, once, whatever happens to the server" { drill_engine to-postgresql; }
@test "a server of LMTP before PostgreSQL keeps what it answers 250, once, whatever happens to it" { drill_engine lmtp-postgresql; }
@test "NATS JetStream has each message that got 250, once, whatever happens to the server" { drill_engine to-nats; }
@test "SQLite has each message that got 250, once, whatever happens to the command" { drill_engine to-sqlite; }
@test "each recipient's Maildir has each message that got 250, once, whatever happens to the command" { drill_engine to-maildirs; }

# said COMMAND...: the reply to a message that it gets.
said() {
    delivery=("$@")
    one_message | sed 's/$/\r/' | handler --message-key | from_wire | without_ids | sed -n '/^354/{n;p}'
}

@test "a web hook's status refuses what is wrong with the message, and defers all else" {
    port=$(free_port)
    mkdir hook
    in_background python3 "$top/test/drill/servers.py" "$port" hook
    eventually is_listening "$port"
    for status in 200 201 202 204; do
        [ "$(said "$top/examples/to-http" "http://127.0.0.1:$port/$status")" = '250 2.0.0 Delivered, id ID' ]
    done
    [ "$(find hook -type f | wc -l)" = 1 ]
    for status in 400 410 415 422; do
        [ "$(said "$top/examples/to-http" "http://127.0.0.1:$port/$status")" = '554 5.3.0 the hook refuses it' ]
    done
    [ "$(said "$top/examples/to-http" "http://127.0.0.1:$port/413")" = '554 5.3.0 too large for the hook' ]
    for status in 301 302 401 403 404 405 408 409 425 429 431 500 502 503 507; do
        said "$top/examples/to-http" "http://127.0.0.1:$port/$status" | grep '^451 4.3.0 '
    done
    # What curl itself says by 77 and 67, and a wrong option, defer, too.
    said "$top/examples/to-http" "https://127.0.0.1:$port/" --cacert missing | grep '^451 4.3.0 '
    said "$top/examples/to-http" --no-such-option | grep '^451 4.3.0 '
}

@test "a web hook is told the envelope and the key" {
    port=$(free_port)
    cat >hook.py <<'END'
import http.server, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("fields", "w").write(str(self.headers))
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
END
    in_background python3 hook.py "$port"
    eventually is_listening "$port"
    delivery=("$top/examples/to-http" "http://127.0.0.1:$port/")
    one_message a@example.org '"q q"@example.org' | sed 's/$/\r/' | handler --message-key | grep '^250 2.0.0 Delivered'
    grep -x 'Envelope-From: <sender@example.net>' fields
    grep -x 'Envelope-To: <a@example.org>' fields
    grep -x 'Envelope-To: <"q q"@example.org>' fields
    grep -xE 'Idempotency-Key: [0-9a-f]{64}' fields
    grep -x 'Content-Type: message/rfc822' fields
}

@test "Redis takes no mail unless it keeps it" {
    in_background redis-server --port 0 --unixsocket "$PWD/socket" --dir "$PWD" --save ''
    redis() { redis-cli -e -s "$PWD/socket" "$@"; }
    eventually redis PING
    try() { said "$top/examples/to-redis" mail -s "$PWD/socket"; }
    try | grep '^451 4.3.0 '
    redis CONFIG SET appendonly yes
    try | grep '^451 4.3.0 '
    redis CONFIG SET appendfsync always
    try | grep '^250 2.0.0 Delivered'
    [ "$(try)" = '250 2.0.0 Delivered before' ]
    [ "$(redis XLEN mail)" = 1 ]
    for setting in 'maxmemory-policy allkeys-lru' 'no-appendfsync-on-rewrite yes'; do
        was=$(redis CONFIG GET "${setting% *}" | tail -1)
        # shellcheck disable=SC2086 # words
        redis CONFIG SET $setting
        try | grep '^451 4.3.0 '
        redis CONFIG SET "${setting% *}" "$was"
    done
    # A key that is none of a stream's.
    redis SET mail x
    redis DEL "{mail}:$(one_message | sed 's/$/\r/' | { delivery=(printenv MESSAGE_KEY) && handler --message-key; } | sed -n 's/^250 2.0.0 \([0-9a-f]\{64\}\).*/\1/p')"
    try | grep '^451 4.3.0 '
    [ "$(redis DBSIZE)" = 1 ]
}

@test "NATS takes no mail for a stream that may lose it, or forgets too soon what it had" {
    port=$(free_port)
    printf 'listen: "127.0.0.1:%s"\njetstream { store_dir: "%s" }\n' "$port" "$PWD/store" >conf
    in_background nats-server -c conf
    eventually is_listening "$port"
    # make STORAGE DISCARD DAYS: the stream anew.
    make() {
        printf '{"name":"MAIL","subjects":["mail.in"],"storage":"%s","discard":"%s","num_replicas":1,"retention":"limits","duplicate_window":%s000000000}' \
            "$1" "$2" $(($3 * 86400)) >config
        {
            printf 'CONNECT {"verbose":false}\r\nSUB i 1\r\nPUB $JS.API.STREAM.DELETE.MAIL i 0\r\n\r\n'
            printf 'PUB $JS.API.STREAM.CREATE.MAIL i %s\r\n' "$(stat -c %s config)"
            cat config
            printf '\r\n'
        } >said
        exec 9<>"/dev/tcp/127.0.0.1/$port"
        cat said >&9
        timeout 20 grep -qm1 'stream_create_response.*"config"' <&9
        exec 9>&-
    }
    try() { said "$top/examples/to-nats" MAIL mail.in "nats://127.0.0.1:$port"; }
    try | grep '^451 4.3.0 '
    make file new 7
    try | grep '^250 2.0.0 Delivered'
    try | grep '^250 2.0.0 Delivered'
    for wrong in 'memory new 7' 'file old 7' 'file new 5'; do
        # shellcheck disable=SC2086 # words
        make $wrong
        try | grep '^451 4.3.0 '
    done
    # Nobody takes the subject.
    make file new 7
    said "$top/examples/to-nats" MAIL other "nats://127.0.0.1:$port" | grep '^451 4.3.0 '
}

@test "for the server of LMTP only CR LF . CR LF ends a message by DATA, and a dot is stuffed behind CR LF alone" {
    # In place of the database: what would be inserted.
    cat >psycopg2.py <<'END'
class Error(Exception):
    pass
class connect:
    def __init__(self, where):
        pass
    def cursor(self):
        return self
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def execute(self, text, values=None):
        if values:
            open("inserted", "ab").write(values[3])
END
    PYTHONPATH=$PWD in_background python3 "$top/examples/lmtp-postgresql" socket none
    eventually test -S socket
    python3 - <<'END' >said
import socket
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect("socket")
client.sendall(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
               b"..1\r\n2\n.\r\n3\r\n..\r\n4\n.5\r\n.\r\nQUIT\r\n")
client.shutdown(socket.SHUT_WR)
while octets := client.recv(4096):
    print(octets.decode(), end="")
END
    printf '.1\r\n2\n.\r\n3\r\n.\r\n4\n.5\r\n' | cmp - inserted
    [ "$(grep -c '^250 2.0.0 Kept' said)" = 1 ]
}

@test "each script defers without a server, and without a key" {
    touch empty
    for command in "to-http http://127.0.0.1:1/" 'to-redis mail -s none' 'to-rabbitmq mail amqp://127.0.0.1:1/' "to-postgresql host=$PWD" \
        'to-nats MAIL in nats://127.0.0.1:1' 'to-sqlite none' 'to-sqlite empty' 'to-maildirs /proc'; do
        # shellcheck disable=SC2086 # words
        said "$top/examples/"$command | grep '^451 4.3.0 ' || { echo "$command"; return 1; }
        # shellcheck disable=SC2206 # words
        delivery=("$top/examples/"$command)
        one_message | sed 's/$/\r/' | handler | grep '^451 4.3.0 ' || { echo "no key: $command"; return 1; }
    done
}

@test "a Maildir for each recipient is named by the user, and no other directory" {
    delivery=("$top/examples/to-maildirs" "$PWD/mail")
    mkdir mail
    one_message Joe+x@example.org ann@example.org +y@example.org joe@example.org | sed 's/$/\r/' | handler --message-key | grep '^250 2.0.0 Delivered'
    [ "$(cd mail && find . -path '*/new/*' | cut -d/ -f2 | sort | xargs)" = '+y ann joe' ]
    [ "$(tail -n 1 mail/ann/new/*)" = body ]
    for address in '"a/../b"' '"../x"' '".x"' '"..+x"'; do
        one_message ann@example.org "$address@example.org" | sed s/body/other/ | sed 's/$/\r/' | handler --message-key | grep '^550 5.1.1 no such mailbox'
    done
    [ "$(find mail -path '*/new/*' | wc -l)" = 3 ]
    # What the owner has read is there, too.
    mkdir -p mail/ann/cur
    mv mail/ann/new/* "mail/ann/cur/$(basename mail/ann/new/*):2,S"
    one_message Joe+x@example.org ann@example.org +y@example.org joe@example.org | sed 's/$/\r/' | handler --message-key | grep '^250 2.0.0 Delivered'
    [ -z "$(ls mail/ann/new)" ]
    [ "$(find mail -path '*/tmp/*' | wc -l)" = 0 ]
}
