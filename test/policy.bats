load helper
load peers
load policy
load tls

# --policy: a server of Postfix's policy protocol, asked about each recipient.

setup_file() {
    make_pairs mx
}

# start_server MODE [ANSWER...]: a server as commands/policy-server.py has it, on the Unix socket $server; what
# it is asked comes to the file `asked`.
start_server() {
    server=$PWD/server-$((servers += 1))
    rm -f asked
    in_background python3 "$commands/policy-server.py" "$server" asked "$@"
    eventually test -e asked
}

# With a client of an address, as most servers want it.
with_client() {
    PROTO=TCP TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=1234 TCPLOCALIP=192.0.2.25 "$@"
}

# policed [OPTION...]: the client says standard input; the replies, without ids, come to the file `said`.
policed() {
    sed 's/$/\r/' | with_client handler --policy "$server" "$@" >replies
    from_wire <replies | without_ids >said
}

# replies_to [OPTION...] -- RECIPIENT...: what is answered to them.
replies_to() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    { printf 'EHLO c\nMAIL FROM:<s@example.net>\n'; printf 'RCPT TO:<%s>\n' "$@"; printf 'QUIT\n'; } | policed "${options[@]}"
    sed '1,/^250 2.1.0/d' said | sed '$d'
}

@test "each action has its reply, in capitals or not" {
    while IFS='|' read -r action reply; do
        actions+=("$action")
        expected+=("$reply")
    done <<'EOF'
DUNNO|250 2.1.5 Recipient ok
dunno|250 2.1.5 Recipient ok
|250 2.1.5 Recipient ok
OK|250 2.1.5 Recipient ok
PERMIT|250 2.1.5 Recipient ok
permit_auth_destination|250 2.1.5 Recipient ok
1700000000|250 2.1.5 Recipient ok
WARN something odd|250 2.1.5 Recipient ok
info something|250 2.1.5 Recipient ok
PREPEND X-Policy: yes|250 2.1.5 Recipient ok
DEFER_IF_REJECT later|250 2.1.5 Recipient ok
REJECT|550 5.7.1 Access denied, id ID
Reject No thanks|550 5.7.1 No thanks
REJECT 5.7.23 SPF fail|550 5.7.23 SPF fail
550 5.1.1 Nobody here|550 5.1.1 Nobody here
550|550 5.7.1 Access denied, id ID
554 Spam|550 5.7.1 Spam
521 Go away|550 5.7.1 Go away
550 4.7.1 Of another class|550 5.7.1 Of another class
DEFER|451 4.7.1 Not accepted now, try again later, id ID
DEFER_IF_PERMIT 4.2.0 Greylisted|451 4.2.0 Greylisted
defer_if_permit Rate limit|451 4.7.1 Rate limit
450 4.7.1 Try later|451 4.7.1 Try later
421 4.7.0 Not now|451 4.7.0 Not now
451 Wait|451 4.7.1 Wait
HOLD|451 4.3.5 Local configuration error, try again later, id ID
FILTER smtp:[127.0.0.1]:10025|451 4.3.5 Local configuration error, try again later, id ID
REDIRECT a@example.org|451 4.3.5 Local configuration error, try again later, id ID
BCC a@example.org|451 4.3.5 Local configuration error, try again later, id ID
STRIP all|451 4.3.5 Local configuration error, try again later, id ID
reject_unknown_sender_domain|451 4.3.5 Local configuration error, try again later, id ID
600 What|250 2.1.5 Recipient ok
PREPEND no field|451 4.3.5 Local configuration error, try again later, id ID
PREPEND|451 4.3.5 Local configuration error, try again later, id ID
PREPEND : empty|451 4.3.5 Local configuration error, try again later, id ID
PREPEND X-A: b\rX-C: d|451 4.3.5 Local configuration error, try again later, id ID
EOF
    start_server answer "${actions[@]}"
    # shellcheck disable=SC2046 # a list
    replies_to -- $(seq -f 'user%g@example.org' "${#actions[@]}") | diff - <(printf '%s\n' "${expected[@]}")
    # It was one connection.
    grep ^connection= asked | sort | uniq -c | tr -s ' ' | diff - <(echo " ${#actions[@]} connection=0")
    # What is deferred is no error of the client.
    grep -q 'connection .* errors=8 ' log
    # Which one it was that we do not know is in the log.
    start_server answer 'HOLD for review'
    replies_to -- a@example.org >/dev/null
    grep -qE 'recipient result=deferred .* status=4.3.5 policy="HOLD for review"$' log
}

