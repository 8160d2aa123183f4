load helper

# Several recipients of a message who are delivered to one by one: LMTP, PRDR, one-recipient mode with a done-list.

# A delivery command that keeps the message by its recipient; its exit status is in the extension.
by_recipient=(sh -c 'cat >"$KEPT/$RECIPIENT.message"; cp /proc/self/environ "$KEPT/$RECIPIENT.environment"; echo "$RECIPIENT" >>runs
    echo "kept for $LOCAL"; exit "${EXTENSION:-0}"')

# The options of each way, and how the client greets and begins a message there.
ways=('--lmtp|LHLO|' '--lmtp --one-recipient|LHLO|' '--one-recipient|EHLO| PRDR' '--one-recipient --done-list list|EHLO|'
    '--one-recipient --done-list list|EHLO| PRDR')

# say OPTION...: a client of the way at hand sends the file `content`, by BDAT, to all of `recipients`; the replies
# from the message on.
say() {
    delivery=("${by_recipient[@]}")
    rm -rf list
    # shellcheck disable=SC2086 # several
    { printf '%s c\r\nMAIL FROM:<s@example.net>%s%s\r\n' "$greeting" "$parameters" "$body"
      printf 'RCPT TO:<%s>\r\n' "${recipients[@]}"
      printf 'BDAT %d LAST\r\n' "$(stat -c %s content)"
      cat content
      printf 'QUIT\r\n'; } |
        PROTO=TCP TCPREMOTEIP=192.0.2.7 TCPREMOTEHOST=client.example handler $options "$@" | from_wire | without_ids |
        sed '1,/^250 2.1.5/d' | grep -vE '^(250 2.1.5|353|221)'
}

# each_way: runs the commands on standard input once for each way.
each_way() {
    local commands way options greeting parameters
    commands=$(cat)
    for way in "${ways[@]}"; do
        IFS='|' read -r options greeting parameters <<<"$way"
        rm -rf "$KEPT" runs
        mkdir "$KEPT"
        eval "$commands" || { echo "way: $way"; return 1; }
    done
}

# What differs from message to message: the id, and the date.
without_time() { sed -E '1,/^\t[A-Z][a-z]{2}, .* \+0000/{s/ id [0-9a-f-]+/ id ID/; s/^\t[A-Z][a-z]{2}, .* \+0000/\tDATE/}'; }

# alone ADDRESS OPTION...: what the recipient gets who is the only one.
alone() {
    local recipients=("$1")
    say "${@:2}" >/dev/null
    without_time <"$KEPT/$1.message"
}

# names_each OPTION...: each recipient gets in company what it gets alone.
names_each() {
    local recipients=(a@example.org B+0@example.org '"c d"@example.org') address
    say "$@" >/dev/null
    for address in "${recipients[@]}"; do without_time <"$KEPT/$address.message" >"$address.several"; done
    grep -q "^$(printf '\t')for <B+0@example.org>;" 'B+0@example.org.several' || [ "$*" = --no-trace ]
    for address in "${recipients[@]}"; do alone "$address" "$@" | cmp - "$address.several" || return 1; done
}

@test "each recipient's message is the one that it gets alone, with its own for and Delivered-To" {
    printf 'Subject: x\r\n\r\nbody\r\n' >content
    each_way <<'END'
names_each && names_each --line-ending crlf && names_each --no-trace
END
    ways=('--one-recipient --done-list list|EHLO|')
    each_way <<'END'
recipients=(a@example.org b@example.org)
say >/dev/null
sed -n 2p "$KEPT/a@example.org.message" | grep -qx 'Delivered-To: a@example.org'
END
}

@test "so it is with a message that does not begin with a field, with an empty one, and one of a mailbox file" {
    for text in '' '\r\n' ' folded\r\n' 'body\r\n' 'From x\r\nSubject: y\r\n' 'Return-Path: <z>\r\nSubject: x\r\n'; do
        printf %b "$text" >content
        each_way <<'END'
names_each
END
    done
}

@test "so it is with BINARYMIME, whatever the line ending" {
    printf 'Subject: x\r\n\r\nbo\0dy\n\r' >content
    body=' BODY=BINARYMIME' each_way <<'END'
names_each && names_each --line-ending crlf
END
}

@test "so it is with messages around the size that is kept in memory, and beyond" {
    ways=('--lmtp|LHLO|' '--one-recipient --done-list list|EHLO|')
    for size in 1048350 1048576 3000000; do
        head -c "$size" /dev/zero | tr '\0' x >content
        body=' BODY=BINARYMIME' each_way <<'END'
names_each
END
    done
}

@test "MESSAGE_SIZE is the size of each recipient's message" {
    printf 'Subject: x\r\n' >content
    each_way <<'END'
recipients=(a@example.org longer@example.org)
say >/dev/null
for address in "${recipients[@]}"; do
    tr '\0' '\n' <"$KEPT/$address.environment" | grep -qx "MESSAGE_SIZE=$(stat -c %s "$KEPT/$address.message")" || return 1
done
END
}

@test "a message whose copy finds no room is deferred" {
    delivery=("${by_recipient[@]}")
    mkdir spool
    begin() { printf '%s\r\n' 'LHLO c' 'MAIL FROM:<> BODY=BINARYMIME' 'RCPT TO:<a@example.org>' 'RCPT TO:<b@example.org>'; }
    { begin; printf 'BDAT 3 LAST\r\nx\r\n'; } | handler --lmtp >replies
    rm runs replies
    # The message is in memory; with a name in front it needs a file.
    local size=$((1024 * 1024 + 1 - $(stat -c %s "$KEPT/a@example.org.message") + 3))
    # shellcheck disable=SC2094 # it waits for them
    { begin; printf 'BDAT %d LAST\r\n' "$size"
      eventually grep -q ^220 replies && rmdir spool
      head -c "$size" /dev/zero; } | handler --lmtp --spool spool >replies
    from_wire <replies | tail -2 | cut -c1-9 | diff - <(printf '452 4.3.1\n452 4.3.1\n')
    grep -c 'trouble text="spool: No such file or directory; see smtp-handler.conf(5)"' log | grep -qx 2
    grep -c 'message result=deferred .*status=4.3.1' log | grep -qx 2
    [ ! -e runs ]
}

@test "a loop is seen for the recipient whom Delivered-To names, and the others get the message" {
    ways=('--one-recipient|EHLO| PRDR' '--one-recipient --done-list list|EHLO|')
    for ending in '\r\n\r\nbody\r\n' '\r\n'; do
        printf 'Received: x\r\nDelivered-To: B@EXAMPLE.org%b' "$ending" >content
        each_way <<'END'
recipients=(a@example.org b@example.org c@example.org)
say >said
diff runs <(printf '%s@example.org\n' a c)
grep -q 'message result=refused .* to=b@example.org .*status=5.4.6' log
END
        grep -qx '451 4.3.0 Local error in processing, try again later, id ID' said # mixed, in one reply
    done
    printf 'X: y\r\n\r\nDelivered-To: b@example.org\r\n' >content
    each_way <<'END'
recipients=(a@example.org b@example.org)
say >said
[ "$(wc -l <runs)" = 2 ]
END
}

@test "with PRDR the one in a loop is refused alone" {
    local options=--one-recipient greeting=EHLO parameters=' PRDR' recipients=(a@example.org b@example.org)
    { seq -f 'X-%g: a header that is longer than what is read at once' 3000; echo 'Delivered-To: a@example.org'; } | sed 's/$/\r/' >content
    say | diff - <(printf '%s\n' '554 5.4.6 Mail loop, id ID' '250 2.0.0 kept for b' '250 2.0.0 Delivered, id ID')
}

@test "in LMTP, and with --no-trace, Delivered-To makes no loop for several either" {
    printf 'Delivered-To: a@example.org\r\n\r\n' >content
    local recipients=(a@example.org b@example.org) greeting=LHLO parameters=''
    for options in --lmtp '--lmtp --one-recipient'; do
        say | cut -c1-3 | uniq -c | diff - <(printf '%7d 250\n' 2)
    done
    options='--one-recipient --done-list list --no-trace' greeting=EHLO say | grep -q ^250
}

@test "a recipient who is named twice gets one run, and each RCPT that run's verdict and text" {
    printf 'x\r\n' >content
    local recipients=(a@example.org b+67@example.org a@EXAMPLE.org A@example.org '"a"@example.org' b+67@example.org c+75@example.org c+75@example.org)
    local greeting=LHLO parameters='' options=--lmtp
    say | diff - <(cat <<'EOF'
250 2.0.0 kept for a
550 5.1.1 kept for b+67
250 2.0.0 kept for a
250 2.0.0 kept for A
250 2.0.0 kept for a
550 5.1.1 kept for b+67
451 4.3.0 kept for c+75
451 4.3.0 kept for c+75
EOF
)
    diff runs <(printf '%s@example.org\n' a b+67 A c+75)
    grep -c 'message result=accepted .* to=a@example.org .* done=1 reply="kept for a" ' log | grep -qx 2
    grep -c 'message result=refused .* to=b+67@example.org .* done=1 ' log | grep -qx 1
    grep 'done=1' log | refute grep -E 'command=|ended='
    rm runs
    options=--one-recipient greeting=EHLO parameters=' PRDR' recipients=(a@example.org b+67@example.org a@example.org)
    say | diff - <(printf '%s\n' '250 2.0.0 kept for a' '550 5.1.1 kept for b+67' '250 2.0.0 kept for a' '250 2.0.0 Delivered, id ID')
    diff runs <(printf '%s@example.org\n' a b+67)
}

@test "by an entry of the list two spellings are one recipient; another extension is another one" {
    printf 'x\r\n' >content
    printf '%s\n' joe@example.org ann+x@example.org @two.example >list-of-us
    local recipients=(Joe@example.org joe@example.org JOE+a@example.org joe+b@example.org joe+a@example.org Ann+X@example.org ann+x@example.org
        jim@two.example Jim@two.example postmaster@example.org POSTMASTER@example.org)
    local greeting=LHLO parameters='' options='--lmtp --domain two.example --recipients list-of-us'
    by_recipient=(sh -c 'echo "$RECIPIENT" >>runs')
    say | cut -c1-3 | uniq -c | diff - <(printf '%7d 250\n' 11)
    diff runs <(printf '%s\n' {Joe,JOE+a,joe+b,Ann+X}@example.org {jim,Jim}@two.example {postmaster,POSTMASTER}@example.org)
}

@test "a thousand times the same recipient is one run, and a thousand replies" {
    printf 'x\r\n' >content
    local recipients greeting=LHLO parameters='' options='--lmtp --log none'
    mapfile -t recipients < <(yes a@example.org | head -1000)
    [ "$(say | grep -c '^250 2.0.0 kept for a$')" = 1000 ]
    [ "$(wc -l <runs)" = 1 ]
}

@test "with one run for all a recipient who is named twice is in RECIPIENTS once, with the first one's DSN" {
    delivery=("$commands/keep" '{recipients}')
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org> NOTIFY=NEVER' 'RCPT TO:<b@example.org>' \
        'RCPT TO:<a@EXAMPLE.ORG> NOTIFY=SUCCESS' DATA x . | handler --dsn | from_wire | tail -1 | grep -q '^250 2.0.0'
    kept_arguments 1 | diff - <(printf '<%s@example.org>\n' a b)
    kept_environment 1 | sed -n '/^RECIPIENTS=/,/^[A-Z]*=/p;/^NOTIFY=/,/^ORCPT=/p' | grep -cE '^(RECIPIENTS=a@example.org|b@example.org|NOTIFY=NEVER|)$' | grep -qx 4
    kept_environment 1 | refute grep SUCCESS
    grep -q 'message result=accepted .* to=a@example.org,b@example.org,a@example.org recipients=3 .* done=1 ' log
    # The only one is named, as ever.
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' 'RCPT TO:<a@example.org>' DATA x . | handler | from_wire | tail -1 | grep -q '^250 2.0.0'
    kept_environment 2 | grep -qx RECIPIENT=a@example.org
    kept 2 | grep -qx "$(printf '\t')for <a@example.org>;"
}

@test "in one-recipient mode the same recipient may be named again, and no other; it gets one run" {
    delivery=("${by_recipient[@]}")
    printf 'joe@example.org\n' >list
    conversation --one-recipient --recipients list --max-errors 2 <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<>
RCPT TO:<joe@example.org>
RCPT TO:<joe@EXAMPLE.ORG>
RCPT TO:<joe+x@example.org>
RCPT TO:<joe+y@example.org>
RCPT TO:<Joe@example.org>
DATA
Delivered-To: other@example.org

x
.
MAIL FROM:<>
RCPT TO:<joe@example.org>
RCPT TO:<joe@example.org>
DATA
Delivered-To: joe@example.org
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
452 4.5.3 Too many recipients
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 kept for joe
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
554 5.4.6 Mail loop, id ID
221 2.0.0 mx.test closing connection
SERVER
    diff runs <(echo joe@example.org)
    sed -n 2p "$KEPT/joe@example.org.message" | grep -qx 'Delivered-To: joe@example.org'
    grep -c 'recipient result=deferred .*status=4.5.3' log | grep -qx 2
}
