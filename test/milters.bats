load helper
load milter
load peers
load policy

# Debian's milters, each with what it is known for, and what smtp-handler does when one of them, or of Debian's policy
# servers, fails. `make test` has OpenDKIM, OpenDMARC, rspamd and the policy servers; `make check-filters` installs all,
# and prints as a table what FILTER_FIGURES, a file, gets.

# needs PROGRAM...: skips the test if one is not installed.
needs() {
    local program
    for program; do command -v "$program" >/dev/null || skip "$program is not installed"; done
}

# serves SOCKET COMMAND...: the command, in the background, which serves that.
serves() {
    in_background "${@:2}"
    eventually test -S "$1" || { cat background; return 1; }
}

# write_mail [LINE...]: a mail with our trace, and these lines at the end of its body, in the file `message`.
write_mail() {
    trace=$'Return-Path: <a@example.net>\nReceived: from c.test (c.example [192.0.2.1])\n\tby mx.test with ESMTP id ID1;\n\tSun, 29 Nov 2026 07:00:00 +0000\n'
    {
        printf '%s' "$trace"
        printf '%s\n' 'From: A <a@example.net>' 'To:b@example.org' 'Subject:  two blanks' $' folded \t ' 'Date: Sun, 29 Nov 2026 07:00:00 +0000' \
            'Message-ID: <1234567890@example.net>' '' 'Dear you,' '.' '' $'\tblank at the end ' "$@"
    } >message
    environment=(SENDER=a@example.net)
}

gtube='XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'

# through OPTION...: a client sends the file `message`, without our trace; the reply to it, or to its recipient.
through() {
    {
        printf '%s\n' 'EHLO c.test' "MAIL FROM:<${from-a@example.net}>" 'RCPT TO:<b@example.org>' DATA
        tail -c "+$((${#trace} + 1))" message | sed 's/^\./../'
        printf '%s\n' . QUIT
    } | sed 's/$/\r/' | PROTO=TCP TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=2500 TCPREMOTEHOST=c.example TCPLOCALIP=127.0.0.1 \
        handler "$@" >replies
    from_wire <replies | sed -n '/^[45]/{p;q}; /^354/{n;p;q}'
}

# refused_through REPLY [OPTION...]: with these, and the milter on $socket, and nothing is delivered.
refused_through() {
    local before
    before=$(kept_count)
    through "${@:2}" --milter "$socket" | diff - <(echo "$1")
    [ "$(kept_count)" = "$before" ]
}

# let_in KIND: the server of that kind, "milter" or "policy", on $socket passes the `message`.
let_in() { through "--$1" "$socket" | grep '^250 2.0.0'; }

# defers_at_every_fault KIND NAME [OPTION...]: with these the server of that kind on $socket, which was started last,
# passes the `message`; while it breaks off in any packet, hangs or is dead, smtp-handler defers it and delivers
# nothing. A row of a table.
defers_at_every_fault() {
    local family=("${started[-1]}") kind=$1 kept packets number broken hung dead seconds edits
    mapfile -t -O 1 family < <(pgrep -P "${started[-1]}")
    seconds=$EPOCHREALTIME
    through "${@:3}" "--$kind" "$socket" | grep '^250 2.0.0' || { cat replies log; return 1; }
    seconds=$(echo "$seconds $EPOCHREALTIME" | awk '{ printf "%.3f", $2 - $1 }')
    tell_edits
    in_background "$commands/breaks.py" "$kind" ./breaks "$socket"
    eventually test -S breaks
    through "${@:3}" "--$kind" ./breaks | grep '^250 2.0.0'
    eventually test -s passed
    packets=$(cat passed)
    kept=$(kept_count)
    for ((number = 0; number < packets; number++)); do
        echo "$number" >break-at
        through "${@:3}" "--$kind" ./breaks | cut -c1-3
    done >codes
    broken=$(sort -u codes | tr '\n' ' ')
    kill -STOP "${family[@]}"
    hung=$(through "${@:3}" "--$kind" "$socket" --filter-timeout 2 | cut -c1-3)
    kill -KILL "${family[@]}"
    eventually refute kill -0 "${family[0]}"
    dead=$(through "${@:3}" "--$kind" "$socket" | cut -c1-3)
    printf '%s\t%s\t%s in %s packets\t%s\t%s\t%s\n' "$2" "$seconds" "${broken% }" "$packets" "$hung" "$dead" "$edits" |
        tee -a "${FILTER_FIGURES:-row}"
    [ "$broken/$hung/$dead" = '451 /451/451' ]
    [ "$packets" -ge 2 ]
    [ "$(kept_count)" = "$kept" ]
}