@test "the server is told all that Postfix would tell it" {
    start_server answer DUNNO
    printf '%s\n' 'EHLO client.test' 'MAIL FROM:<s@example.net> SIZE=1234' 'RCPT TO:<Joe+x@Example.ORG>' 'RCPT TO:<postmaster>' RSET \
        'MAIL FROM:<>' 'RCPT TO:<ann@example.org>' QUIT | policed
    sed -E 's/^(queue_id|instance)=.*-([0-9]+)$/\1=ID-\2/' asked | diff - <(
        for each in 's@example.net Joe+x@example.org 1 1234' 's@example.net postmaster 1 1234' '- ann@example.org 2 0'; do
            read -r sender recipient number size <<<"$each"
            cat <<END
connection=0
request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address=192.0.2.1
client_name=unknown
client_port=1234
reverse_client_name=unknown
server_address=192.0.2.25
server_port=
helo_name=client.test
sender=${sender#-}
recipient=$recipient
recipient_count=0
queue_id=ID-$number
instance=ID-$number
size=$size
etrn_domain=
stress=
sasl_method=
sasl_username=
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=
encryption_cipher=
encryption_keysize=0
policy_context=

END
        done
    )
}

@test "the server is told of TLS and of the user, and asked about recipients elsewhere as well" {
    start_server answer DUNNO 'DEFER too much'
    printf '#!/bin/sh\nexec "$@"\n' >right
    chmod 755 right
    start_handler --policy "$server" --submission --auth "$PWD/right" --tls required \
        --tls-cert "$certificates/mx.crt" --tls-key "$certificates/mx.key"
    client <<'END'
client = Client(port)
client.expect("250", "EHLO c")
client.starttls()
client.expect("250", "EHLO c")
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.expect("250", "MAIL FROM:<alice@example.org>")
client.expect("250", "RCPT TO:<joe@example.com>")
client.expect("451 4.7.1 too much", "RCPT TO:<ann@example.com>")
END
    grep -E '^(sasl|encryption|recipient=|client_address|server)' asked | head -10 |
        diff - <(printf '%s\n' client_address=127.0.0.1 server_address=127.0.0.1 "server_port=$port" recipient=joe@example.com \
        sasl_method=PLAIN sasl_username=alice sasl_sender= encryption_protocol=TLSv1.3 encryption_cipher=TLS_AES_256_GCM_SHA384 encryption_keysize=256)
}

@test "it is asked about whom domain and list let in, and in front of --recipient-check" {
    start_server answer DUNNO 'DEFER_IF_REJECT 4.7.2 wait' 'REJECT no' DUNNO
    printf '#!/bin/sh\necho "$RECIPIENT" >>"$KEPT/checked"\n[ "$LOCAL" = joe ] || exit 67\n' >checker
    chmod 755 checker
    printf '%s@example.org\n' joe ann bob eve >list
    replies_to --recipients list --recipient-check "$PWD/checker" -- x@example.org joe@example.com joe@example.org ann@example.org bob@example.org eve@example.org |
        diff - <(printf '%s\n' '550 5.1.1 No such mailbox, id ID' '550 5.7.1 Relaying denied, id ID' '250 2.1.5 Recipient ok' \
            '451 4.7.2 wait' '550 5.7.1 no' '550 5.1.1 No such mailbox, id ID')
    grep ^recipient= asked | diff - <(printf 'recipient=%s@example.org\n' joe ann bob eve)
    diff "$KEPT/checked" <(printf '%s@example.org\n' joe ann eve)
}

@test "a field of PREPEND goes in front of the message, behind Return-Path, once each" {
    start_server answer 'PREPEND X-One: a' 'prepend X-Two: b ' 'PREPEND X-One: a' DUNNO
    one_message a@example.org b@example.org c@example.org d@example.org | policed
    kept 1 | head -3 | diff - <(printf '%s\n' 'Return-Path: <sender@example.net>' 'X-One: a' 'X-Two: b')
    [ "$(kept 1 | grep -c '^X-One')" = 1 ]
    kept 1 | tail -3 | diff - <(printf 'Subject: test\n\nbody\n')
    # The next message has it no more, and one that was broken off leaves nothing behind.
    start_server answer 'PREPEND X-One: a' DUNNO
    { printf 'EHLO c\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nRSET\n'; one_message | sed 1d; } | policed --no-trace
    kept 2 | diff - <(printf 'Subject: test\n\nbody\n')
    # To each recipient, with the line ends that the command reads.
    start_server answer 'PREPEND X-One: a'
    one_message a@example.org b@example.org | policed --one-recipient --done-list list --line-ending crlf
    for n in 3 4; do
        kept $n | grep -qx $'X-One: a\r'
    done
}

@test "more fields than there is room for are for another message" {
    long=$(printf '%900s' '' | tr ' ' x)
    for n in $(seq 30); do fields+=("PREPEND X-$n: $long"); done
    start_server answer "${fields[@]}"
    # shellcheck disable=SC2046 # a list
    replies_to -- $(seq -f 'user%g@example.org' 30) | cut -c1-9 | uniq -c | tr -s ' ' | diff - <(printf ' %s\n' '18 250 2.1.5' '12 452 4.5.3')
    fields=("PREPEND X: $(printf '%996s' '' | tr ' ' x)" "PREPEND X: $(printf '%995s' '' | tr ' ' x)")
    start_server answer "${fields[@]}"
    replies_to -- a@example.org b@example.org | cut -c1-9 | diff - <(printf '%s\n' '451 4.3.5' '250 2.1.5')
}

@test "DISCARD accepts the whole message, delivers it to nobody, and the log says so" {
    for option in '' --lmtp --one-recipient '--one-recipient --done-list list'; do
        rm -f log
        start_server answer DUNNO 'DISCARD spam trap'
        # shellcheck disable=SC2086 # a list
        case $option in
        '' | --lmtp | *list) one_message a@example.org b@example.org ;;
        *) one_message b@example.org ;;
        esac | sed "s/^EHLO/$([ "$option" = --lmtp ] && echo LHLO || echo EHLO)/" | policed $option
        [ "$option" != --one-recipient ] || continue
        sed -n '/^354/,$p' said | grep -q '^250 2.0.0 Delivered, id ID'
        grep -q 'recipient result=accepted .* to=b@example.org policy="DISCARD spam trap"' log
        grep -q 'message result=discarded ' log
        refute grep 'message result=accepted' log
    done
    [ "$(kept_count)" = 1 ] # of b alone, whose answer was DUNNO
    [ -z "$(find list -type f -name '??????*')" ]
}

