load helper
load attack

# A frontend that was taken over (test/drill/attack.c) gains nothing.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    printf 'QUIT\r\n' >in
}

@test "a frontend that was not taken over serves as ever" {
    "$attacked" true <in >heard
    grep -q '^220 ' heard
    grep -q '^221 ' heard
}

@test "without the sandbox a frontend's attacks on the kernel would succeed" {
    for attack in open create connect fork signal 'map code' 'pass the runner' 'pass memory' \
        'flood with descriptors'; do
        attacks "$attack" --no-sandbox
        grep -q SUCCEEDED heard || { echo "$attack"; return 1; }
    done
    [ -e captured ]
    attacks execute --no-sandbox
    grep -q SUCCEEDED heard
}

@test "a frontend can neither open, create, execute, connect, fork, trace, signal, map code nor pass descriptors" {
    for attack in open create execute connect 'send elsewhere' fork trace signal 'map code' \
        'read parent' 'pass the runner' 'pass memory' 'flood with descriptors'; do
        seen_through "$attack"
        [ ! -s heard ] || { echo "$attack: $(cat heard)"; return 1; }
        [ "$status" = 70 ]
        grep -q 'trouble text="the frontend was ended by signal 31; see smtp-handler-security(7), DIAGNOSTICS"' log
    done
}

@test "a request of another size, or without meaning, ends the connection" {
    distrusted short 'request of another size'
    distrusted long 'request of another size'
    distrusted unknown 'unknown operation'
}

@test "an operation out of order ends the connection" {
    distrusted 'deliver at once' 'operation out of order'
    distrusted 'deliver nothing' 'operation out of order'
    distrusted 'deliver elsewhere' 'operation out of order'
}

@test "a recipient that is not ours is not accepted because the frontend claims to know it" {
    distrusted 'be certain' 'refused address called acceptable'
}

@test "no message gets past a filter, and none hides what a filter adds" {
    printf '#!/bin/sh\necho "X-Filter: 1"; exit "${1:-0}"\n' >filter
    chmod +x filter
    seen_through 'hide fields' --filter './filter 77'
    grep -q 'filter result=refused' log
    attacks 'hide fields' --filter ./filter
    sed '/^$/,$d' delivered | grep -qx 'X-Filter: 1'
    rm delivered
    attacks 'hide fields'
    head -2 delivered | tail -1 | grep -qx 'Subject: x'
}

@test "only stored octets are delivered, and only to the recipients of the message" {
    distrusted 'claim more' 'message of another size'
    distrusted 'deliver to all' 'delivery to the wrong recipients'
    distrusted 'claim trace' 'trace too large'
    distrusted 'claim trace behind it' 'trace too large'
}

@test "values beyond their limits end the connection" {
    distrusted 'forge lines' 'malformed recipient'
    distrusted 'make long' 'malformed recipient'
}

@test "a malformed address ends the connection" {
    distrusted 'name two' 'malformed recipient'
    distrusted 'name no literal' 'malformed recipient'
    distrusted 'name in capitals' 'malformed recipient'
    distrusted 'name another form' 'malformed recipient'
    distrusted 'name brackets' 'malformed recipient'
    distrusted 'come from no domain' 'malformed sender'
}

@test "a frontend cannot change a message while it is delivered" {
    distrusted 'change later' 'message still writable'
}

@test "a frontend cannot change a message in memory, even if no sandbox forbids mapping it" {
    attacks 'write to memory'
    [ "$(cat heard)" = FAILED ]
    attacks 'change memory' --no-sandbox
    [ "$(cat heard)" = FAILED ]
    [ "$(tail -c 1 delivered)" = x ]
    rm delivered
    seen_through 'change mapped memory' --no-sandbox
    grep -q FAILED heard
}

@test "a frontend cannot make the log lie" {
    distrusted 'claim success' 'message accepted without a delivery'
    distrusted 'forge log' 'operation out of order'
    refute grep FORGED log
}