# Takes into $edits what the server has changed, and into $seconds what a milter has taken, not the whole session.
tell_edits() {
    if [ "$kind" = milter ]; then
        edits=$(grep 'filter result=accepted' log | tail -1 | sed 's/.*ended="exit 0" //')
        seconds=${edits##*seconds=}
        edits=${edits% seconds=*}
    else
        edits="field $(kept 1 | sed -n '2s/:.*//p')"
    fi
}

# OpenDKIM, which signs on ./sign and verifies on ./verify, as if example.net's key were in the DNS.
start_opendkim() {
    needs opendkim opendkim-genkey
    opendkim-genkey -b 1024 -s sel -d example.net -D .
    printf 'sel._domainkey.example.net %s\n' "$(tr -d '\n\t "' <sel.txt | sed 's/.*(\(.*\)).*/\1/')" >keys
    printf '%s\n' 'Syslog no' "UserID $(id -un)" >common.conf
    { cat common.conf; printf '%s\n' 'Mode s' 'Domain example.net' 'Selector sel' 'KeyFile sel.private' 'InternalHosts 127.0.0.1' \
        'Canonicalization simple/simple' 'RequireSafeKeys no' "Socket local:$PWD/sign"; } >sign.conf
    { cat common.conf; printf '%s\n' 'Mode v' 'AlwaysAddARHeader yes' 'TestPublicKeys keys' "Socket local:$PWD/verify"; } >verify.conf
    serves sign opendkim -f -x sign.conf
    serves verify opendkim -f -x verify.conf
}

# sign: what a user of example.net sends, as it comes to us; with a forged Authentication-Results.
sign() {
    local ours=$trace
    sed -n '/^From/,$p' message >outgoing
    mv outgoing message
    trace=
    socket=./sign
    environment=(CLIENT_ADDRESS=127.0.0.1 SENDER=a@example.net)
    filter
    ended 0
    grep -q '^DKIM-Signature:.*c=simple/simple' new
    { printf '%s' "$ours" 'Authentication-Results: mx.test; dkim=pass header.d=forged.example'; echo; cat new; } >message
    trace=$ours
    environment=(SENDER=a@example.net)
}

@test "OpenDKIM verifies what it has signed, octet by octet, and removes a forged result" {
    start_opendkim
    write_mail "$(seq 50000)"
    sign
    socket=./verify
    filter
    ended 0
    head -1 new | diff - <(echo 'Return-Path: <a@example.net>')
    sed -n '2,3p' new | tr -d '\n' | grep -qE '^Authentication-Results: mx.test;[[:space:]]*dkim=pass .*header.d=example.net'
    refute grep -q forged new
    grep -c '^Authentication-Results' new | grep -qx 1
    # The same with CR LF.
    sed -i 's/$/\r/' message
    trace=$(printf '%s' "$trace" | sed 's/$/\r/'; echo .)
    trace=${trace%.}
    filter
    ended 0
    grep -q $'dkim=pass .*\r$' new
    refute grep -qv $'\r$' new
    # A body that has been changed.
    printf 'more\r\n' >>message
    filter
    ended 0
    grep -qE 'dkim=fail' new
    write_mail
    defers_at_every_fault milter OpenDKIM
}

@test "OpenDMARC refuses a forged sender behind OpenDKIM, and passes one whose signature OpenDKIM has verified" {
    needs_root 'have a DNS of its own'
    start_opendkim
    needs opendmarc
    echo '_dmarc.example.net v=DMARC1; p=reject' >texts
    echo 'nameserver 127.0.0.1' >resolv.conf
    printf '%s\n' 'AuthservID mx.test' 'TrustedAuthservIDs mx.test' 'RejectFailures true' 'Syslog no' 'SPFIgnoreResults true' 'SPFSelfValidate true' \
        "UserID root" "PidFile $PWD/dmarc.pid" "Socket local:$PWD/dmarc" >dmarc.conf
    # shellcheck disable=SC2016 # its own
    serves dmarc unshare -mn sh -c 'ip link set lo up && mount --bind resolv.conf /etc/resolv.conf &&
        { setpriv --pdeathsig TERM "$0" texts & } && exec opendmarc -f -c dmarc.conf' "$commands/dns.py"
    eventually test -e texts.served
    write_mail
    sign
    socket=./verify
    filter
    ended 0
    cp message unverified
    cp new message
    socket=./dmarc
    filter
    ended 0
    head -2 new | diff - <(printf '%s\n' 'Return-Path: <a@example.net>' 'Authentication-Results: mx.test; dmarc=pass (p=reject dis=none) header.from=example.net')
    # Its signature is gone, and what is forged does not help.
    awk '/^DKIM-Signature/ { skip = 1; next } !/^[ \t]/ { skip = 0 } !skip' unverified >message
    grep -q 'dkim=pass header.d=forged' message
    socket=./verify
    filter
    ended 0
    cp new message
    socket=./dmarc
    filter
    ended 77 '5.7.1 rejected by DMARC policy for example.net'
    # Both in a chain: the message as it came, and without its signature.
    awk '/^DKIM-Signature/ { skip = 1; next } !/^[ \t]/ { skip = 0 } !skip' unverified >message
    refused_through '550 5.7.1 rejected by DMARC policy for example.net' --milter ./verify
    # Results that it would take for ours, and does if nobody removes them.
    cp message unsigned
    for id in 'mx . test' 'mx\.test' 'mx.te)st' '"(x" mx.test'; do
        { printf '%s' "$trace" "Authentication-Results: $id; dkim=pass header.d=example.net"; echo; sed '/forged/d; 1,/^\t*Sun/d' unsigned; } >message
        filter
        ended 0
        refused_through '550 5.7.1 rejected by DMARC policy for example.net'
    done
    cp unverified message
    defers_at_every_fault milter OpenDMARC --milter ./verify
    kept 1 >chained
    grep -q '^Authentication-Results: mx.test; dmarc=pass' chained
    grep -q 'dkim=pass .*header.d=example.net' chained
    refute grep forged chained
}

@test "clamav-milter refuses, discards or quarantines a virus, and marks other mail" {
    needs clamd clamav-milter
    mkdir signatures
    printf 'Test.Virus:0:*:%s\n' "$(printf 'test virus' | od -An -tx1 | tr -d ' \n')" >signatures/test.ndb
    printf '%s\n' "LocalSocket $PWD/clamd" "DatabaseDirectory $PWD/signatures" 'Foreground yes' "User $(id -un)" >clamd.conf
    serves clamd clamd -c clamd.conf
    for action in Blackhole Quarantine Reject; do
        printf '%s\n' "MilterSocket $PWD/$action" "ClamdSocket unix:$PWD/clamd" "OnInfected $action" 'AddHeader Replace' 'Foreground yes' "User $(id -un)" >"$action.conf"
        serves "$action" clamav-milter -c "$action.conf"
    done
    write_mail
    socket=./Reject
    filter
    ended 0
    sed '/^X-Virus-/d' new | diff - message
    grep -q '^X-Virus-Status: Clean$' new
    write_mail 'a test virus is here'
    filter
    ended 77 '5.7.1 Message refused'
    socket=./Blackhole filter
    ended 99
    socket=./Quarantine filter
    ended 75 '4.7.1 Message held back'
    socket=./Quarantine filter --quarantine accept
    ended 0
    grep -q '^quarantine ' edits
    refused_through '550 5.7.1 Message refused'
    write_mail
    defers_at_every_fault milter clamav-milter
    # Its scanner is gone.
    kill -KILL "${started[0]}"
    socket=./Blackhole filter
    ended 75 '4.7.1 Try again later'
}

@test "spamass-milter adds SpamAssassin's fields, and refuses spam" {
    needs spamd spamass-milter
    serves spamd spamd --socketpath="$PWD/spamd" -x -L --max-children=1 --min-children=1 -s stderr
    serves milter spamass-milter -p "$PWD/milter" -r 15 -- -U "$PWD/spamd"
    socket=./milter
    write_mail
    filter
    ended 0
    grep -q '^X-Spam-Checker-Version: SpamAssassin' new
    awk '/^X-Spam/ { skip = 1; next } !/^[ \t]/ { skip = 0 } !skip' new | diff - message
    write_mail "$gtube"
    filter
    ended 77 '5.7.1 Blocked by SpamAssassin'
    refused_through '550 5.7.1 Blocked by SpamAssassin'
    write_mail
    defers_at_every_fault milter spamass-milter
}

# start_rspamd [LINE...]: rspamd, alone, with these lines of configuration as well, on ./milter.
start_rspamd() {
    needs rspamd
    printf '%s\n' com net org >tlds
    cat >rspamd.conf <<END
options { pidfile = "$PWD/pid"; url_tld = "$PWD/tlds"; tempdir = "$PWD"; filters = ""; dns { nameserver = ["127.0.0.1:1:1"]; } }
logging { type = "console"; level = "error"; }
worker "rspamd_proxy" { bind_socket = "$PWD/milter mode=0600"; milter = yes; upstream "local" { default = yes; self_scan = yes; } count = 1; }
actions { reject = 15; }
lua = "/usr/share/rspamd/rules/rspamd.lua";
milter_headers { use = ["x-spamd-result", "authentication-results"]; }
modules { path = "/usr/share/rspamd/plugins/milter_headers.lua"; }
gtube_patterns = "all";
END
    printf '%s\n' "$@" >>rspamd.conf
    serves milter rspamd -f -i -u "$(id -un)" -g "$(id -gn)" -c rspamd.conf
    socket=./milter
}

@test "rspamd adds its fields under our name, removes what is forged, and refuses GTUBE" {
    start_rspamd
    write_mail
    sed -i 's/^To:/Authentication-Results: mx.test; dkim=pass header.d=forged.example\n&/' message
    filter
    ended 0
    grep -A1 '^Authentication-Results: mx.test;$' new | tail -1 | grep -qP '^\tnone$'
    grep -q '^X-Spamd-Result: default: False' new
    refute grep -q forged new
    write_mail "$gtube"
    filter
    ended 77 '5.7.1 Gtube pattern'
    refused_through '550 5.7.1 Gtube pattern'
    write_mail
    defers_at_every_fault milter rspamd
}

@test "rspamd's greylisting defers suspicious mail, which comes when it is sent again" {
    needs redis-server
    serves redis redis-server --port 0 --unixsocket redis --save '' --dir .
    echo 'rspamd_config:register_symbol{ name = "SUSPICIOUS", score = 5, callback = function() return true end }' >own.lua
    start_rspamd "lua = \"$PWD/own.lua\";" 'actions { greylist = 4; }' "redis { servers = \"$PWD/redis\"; }" \
        'greylist { timeout = 1s; }' 'modules { path = "/usr/share/rspamd/plugins/greylist.lua"; }'
    write_mail
    refused_through '451 4.7.1 Try again later'
    eventually let_in milter
    [ "$(kept_count)" = 1 ]
}

@test "postgrey defers a stranger's mail for a while, and all of it while it fails" {
    start_postgrey 1
    socket=$server
    write_mail
    through --policy "$socket" | grep '^451 4.2.0 Greylisted'
    eventually let_in policy
    kept 1 | sed -n 2p | grep '^X-Greylist: delayed '
    defers_at_every_fault policy postgrey
}

@test "policyd-spf puts its field in front of mail from where it may come, and lets none pass while it fails" {
    start_policyd_spf
    socket=$server
    write_mail
    from=a@fail.test
    through --policy "$socket" | grep '^550 5.7.23 '
    [ "$(kept_count)" = 0 ]
    from=a@pass.test
    defers_at_every_fault policy policyd-spf
    kept 1 | sed -n 2p | grep '^Received-SPF: Pass '
}