@test "WARN and INFO go to the log" {
    start_server answer 'WARN "odd" client' 'INFO seen'
    replies_to -- a@example.org b@example.org >/dev/null
    grep -q 'recipient result=accepted .* client=192.0.2.1 .* to=a@example.org policy="WARN \\"odd\\" client"$' log
    grep -q 'recipient result=accepted .* to=b@example.org policy="INFO seen"$' log
}

@test "a server that closes the connection between questions is no trouble" {
    start_server answer-close DUNNO 'REJECT no'
    replies_to -- a@example.org b@example.org c@example.org | cut -c1-9 | diff - <(printf '%s\n' '250 2.1.5' '550 5.7.1' '550 5.7.1')
    grep ^connection= asked | diff - <(printf 'connection=%s\n' 0 1 2)
    refute grep trouble log
}

@test "who has no address is not asked about, and the log says so once" {
    start_server answer 'REJECT no'
    { one_message a@example.org b@example.org; } | sed 's/$/\r/' | handler --policy "$server" >replies
    [ "$(kept_count)" = 1 ]
    [ ! -s asked ]
    [ "$(grep -c 'recipient result=accepted .*policy="not asked: the client has no address"' log)" = 1 ]
}

# is_down FAULT TEXT: of two recipients, both are deferred, nothing is delivered, and the log has one line.
is_down() {
    rm -f log
    printf '%s\n' 'EHLO c' 'MAIL FROM:<s@example.net>' 'RCPT TO:<a@example.org>' 'RCPT TO:<b@example.org>' DATA QUIT | policed
    if [ "$(grep -c '^451 4.3.0 Local error in processing, try again later, id ID$' said)" = 2 ] &&
        grep -q '^554 5.5.1 No valid recipients' said && [ "$(kept_count)" = 0 ] && [ "$(grep -c trouble log)" = 1 ] &&
        grep -qF "trouble text=\"policy server $server: $2; recipients are deferred; see smtp-handler.conf(5), POLICY SERVERS\"" log; then
        return
    fi
    echo "$1"
    cat said log
    return 1
}