@test "a frontend can tell the log of ten refusals, in harmless words, and of no acceptance" {
    attacks 'forge refusals'
    grep -q SUCCEEDED heard
    [ "$(grep -c '^smtp-handler: sender result=refused helo=attacker from=forged@example.org status=5.3.4$' log)" = 10 ]
    distrusted 'flood with refusals' 'too many refusals'
    [ "$(grep -c '^smtp-handler: sender ' log)" = 10 ]
    for attack in 'refuse lines' 'refuse nobody' 'refuse with acceptance' 'refuse with anything'; do
        distrusted "$attack" 'malformed refusal'
        [ "$(wc -l <log)" = 1 ]
    done
}

@test "a frontend cannot change by a refusal what the transaction began with" {
    attacks 'refuse and rename'
    grep -q SUCCEEDED heard
    grep -q 'message result=accepted .* helo=attacker ' log
}

@test "a frontend cannot fill the memory" {
    seen_through 'fill memory'
    grep -q FAILED heard
}

@test "a client is authenticated by a proxy or a password only" {
    distrusted 'pretend to be a proxy' 'XCLIENT not permitted'
    distrusted 'guess passwords' 'AUTH not allowed'
    distrusted 'guess passwords' 'AUTH not allowed' --auth true
}

@test "the runner resolves a name once, and only if it has to" {
    distrusted 'resolve twice' 'resolving not allowed'
    PROTO=TCP TCPREMOTEIP=192.0.2.7 distrusted 'resolve twice' 'resolving not allowed' --resolve
    PROTO=TCP TCPREMOTEIP=192.0.2.7 TCPREMOTEHOST=a.example distrusted 'resolve twice' 'resolving not allowed' --resolve
}

@test "the runner checks credentials again: an empty password, a malformed name, HELO" {
    for attack in 'empty password' 'forge user' 'authenticate without EHLO'; do
        a_try
        behind_tls "$attack" --auth ./program --submission
        grep -q 'protocol violation by the frontend: malformed credentials; see smtp-handler-security(7), DIAGNOSTICS"' log || { echo "$attack: $(cat log)"; return 1; }
        [ ! -e tries ]
    done
}

@test "credentials that nobody can check are limited as wrong ones are" {
    a_try 111
    behind_tls 'defer forever' --auth ./program
    grep -q 'protocol violation by the frontend: AUTH not allowed; see smtp-handler-security(7), DIAGNOSTICS"' log
    [ "$(wc -l <tries)" = 5 ]
    a_try 1
    behind_tls 'defer forever' --auth ./program
    [ "$(wc -l <tries)" = 3 ]
}

@test "the runner checks again what the client says of itself and of its message" {
    for attack in 'forge helo' 'forget helo' 'lengthen helo' 'forge envid' 'forge ret' 'forge UTF-8 sender' 'wish without EHLO'; do
        distrusted "$attack" 'malformed sender' --dsn
    done
    for attack in 'forge notify' 'forge orcpt' 'forge dropped' 'forge UTF-8 recipient'; do
        distrusted "$attack" 'malformed recipient' --dsn
    done
    distrusted 'wish unasked' 'malformed recipient'
    distrusted 'ask for PRDR' 'PRDR not offered'
    distrusted 'lack the unknown' 'malformed sandbox report'
}

@test "with --one-recipient a frontend gets one recipient a message, and one delivery for each" {
    attacks 'name several' --one-recipient
    grep -q FAILED heard
    grep -q 'recipient result=deferred .* to=b@localhost status=4.5.3' log
    attacks 'name several' --one-recipient --done-list list
    grep -q SUCCEEDED heard
    distrusted 'deliver to each' 'delivery to the wrong recipients'
    seen_through 'map then again' --no-sandbox
    grep -qF 'protocol violation by the frontend: delivery to no recipient' log
}

@test "the runner checks again whom a proxy speaks for, and refuses it before TLS that is required" {
    export PROTO=TCP TCPREMOTEIP=192.0.2.1
    distrusted 'forge proxy' 'malformed client' --xclient 192.0.2.1
    distrusted 'forge proxied user' 'malformed client' --xclient 192.0.2.1
    UCSPITLS='' SSLCTLFD=5 SSLREADFD=5 SSLWRITEFD=5 \
        distrusted 'pretend to be a proxy' 'XCLIENT before TLS' --xclient 192.0.2.1 --tls required 5</dev/null
    behind_tls 'secure behind proxy' --xclient 192.0.2.1
    grep -q 'protocol violation by the frontend: handshake not allowed; see smtp-handler-security(7), DIAGNOSTICS"' log
}

