load helper

# What smtp-handler-command(7) gives as examples, as it stands there.

# ticket_service: the script, and in place of its ticket system one that keeps each ticket in a file.
ticket_service() {
    manual smtp-handler-command.7 'ticket-system open' >ticket
    printf '%s\n' 'domain example.org' one-recipient "command $PWD/ticket" >conf
    mkdir bin tickets
    cat >bin/ticket-system <<'SCRIPT'
#!/bin/sh
# open --from SENDER --queue QUEUE
set -e
number=$(($(ls tickets | wc -l) + 1))
cat >"tickets/$number-$5-$3"
echo "$number"
SCRIPT
    chmod 755 ticket bin/ticket-system
    PATH=$PWD/bin:$PATH
}

# tell: what the script's service says to a client, who says standard input.
tell() {
    sed 's/$/\r/' | "$SMTP_HANDLER" --hostname mx.test --newlines strict --config conf "$@" 2>>log | from_wire | without_ids
}

@test "the ticket script of the manual opens a ticket for each of two recipients, once the sender tries again" {
    ticket_service
    {
        printf '%s\n' 'HELO c' 'MAIL FROM:<me@example.net>' 'RCPT TO:<tickets@example.org>' 'RCPT TO:<support@example.org>' DATA one .
        printf '%s\n' 'MAIL FROM:<me@example.net>' 'RCPT TO:<support@example.org>' DATA one . QUIT
    } | tell | grep -E '^4|^250 2.0.0' | diff - <(printf '%s\n' '452 4.5.3 Too many recipients' \
        '250 2.0.0 ticket 1 opened' '250 2.0.0 ticket 2 opened')
    [ "$(ls tickets)" = $'1-tickets-me@example.net\n2-support-me@example.net' ]
    tail -1 tickets/2-support-me@example.net | grep -qx one
}

@test "the ticket script of the manual takes capital letters, extensions, postmaster and other spellings of the domain, and refuses strangers" {
    ticket_service
    while read -r recipient reply; do
        [ "$(one_message "$recipient" | tell | sed -n '/^354/{n;p}')" = "$reply" ]
    done <<'EOF'
Tickets@EXAMPLE.ORG 250 2.0.0 ticket 1 opened
TICKETS+17@example.org 250 2.0.0 ticket 2 opened
"support"@example.org 250 2.0.0 ticket 3 opened
Postmaster 250 2.0.0 ticket 4 opened
postmaster+x@example.org 250 2.0.0 ticket 5 opened
nobody@example.org 550 5.1.1 no such queue
EOF
    [ "$(find tickets -type f | sort | cut -d- -f2 | tr '\n' ' ')" = 'tickets tickets support support support ' ]
}

@test "the ticket script of the manual defers what its ticket system could not keep, on a full disk" {
    ticket_service
    ln -s /dev/full tickets/1-tickets-sender@example.net
    sed -i 's/^number=.*/number=1/' bin/ticket-system
    one_message tickets@example.org | tell | grep -qx '451 4.3.0 Local error in processing, try again later, id ID'
    grep -q 'text=".*No space left on device"' log
}

@test "without one-recipient the ticket script of the manual defers a message to two, and says what it needs" {
    ticket_service
    sed -i '/^one-recipient/d' conf
    one_message tickets@example.org support@example.org | tell | grep -qx '451 4.3.0 Local error in processing, try again later, id ID'
    grep -q 'text=".*RECIPIENT_USER: needs one-recipient"' log
    [ -z "$(ls tickets)" ]
}

@test "by its own statuses curl bounces or loses mail; the manual's line for it, with never-refuse, does neither" {
    port=$(free_port)
    in_background python3 -c '
import http.server, sys
class Trouble(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Trouble).serve_forever()' "$port"
    eventually is_listening "$port"
    line=$(sed -n 's/^\.It Ql \(curl .* \)URL$/\1/p' "$top/manual/smtp-handler-command.7")
    [ -n "$line" ]
    deliver_by curl --silent --cacert /proc/nowhere --data-binary @- "https://127.0.0.1:$port/" | grep -q '^550 5.7.0'
    deliver_by curl --silent --data-binary @- "http://127.0.0.1:$port/" | grep -q '^250 2.0.0'
    for url in "--cacert /proc/nowhere https://127.0.0.1:$port/" "http://127.0.0.1:$port/"; do
        # shellcheck disable=SC2206 # words
        delivery=($line $url)
        one_message | sed 's/$/\r/' | handler --never-refuse | from_wire | without_ids >said
        reply_to_message | grep -q '^451 4.3.0'
    done
}