# What servers said to us once.
recorded_postgrey=('DEFER_IF_PERMIT 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/example.org.html'
    'PREPEND X-Greylist: delayed 301 seconds by postgrey-1.37 at mx.test; Sat, 28 Nov 2026 09:12:44 UTC' DUNNO)
recorded_spf=('prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; helo=c; envelope-from=s@pass.test; receiver=<UNKNOWN> '
    '550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see http://www.openspf.net/Why?s=mfrom;id=s@fail.test;ip=192.0.2.1;r=<UNKNOWN>' dunno)
recorded_rate_limit=(dunno 'defer_if_permit Rate limit reach, retry later')

# many OPTION...: 451 for all of so many recipients but the last, whose first octets of a reply are $2.
many() {
    rm -f log
    # shellcheck disable=SC2046 # a list
    replies_to -- $(seq -f 'user%g@example.org' "$(($1 + 1))") | cut -c1-9 | sed '$d' | uniq -c | tr -s ' ' >got
    diff got <(echo " $1 451 4.3.0") && [ "$(grep -c trouble log)" = 1 ] && [ "$(kept_count)" = 0 ]
}

# The faults, each of a server that would give the answer $1.
fault_missing() {
    server=$PWD/nowhere
    is_down missing 'No such file or directory'
}
fault_dead() {
    start_server answer "$1"
    end_started
    is_down dead 'Connection refused'
}
fault_closes() {
    start_server drop
    is_down closes 'it closed the connection without an answer'
}
fault_hangs() {
    start_server hang
    is_down hangs 'no answer in 10 seconds'
}
fault_hangs_behind() {
    start_server hang-behind "$1"
    is_down hangs-behind 'no answer in 10 seconds'
}
fault_takes_no_connection() {
    start_server crowded
    in_background python3 -c '
import socket, sys, time
waiting = []
for number in range(3):
    waiting.append(socket.socket(socket.AF_UNIX))
    waiting[-1].setblocking(False)
    try:
        waiting[-1].connect(sys.argv[1])
    except BlockingIOError:
        open("full", "w").close()
time.sleep(600)' "$server"
    eventually test -e full
    is_down takes-no-connection 'no answer in 10 seconds'
}
fault_breaks_off_the_question() {
    start_server break-question
    many 700
    grep -qF "$server: it closed the connection without an answer; recipients are deferred; see smtp-handler.conf(5), POLICY SERVERS" log
}
fault_breaks_off_the_answer() {
    local whole="action=$1"$'\n\n'
    start_server break-answer "$1"
    many ${#whole}
}
fault_says_something_else() {
    for odd in "action=$1\\n\\0" "\\naction=$1\\n\\n" "reaction=$1\\n\\n" "$1\\n\\n" "action=$1\\0\\n\\n" '\n' "$(printf '%5000s' '' | tr ' ' x)"; do
        start_server raw "$odd"
        is_down "$odd" 'what it answers is no answer of the protocol' || return
    done
}

# cell SERVER FAULT: in a directory of its own, each of the server's answers with the fault.
cell() {
    local -n answers=recorded_$1
    mkdir "$1-$2"
    cd "$1-$2" || return
    started=()
    for answer in "${answers[@]}"; do
        KEPT=$PWD/kept
        mkdir -p kept
        "fault_$2" "$answer" || return
        end_started
        started=()
        case $2 in *hangs* | takes_no_connection | *question) return ;; esac # it takes its time
    done
}

@test "table of servers and faults: all that is no whole answer is 451, nothing is delivered, and the log names the socket once" {
    mapfile -t servers < <(compgen -A variable recorded_ | sed 's/^recorded_//')
    mapfile -t faults < <(compgen -A function fault_ | sed 's/^fault_//')
    local -A waiting
    for fault in "${faults[@]}"; do
        for which in "${servers[@]}"; do
            (cell "$which" "$fault") >"cell-$which-$fault" 2>&1 &
            waiting[$which-$fault]=$!
            # Those that take time run at once, the others one after the other.
            case $fault in hangs* | takes*) ;; *) wait $! && echo 451 >"result-$which-$fault" ;; esac
        done
    done
    for fault in "${faults[@]}"; do
        for which in "${servers[@]}"; do
            [ -e "result-$which-$fault" ] || { wait "${waiting[$which-$fault]}" && echo 451 >"result-$which-$fault"; } ||
                { echo "$which $fault:"; cat "cell-$which-$fault"; }
        done
    done
    for fault in "${faults[@]}"; do
        printf '%-28s' "${fault//_/ }"
        for which in "${servers[@]}"; do
            printf '%-14s' "$which $(cat "result-$which-$fault")"
        done
        echo
    done >table
    cat table
    [ "$(wc -l <table)" = 9 ]
    [ "$(grep -o ' 451' table | wc -l)" = 27 ]
}