@test "a frontend that does not stop is killed half a minute after SIGTERM" {
    ATTACK=stay "$attacked" --log stderr true <in >heard 2>log &
    eventually grep -q STAYING heard
    kill $!
    SECONDS=0
    status=0
    wait $! || status=$?
    [ "$status" = 70 ]
    [ "$SECONDS" -ge 29 ]
    grep -q 'trouble text="the frontend does not end; see smtp-handler-security(7), DIAGNOSTICS"' log
}

@test "the log says why the runner killed the frontend, not that a signal did" {
    status=0
    # As when the user's other processes have too many descriptors on their way.
    ATTACK='fill memory' strace -qq -o trace -e trace=sendmsg -e inject=sendmsg:error=ETOOMANYREFS \
        "$attacked" --log stderr true <in >heard 2>log || status=$?
    [ "$status" = 70 ]
    grep -q 'trouble text="the frontend cannot be served: Too many references' log
}

@test "a frontend can acknowledge only an answer that was given" {
    distrusted 'acknowledge nothing' 'nothing to acknowledge' --done-list list
}

@test "floods of records end the connection" {
    distrusted flood 'too many messages'
    distrusted 'flood unheard' 'answers not read' --max-messages 100000
    distrusted 'flood with refused' 'too many errors'
    distrusted 'flood behind one' 'too many recipients'
    [ "$(grep -c '^smtp-handler: recipient ' log)" = 10 ]
    distrusted 'flood and begin anew' 'too many errors'
    [ "$(grep -c '^smtp-handler: recipient ' log)" = 10 ]
}

@test "a kernel that cannot confine the frontend is logged once, and mail goes on" {
    on_old_kernel
    grep -q '^221 ' heard
    [ "$status" = 0 ]
    grep -q 'connection .* unconfined=Landlock ' log
    refute grep trouble log
}

@test "with --require-sandbox a kernel that cannot confine the frontend serves nobody" {
    on_old_kernel --require-sandbox
    grep -q '^421 4.3.5 ' heard
    [ "$status" = 71 ]
    [ "$(cat log)" = 'smtp-handler: trouble text="the sandbox lacks Landlock; the connection is closed; see smtp-handler-security(7), DIAGNOSTICS"' ]
}

# cpu_limit OPTION...: the seconds of processor time that the frontend may take.
cpu_limit() {
    mkfifo client
    "$attacked" --log none "$@" true <client >heard &
    exec 5>client
    eventually grep -q '^220 ' heard
    awk '/^Max cpu time/ { print $4, $5 }' "/proc/$(pgrep -P $!)/limits"
    exec 5>&-
    wait
    rm client heard
}

@test "the frontend's processor time is limited by --max-messages and by the session timeout" {
    [ "$(cpu_limit --max-messages 10 --max-size 100000000)" = '100 100' ]
    [ "$(cpu_limit --max-size 0 --session-timeout 100)" = '130 130' ]
    [ "$(cpu_limit)" = '1108 1108' ]
}

@test "limits that a filter from outside refuses count as missing" {
    under_filter
    grep -q '^221 ' heard
    grep -q 'connection .* unconfined=rlimits ' log
    under_filter --require-sandbox
    grep -q '^421 4.3.5 ' heard
    [ "$status" = 71 ]
    grep -qx 'smtp-handler: trouble text="the sandbox lacks rlimits; the connection is closed; see smtp-handler-security(7), DIAGNOSTICS"' log
}

@test "limits that are lower already do not count as missing" {
    prlimit --fsize=4096:8192 --cpu=5:6 --stack=262144:524288 \
        setpriv --bounding-set=-all --inh-caps=-all \
        "$attacked" --log stderr --require-sandbox true <in >heard 2>log
    grep -q '^221 ' heard
    refute grep unconfined log
}