@test "after a silence the next message is asked about again" {
    start_server hang
    { printf 'EHLO c\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nRSET\nMAIL FROM:<>\nRCPT TO:<c@example.org>\nQUIT\n'; } | policed
    grep ^recipient= asked | diff - <(printf 'recipient=%s@example.org\n' a c)
    [ "$(grep -c '^451 4.3.0' said)" = 3 ]
    [ "$(grep -c trouble log)" = 1 ]
}

@test "a server is reached by IPv4 and IPv6" {
    server=127.0.0.1:$(free_port)
    in_background python3 "$commands/policy-server.py" "${server#*:}" asked answer 'REJECT by TCP'
    eventually test -e asked
    [ "$(replies_to -- a@example.org)" = '550 5.7.1 by TCP' ]
    end_started
    started=()
    is_down dead 'Connection refused'
    server="[::1]:${server#*:}"
    is_down dead 'Connection refused'
}

@test "--check warns of a server that nobody answers for, and names a wrong address" {
    start_server answer DUNNO
    check --domain example.org --policy "$server" true
    [ "$status$output" = 0 ]
    grep -qx "policy $server" checked
    printf 'domain example.org\npolicy %s\ncommand true\n' "$PWD/nowhere" >c.conf
    check --config c.conf
    [ "$status" = 0 ]
    [ "$output" = "smtp-handler: warning: c.conf:2: option policy: $PWD/nowhere: No such file or directory; recipients would be deferred" ]
    for wrong in mx.example.org:25 nowhere 127.0.0.1 127.0.0.1:0 :25 127.0.0.1:99999 ''; do
        check --domain example.org --policy "$wrong" true
        [ "$status" = 64 ]
        [ "$output" = "smtp-handler: option policy: '$wrong' is not ADDRESS:PORT, as 127.0.0.1:10023 or [::1]:10023, or a path with /" ]
    done
}

@test "postgrey defers a stranger, and then lets him in with its field in front" {
    start_postgrey 2
    one_message joe@example.org ann@example.org | policed
    grep -c '^451 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/example.org.html$' said | grep -qx 2
    one_message joe@example.org | policed
    grep -q '^451 4.2.0 Greylisted' said
    [ "$(kept_count)" = 0 ]
    sent() {
        one_message joe@example.org | policed
        [ "$(kept_count)" = 1 ]
    }
    eventually sent
    kept 1 | sed -n 2p | grep -E '^X-Greylist: delayed [0-9]+ seconds by postgrey-1.37 at mx.test; '
    # Now it knows him.
    one_message joe@example.org | policed
    [ "$(kept_count)" = 2 ]
    refute grep -q '^X-Greylist' "$KEPT/2.message"
    # A client without an address kills it: it is not asked about one.
    one_message joe@example.org | sed 's/$/\r/' | handler --policy "$server" >replies
    [ "$(kept_count)" = 3 ]
    one_message joe@example.org | policed
    [ "$(kept_count)" = 4 ]
}

@test "policyd-spf refuses who may not send for a domain, and says in front of the message who may" {
    start_policyd_spf
    one_message a@example.org b@example.org | sed 's/sender@example.net/s@pass.test/' | policed
    [ "$(kept_count)" = 1 ] || { cat said log background; return 1; }
    kept 1 | sed -n 2p | grep -E '^Received-SPF: Pass \(mailfrom\) identity=mailfrom; client-ip=192.0.2.1; helo=client.test; envelope-from=s@pass.test; receiver='
    [ "$(kept 1 | grep -c ^Received-SPF)" = 1 ]
    one_message a@example.org | sed 's/sender@example.net/s@fail.test/' | policed
    grep -q '^550 5.7.23 Message rejected due to: SPF fail - not authorized' said
    [ "$(kept_count)" = 1 ]
}
