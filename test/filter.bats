load helper

# Programs that judge and change a message before the delivery command: --filter.

# filter NAME: makes ./NAME the script on standard input, for a shell.
filter() {
    { echo '#!/bin/sh'; cat; } >"$1"
    chmod +x "$1"
}

# sends OPTION...: a client sends a message to user@example.org; the reply to it.
sends() { sends_to user@example.org "$@"; }

# sends_to RECIPIENT OPTION...: to one or, with commas between them, to several.
sends_to() {
    local recipients
    IFS=, read -ra recipients <<<"$1"
    one_message "${recipients[@]}" | sed 's/$/\r/' | handler "${@:2}" >replies
    from_wire <replies | without_ids >said
    sed '1,/^354/d; /^221/d' said
}

# by_lmtp RECIPIENTS OPTION...: the same, by LMTP.
by_lmtp() {
    local recipients
    IFS=, read -ra recipients <<<"$1"
    one_message "${recipients[@]}" | sed 's/EHLO/LHLO/; s/$/\r/' | handler --lmtp "${@:2}" >replies
    from_wire <replies | without_ids | sed '1,/^354/d; /^221/d'
}

# message [N]: message N, with no id and date.
message() {
    kept "${1:-1}" | sed -E '1,/^\t[A-Z][a-z]{2}, .* \+0000/{s/ id [0-9a-f-]+/ id ID/; s/^\t[A-Z][a-z]{2}, .* \+0000/\tDATE/}'
}

variable() { kept_environment "${2:-1}" | sed -n "s/^$1=//p"; }

# deferred REASON: the message before was deferred for it, and nothing delivered.
deferred() {
    [ "$(sed '1,/^354/d; /^221/d' said)" = '451 4.3.0 Local error in processing, try again later, id ID' ] || return 1
    [ "$(kept_count)" = 0 ] || return 1
    grep -F 'filter result=deferred' log | tail -1 | grep -qF -- "$1" || { cat log; return 1; }
    grep -q 'message result=deferred .* status=4.3.0' log || return 1
    : >log
}

ok='250 2.0.0 Delivered, id ID'

@test "a filter that exits 0 and writes nothing changes nothing" {
    filter nothing </dev/null
    [ "$(sends --no-trace)" = "$ok" ]
    [ "$(sends --no-trace --filter ./nothing)" = "$ok" ]
    cmp "$KEPT/1.message" "$KEPT/2.message"
    sends >/dev/null
    sends --filter ./nothing >/dev/null
    message 3 | diff - <(message 4)
    grep -q 'filter result=accepted id=[0-9a-f-]* filter=./nothing ended="exit 0" seconds=' log
    refute grep -qE '^(TRACE_SIZE|QUARANTINE)=' <(kept_environment 4)
}

@test "a filter ends as the command does: each status has its reply, and anything unknown defers" {
    while read -r status reply; do
        filter ends <<<"exit $status"
        [ "$(sends --filter ./ends)" = "$reply, id ID" ] || { echo "$status: $(cat said)"; return 1; }
    done <<'END'
64 451 4.3.5 Local configuration error, try again later
65 554 5.6.0 Bad message content
67 550 5.1.1 No such mailbox
68 550 5.1.2 No such domain
69 554 5.3.0 Service for this message unavailable
70 451 4.3.0 Local error in processing, try again later
73 451 4.2.0 Mailbox temporarily unavailable, try again later
75 451 4.3.0 Local error in processing, try again later
76 554 5.5.0 Message refused
77 550 5.7.0 Message not permitted
78 451 4.3.5 Local configuration error, try again later
100 554 5.0.0 Message refused
112 554 5.0.0 Message refused
1 451 4.3.0 Local error in processing, try again later
98 451 4.3.0 Local error in processing, try again later
255 451 4.3.0 Local error in processing, try again later
END
    [ "$(kept_count)" = 0 ]
    grep -q 'filter result=refused .* filter=./ends ended="exit 67"' log
    grep -q 'message result=refused .* status=5.1.1' log
}

@test "the first line of its output is the text if it refuses or defers, with its enhanced code" {
    filter refuses <<<'echo 5.7.1 Spam, score 17; echo more; exit 77'
    [ "$(sends --filter ./refuses)" = '550 5.7.1 Spam, score 17' ]
    grep -q 'filter result=refused .* ended="exit 77" reply="5.7.1 Spam, score 17"' log
    filter defers <<<'echo 4.7.1 Greylisted; exit 75'
    [ "$(sends --filter ./defers)" = '451 4.7.1 Greylisted' ]
    [ "$(kept_count)" = 0 ]
}

@test "with 99 a filter accepts and nothing is kept, nor remembered" {
    filter discards <<<'echo Thanks; exit 99'
    filter never <<<'touch ran'
    [ "$(sends --done-list list --filter ./discards --filter ./never)" = '250 2.0.0 Thanks' ]
    [ "$(kept_count)" = 0 ]
    [ ! -e ran ]
    grep -q 'filter result=discarded .* filter=./discards' log
    grep -q 'message result=discarded' log
    [ -z "$(find list -type f ! -name lock)" ]
}

@test "filters run in their order, and the first that does not go on ends it" {
    filter runs <<<'echo "$1" >>order; exit "${2:-0}"'
    [ "$(sends --filter './runs one' --filter './runs "two words"' --filter './runs three 65' --filter './runs four')" = \
        '554 5.6.0 Bad message content, id ID' ]
    diff order <(printf '%s\n' one 'two words' three)
    [ "$(kept_count)" = 0 ]
}

@test "up to eight filters are allowed, on the command line and in the file" {
    filter counts <<<'echo >>count'
    eight=() && for _ in 1 2 3 4 5 6 7 8; do eight+=(--filter ./counts); done
    [ "$(sends "${eight[@]}")" = "$ok" ]
    [ "$(wc -l <count)" = 8 ]
    check "${eight[@]}" --filter ./counts true
    [ "$status" = 64 ]
    grep -q "option filter: './counts' is not .* more than 8" <<<"$output"
    printf 'filter %s/counts "two words"\nfilter-timeout 9\ncommand true\n' "$PWD" >config
    check --config config
    [ "$status" = 0 ]
    grep -qx "filter $PWD/counts \"two words\"" checked
    grep -qx 'filter-timeout 9' checked
}

@test "each filter reads the whole message from its start, seekable and not to be written" {
    cat >reads <<'END'
#!/usr/bin/python3
import os, sys
first = os.read(0, 1 << 20)
os.lseek(0, 0, 0)
assert os.read(0, 1 << 20) == first and first.startswith(b"Return-Path: <sender@example.net>\n"), first
size = int(os.environ["TRACE_SIZE"])
assert first[size:] == b"Subject: test\n\nbody\n", first
assert len(first) == int(os.environ["MESSAGE_SIZE"])
for attempt in (lambda: os.write(0, b"x"), lambda: os.ftruncate(0, 0)):
    try:
        attempt()
        sys.exit("written to")
    except OSError:
        pass
assert os.fstat(3).st_size == 0 and os.fstat(4).st_size == 0
assert not any(os.path.exists(f"/proc/self/fd/{i}") for i in range(6, 64))
assert os.getpgid(0) == os.getpid()
END
    chmod +x reads
    [ "$(sends --filter ./reads --filter ./reads)" = "$ok" ]
}

@test "a filter has the command's macros and variables, and the seconds that are left" {
    filter tells <<<'printf "<%s>\n" "$@" >arguments; env >environment'
    [ "$(sends --filter './tells {sender} {recipients} {helo} "{client_address} x"' --filter-timeout 50)" = "$ok" ]
    diff arguments <(printf '<%s>\n' sender@example.net user@example.org client.test 'unknown x')
    for name in SENDER RECIPIENT RECIPIENTS LOCAL DOMAIN CLIENT_HELO CLIENT_PROTOCOL TRANSACTION_ID MESSAGE_SIZE; do
        [ "$(sed -n "s/^$name=//p" environment)" = "$(variable "$name")" ] || { echo "$name"; return 1; }
    done
    grep -qxE 'DEADLINE=(50|4[0-9])' environment
    grep -qx 'TRACE_SIZE=[1-9][0-9]*' environment
    [ "$(variable DEADLINE)" = 240 ]
    sends --no-trace --filter ./tells >/dev/null
    grep -qx 'TRACE_SIZE=0' environment
}

@test "an address that would be an option of a filter is refused at MAIL or RCPT" {
    filter tells <<<'printf "<%s>\n" "$@" >arguments'
    conversation --filter './tells {sender} {recipients}' <<'END' 4<<'EOF'
HELO c
MAIL FROM:<-x@example.net>
MAIL FROM:<s@example.net>
RCPT TO:<-f@example.org>
RCPT TO:<f@example.org>
QUIT
END
220 mx.test ESMTP smtp-handler
250 mx.test
553 5.1.7 Sender address not allowed, id ID
250 2.1.0 Sender ok
553 5.1.3 Recipient address not allowed, id ID
250 2.1.5 Recipient ok
221 2.0.0 mx.test closing connection
EOF
}

@test "what it writes to standard output are header fields for the front, behind Return-Path" {
    filter adds <<<'printf "X-Score: 1\n\tfolded\r\nAuthentication-Results: mx.test; none"'
    [ "$(sends --filter ./adds)" = "$ok" ]
    message | diff - <(cat <<'EOF'
Return-Path: <sender@example.net>
X-Score: 1
	folded
Authentication-Results: mx.test; none
Received: from client.test
	by mx.test with ESMTP id ID
	for <user@example.org>;
	DATE
Subject: test

body
EOF
)
    grep -q 'filter result=accepted .* changed=header ' log
    [ "$(variable MESSAGE_SIZE)" = "$(kept 1 | wc -c)" ]
    sends --filter ./adds --line-ending crlf >/dev/null
    [ "$(kept 2 | grep -c $'\r$')" = "$(kept 2 | wc -l)" ]
    sends --filter ./adds --one-recipient >/dev/null
    message 3 | head -3 | diff - <(printf '%s\n' 'Return-Path: <sender@example.net>' 'Delivered-To: user@example.org' 'X-Score: 1')
}

@test "without a trace the fields come first, and stay apart from what the client sent" {
    filter adds <<<'echo "X: 1"'
    sends --filter ./adds --no-trace >/dev/null
    kept 1 | diff - <(printf 'X: 1\nSubject: test\n\nbody\n')
    while IFS='|' read -r line expected; do
        rm -f "$KEPT"/*
        one_message | sed "s/^Subject: test/$line/; s/\$/\r/" | handler --filter ./adds --no-trace >replies
        diff "$KEPT/1.message" <(printf 'X: 1\n%b\n\nbody\n' "$expected") || return 1
    done <<'END'
no field|\nno field
 folded|\n folded
From a b|X-Mailbox-Line: From a b
|
END
}

@test "output that is no header field defers, and so does more than 16 KiB" {
    while IFS= read -r text; do
        filter writes <<<"printf '$text'"
        sends --filter ./writes >/dev/null
        deferred 'filter=./writes ended="exit 0" fault="standard output: a line is no header field"' || { echo "$text"; return 1; }
    done <<'END'
\n
X: 1\n\n
\tfolded\n
X: 1\n \t\n
X 1: 1\n
X : 1\n
: 1\n
X: a\rb\n
X: a\000b\n
From a b\n
END
    filter writes <<<'printf "X: "; head -c "$1" /dev/zero | tr "\0" x'
    [ "$(sends --filter './writes 16380')" = "$ok" ]
    rm "$KEPT"/*
    sends --filter './writes 16381' >/dev/null
    deferred 'fault="standard output: ' # with its line end it is one octet too many
    sends --filter './writes 1000000' >/dev/null
    deferred 'fault="standard output: more than 16 KiB"'
}

@test "what it writes to descriptor 3 becomes the message, and standard output does not" {
    filter rewrites <<<'sed s/body/changed/ >&3; echo "X: 1"'
    [ "$(sends --filter ./rewrites)" = "$ok" ]
    message | diff - <(cat <<'EOF'
Return-Path: <sender@example.net>
X: 1
Received: from client.test
	by mx.test with ESMTP id ID
	for <user@example.org>;
	DATE
Subject: test

changed
EOF
)
    [ "$(variable MESSAGE_SIZE)" = "$(kept 1 | wc -c)" ]
    grep -q 'filter result=accepted .* changed=header,message ' log
    # By another name it is the same file.
    filter rewrites <<<'cat >/dev/fd/3; echo more >>/proc/self/fd/3'
    [ "$(sends --filter ./rewrites)" = "$ok" ]
    kept 2 | tail -2 | diff - <(printf 'body\nmore\n')
}

@test "without root's rights a filter opens descriptor 3 again for writing, and the command no message" {
    filter rewrites <<<'cat >/dev/fd/3; echo more >>/proc/self/fd/3'
    filter looks <<<'tail -n 1; (: 1<>/dev/fd/0) 2>&1 | grep -q "Permission denied" || echo opened'
    mkdir -m 777 spool
    for lines in 1 300000; do # in memory, in a file
        { one_message | sed '/^body$/q'; seq "$lines"; printf '.\nQUIT\n'; } | sed 's/$/\r/' >said
        as_another "$SMTP_HANDLER" --domain example.org --newlines strict --log none --spool spool --filter ./rewrites ./looks <said |
            grep -x $'250 2.0.0 more\r'
    done
}

@test "descriptor 3 may have a MiB more than --max-size, and a filter that writes more defers" {
    filter writes <<<'head -c "$1" /dev/zero | tr "\0" x >&3'
    [ "$(sends --max-size 1M --filter './writes 2097152')" = "$ok" ]
    [ "$(kept 1 | wc -c)" = 2097152 ]
    rm "$KEPT"/*
    filter writes <<<'exec head -c 2097153 /dev/zero >&3'
    sends --max-size 1M --filter ./writes >/dev/null
    deferred 'filter=./writes ended="signal 25"'
    # It may raise its own limit, and does not get further.
    filter writes <<<'ulimit -S -f unlimited; head -c 2097153 /dev/zero >&3'
    sends --max-size 1M --filter ./writes >/dev/null
    deferred 'fault="descriptor 3: too large"'
    filter writes <<<'head -c 3000000 /dev/zero >&3'
    [ "$(sends --max-size 0 --filter ./writes)" = "$ok" ]
    [ "$(kept 1 | wc -c)" = 3000000 ]
    # What the command may write is as before.
    filter passes </dev/null
    delivery=(sh -c 'head -c 3000000 /dev/zero >large')
    [ "$(sends --max-size 1M --filter ./passes)" = "$ok" ]
    [ "$(stat -c %s large)" = 3000000 ]
}

@test "nobody can change the message once the filter has ended" {
    # In memory it is sealed; in a file nothing is delivered while somebody could write to it.
    filter leaves <<<'cat >&3; (until [ -e go ]; do sleep 0.02; done; echo late >&3; echo $? >status) >&- 2>&- &'
    delivery=(sh -c 'touch go; until [ -s status ]; do sleep 0.02; done; exec "$0"' "$commands/keep")
    [ "$(sends --filter ./leaves)" = "$ok" ]
    refute grep -qx 0 status
    kept 1 | tail -1 | grep -qx body
    grep -q 'filter result=accepted .* left=1 ' log
    rm "$KEPT"/*
    { one_message | sed '/^body/,$d'; head -c 1100000 /dev/zero | tr '\0' x; printf '\n.\nQUIT\n'; } | sed 's/$/\r/' >large
    filter leaves <<<'cat >&3; (until [ -e gone ]; do sleep 0.02; done) >&- 2>&- &'
    handler --filter ./leaves <large | from_wire | without_ids >said
    touch gone
    deferred 'fault="descriptor 3: Text file busy"'
}

@test "a large message passes filters in a file, and nothing is left of it" {
    mkdir spool
    { one_message | sed '/^body/,$d'; seq 300000; printf '.\nQUIT\n'; } | sed 's/$/\r/' >large
    filter rewrites <<<'cat >&3; echo "X: 1"; readlink /proc/self/fd/3 >>files'
    handler --spool spool --filter ./rewrites --filter ./rewrites <large | from_wire | without_ids | grep -qx "$ok"
    kept 1 | sed -n '2,3p' | diff - <(printf 'X: 1\nX: 1\n')
    kept 1 | sed '1,/^$/d' | cmp - <(seq 300000)
    grep -c "^$PWD/spool/" files | grep -qx 2
    [ -z "$(ls spool)" ]
}

@test "the sender that it writes is the one of command and Return-Path, and the client's that of log and done-list" {
    filter renames <<<'echo "sender $1" >&4'
    [ "$(sends --done-list list --filter './renames New@EXAMPLE.net')" = "$ok" ]
    kept 1 | head -1 | grep -qx 'Return-Path: <New@example.net>'
    [ "$(variable SENDER)" = New@example.net ]
    grep -q 'filter result=accepted .* changed=sender from=New@example.net ' log
    grep -q 'message result=accepted .* from=sender@example.net ' log
    key=$({ printf 'sender@example.net\0user@example.org\0'; printf 'Subject: test\n\nbody\n' | openssl sha256 -binary; } | sha256sum)
    [ -e "list/${key:0:2}/${key:0:64}" ]
    for null in '' '<>'; do
        rm "$KEPT"/*
        [ "$(sends --filter "./renames $null")" = "$ok" ]
        kept 1 | head -1 | grep -qx 'Return-Path: <>'
        kept_environment 1 | grep -qx 'SENDER='
    done
    grep -q 'filter result=accepted .* changed=sender from=<> ' log
    [ "$(sends --one-recipient --filter './renames <a@b.example>' --filter './renames <c@d.example>')" = "$ok" ]
    message 2 | head -3 | diff - <(printf '%s\n' 'Return-Path: <c@d.example>' 'Delivered-To: user@example.org' 'Received: from client.test')
}

@test "a recipient that it names is added to one run of the command, or has one of its own" {
    filter adds <<<'echo "recipient $1" >&4'
    [ "$(sends --filter './adds other@example.org')" = "$ok" ]
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | sed -n '/^RECIPIENTS=/{N;p}' | diff - <(printf 'RECIPIENTS=user@example.org\nother@example.org\n')
    grep -q 'filter result=accepted .* changed=recipients added=1 removed=0 ' log
    [ "$(sends --filter './adds user@example.org')" = "$ok" ]
    [ "$(variable RECIPIENT 2)" = user@example.org ]
    [ "$(sends --one-recipient --filter './adds other@example.org')" = "$ok" ]
    [ "$(kept_count)" = 4 ]
    [ "$(variable RECIPIENT 3)" = other@example.org ]
    [ "$(variable RECIPIENT 4)" = user@example.org ]
    kept 3 | sed -n 2p | grep -qx 'Delivered-To: other@example.org'
    kept 3 | grep -qx "$(printf '\tfor <other@example.org>;')"
    kept 4 | sed -n 2p | grep -qx 'Delivered-To: user@example.org'
    [ "$(variable MESSAGE_SIZE 3)" = "$(kept 3 | wc -c)" ]
    grep -q 'message result=accepted .* to=other@example.org recipients=1 ' log
}

@test "it adds only whom the client could have named" {
    printf '%s\n' user@example.org listed@example.org >list
    filter adds <<<'echo "recipient $1" >&4'
    [ "$(sends --recipients list --filter './adds listed@example.org')" = "$ok" ]
    rm "$KEPT"/*
    for address in unlisted@example.org user@example.com; do
        sends --recipients list --filter "./adds $address" >/dev/null
        deferred "fault=\"descriptor 4: not accepted: $address\""
    done
    delivery+=('{recipients}' '{sender}')
    sends --filter './adds -o@example.org' >/dev/null
    deferred 'not accepted: -o@example.org'
    filter renames <<<'echo "sender -x@example.net" >&4'
    sends --filter ./renames >/dev/null
    deferred 'not accepted: -x@example.net'
}

@test "whom it takes away is answered 250 and gets nothing" {
    filter removes <<<'for address; do echo "not $address" >&4; done'
    [ "$(sends_to a@example.org,b@example.org --filter './removes a@EXAMPLE.org')" = "$ok" ]
    [ "$(kept_count)" = 1 ]
    [ "$(variable RECIPIENTS)" = b@example.org ]
    grep -q 'filter result=accepted .* changed=recipients added=0 removed=1 ' log
    by_lmtp a@example.org,b@example.org --filter './removes b@example.org' | diff - <(printf '%s\n' "$ok" "$ok")
    [ "$(kept_count)" = 2 ]
    [ "$(variable RECIPIENT 2)" = a@example.org ]
    grep -q 'message result=discarded .* to=b@example.org ' log
    # All of them: as with 99.
    [ "$(sends --done-list list --filter './removes user@example.org')" = "$ok" ]
    [ "$(kept_count)" = 2 ]
    [ -z "$(find list -type f ! -name lock)" ]
    grep -q 'message result=discarded .* to=user@example.org ' log
    # No filter is asked then about a message to nobody.
    filter never <<<'touch ran'
    [ "$(sends --filter './removes user@example.org' --filter ./never)" = "$ok" ]
    [ ! -e ran ]
}

@test "a message can be led to another mailbox, and a retry finds that it was" {
    filter leads <<<'printf "not user@example.org\nrecipient spam@example.org\n" >&4'
    for way in sends 'sends --one-recipient' 'by_lmtp user@example.org'; do
        rm -rf "${KEPT:?}"/* list
        for expected in "$ok" '250 2.0.0 Delivered before'; do
            reply=$($way --done-list list --filter ./leads)
            [ "${reply%, id ID}" = "${expected%, id ID}" ] || { echo "$way: $reply"; return 1; }
        done
        [ "$(kept_count)" = 1 ]
        [ "$(variable RECIPIENTS)" = spam@example.org ]
    done
}

@test "an added recipient gets the message once, whatever becomes of the others" {
    filter adds <<<'echo "recipient archive$1@example.org" >&4'
    delivery=(sh -c '[ -z "$EXTENSION" ] || [ -e "up$EXTENSION" ] || exit "$EXTENSION"; echo "$RECIPIENT" >>delivered')
    by_lmtp a@example.org,b+75@example.org --done-list list --filter ./adds | cut -c1-3 | diff - <(printf '250\n451\n')
    diff delivered <(printf '%s\n' archive@example.org a@example.org)
    touch up75
    by_lmtp a@example.org,b+75@example.org --done-list list --filter ./adds | cut -c1-3 | diff - <(printf '250\n250\n')
    diff delivered <(printf '%s\n' archive@example.org a@example.org b+75@example.org)
    # If it does not accept, nobody has got anything.
    rm -rf delivered list
    by_lmtp a@example.org,b@example.org --done-list list --filter './adds +67' | cut -c1-9 | diff - <(printf '550 5.1.1\n550 5.1.1\n')
    [ ! -e delivered ]
}

@test "a filter undoes what one before it did to the recipients" {
    filter edits <<<'for line; do echo "$line" >&4; done; echo "$RECIPIENTS" >>seen'
    [ "$(sends_to a@example.org,b@example.org --filter './edits "not a@example.org" "recipient c@example.org"' \
        --filter './edits "recipient a@example.org" "not c@example.org"' --filter ./edits)" = "$ok" ]
    diff seen <(printf '%s\n' a@example.org b@example.org b@example.org c@example.org a@example.org b@example.org)
    kept_environment 1 | sed -n '/^RECIPIENTS=/{N;p}' | diff - <(printf 'RECIPIENTS=a@example.org\nb@example.org\n')
}

@test "a quarantine is told to the filters behind and to the command" {
    filter holds <<<'echo "quarantine $1" >&4'
    filter sees <<<'echo "$QUARANTINE" >seen'
    [ "$(sends --filter './holds first' --filter './holds "a virus: Eicar"' --filter ./sees)" = "$ok" ]
    [ "$(variable QUARANTINE)" = 'a virus: Eicar' ]
    [ "$(cat seen)" = 'a virus: Eicar' ]
    grep -q 'filter result=accepted .* changed=quarantine quarantine="a virus: Eicar" ' log
    by_lmtp a@example.org,b@example.org --filter './holds second' >/dev/null
    [ "$(variable QUARANTINE 3)" = second ]
}

@test "an edit that is not one defers, and none of its edits counts" {
    filter edits <<<'cat lines >&4; echo "X: 1"'
    while IFS= read -r line; do
        printf '%s\n' 'sender good@example.net' "$line" >lines
        sends --filter ./edits >/dev/null
        deferred 'filter=./edits ended="exit 0" fault="descriptor 4: ' || { echo "$line"; return 1; }
    done <<'END'

unknown a@example.org
Sender a@example.org
sendera@example.org
sender a@b c@d
sender nodomain
sender a@[
sender grün@example.net
recipient
recipient <>
recipient nobody
recipient a@example.org b@example.org
recipient grün@example.org
not
not stranger@example.org
quarantine
END
    printf 'quarantine %0513d\n' 0 >lines
    sends --filter ./edits >/dev/null
    deferred 'descriptor 4: quarantine 000'
    printf 'quarantine a\001b\n' >lines
    sends --filter ./edits >/dev/null
    deferred 'descriptor 4: quarantine a'
    seq -f 'quarantine %020g' 2100 >lines
    sends --filter ./edits >/dev/null
    deferred 'fault="descriptor 4: more than 64 KiB"'
    seq -f 'recipient a%g@example.org' 101 >lines
    sends --filter ./edits >/dev/null
    deferred 'descriptor 4: recipient a101@example.org'
}

@test "with SMTPUTF8 an edit may name an address that is not ASCII" {
    filter renames <<<'echo "sender grün@example.net" >&4'
    one_message | sed 's/^MAIL.*/& SMTPUTF8/; s/$/\r/' | handler --filter ./renames >replies
    [ "$(variable SENDER)" = grün@example.net ]
}

@test "what a filter wrote does not count unless it exits 0" {
    filter writes <<<'echo body >&3; echo garbage >&4; echo "Try later"; exit "$1"'
    [ "$(sends --filter './writes 75')" = '451 4.3.0 Try later' ]
    [ "$(sends --filter './writes 99')" = '250 2.0.0 Try later' ]
    [ "$(kept_count)" = 0 ]
}

@test "the next filter sees what the one before made: fields, message, envelope and trace" {
    filter first <<<'printf "A: 1\n"; printf "sender new@example.net\nquarantine q\n" >&4'
    filter second <<<'tee second.seen | sed "s/^Subject:/Subject: [x]/" >&3; echo "$TRACE_SIZE $SENDER $QUARANTINE $MESSAGE_SIZE" >told'
    filter third <<<'cat >third.seen; echo "$TRACE_SIZE" >>told; echo "B: 2"'
    [ "$(sends --filter ./first --filter ./second --filter ./third)" = "$ok" ]
    head -3 second.seen | diff - <(printf '%s\n' 'Return-Path: <new@example.net>' 'A: 1' 'Received: from client.test')
    # In front of the fields of others only Return-Path is our own.
    diff told <(printf '%s\n' "31 new@example.net q $(wc -c <second.seen)" 31)
    grep -qx 'Subject: \[x\] test' third.seen
    message | diff - <(cat <<'EOF'
Return-Path: <new@example.net>
B: 2
A: 1
Received: from client.test
	by mx.test with ESMTP id ID
	for <user@example.org>;
	DATE
Subject: [x] test

body
EOF
)
}

@test "our trace is found again, whatever a filter has put around it" {
    filter above <<<'{ echo "Above: 1"; cat; } >&3'
    filter within <<<'sed "/^Received:/i Within: 1" >&3'
    filter quotes <<<'{ printf "Subject: quoted\n\n"; cat; } >&3'
    for name in above within quotes; do
        rm -f "$KEPT"/*
        by_lmtp a@example.org,b@example.org --filter "./$name" --filter ./above | uniq -c | grep -q " 2 $ok"
        for i in 1 2; do kept "$i" >"$name.$i"; done
    done
    for i in 1 2; do
        address=$([ "$i" = 1 ] && echo a || echo b)@example.org
        head -3 "above.$i" | diff - <(printf '%s\n' 'Above: 1' 'Above: 1' 'Return-Path: <sender@example.net>')
        head -4 "within.$i" | diff - <(printf '%s\n' 'Above: 1' 'Return-Path: <sender@example.net>' 'Within: 1' 'Received: from client.test')
        for name in above within; do
            grep -c '^Received:' "$name.$i" | grep -qx 1
            grep -c '^Return-Path:' "$name.$i" | grep -qx 1
            grep -qx "$(printf '\tfor <%s>;' "$address")" "$name.$i"
        done
        # One of its own in front, since the one that is quoted is no field of the message.
        head -1 "quotes.$i" | grep -qx 'Return-Path: <sender@example.net>'
        sed '/^$/q' "quotes.$i" | grep -qx "$(printf '\tfor <%s>;' "$address")"
        sed '1,/^$/d' "quotes.$i" | refute grep 'for <'
    done
}

@test "filters run once a message, and their verdict is every recipient's" {
    filter refuses <<<'echo >>runs; echo "$RECIPIENTS" >>seen; cat >>text; echo 5.7.1 No; exit 77'
    by_lmtp a@example.org,b@example.org,a@example.org --filter ./refuses | diff - <(printf '550 5.7.1 No\n%.0s' 1 2 3)
    # Who is named twice is told once; nobody's name stands in the trace.
    diff seen <(printf '%s\n' a@example.org b@example.org)
    refute grep -qE 'for <|Delivered-To' text
    sends_to a@example.org,b@example.org --filter ./refuses | diff - <(echo '550 5.7.1 No')
    sends_to a@example.org,b@example.org --one-recipient --done-list list --filter ./refuses | diff - <(echo '550 5.7.0 Message not permitted, id ID')
    one_message a@example.org b@example.org | sed 's/^MAIL.*/& PRDR/; s/$/\r/' | handler --one-recipient --filter ./refuses |
        from_wire | without_ids | sed '1,/^353/d; /^221/d' | cut -c1-9 | diff - <(printf '%s\n' '550 5.7.1' '550 5.7.1' '554 5.0.0')
    [ "$(wc -l <runs)" = 4 ]
    [ "$(kept_count)" = 0 ]
}

@test "after the filters each recipient's delivery has its own outcome" {
    filter passes <<<'echo >>runs; echo "X: 1"'
    delivery=(sh -c 'cat >"$KEPT/$RECIPIENT.message"; exit "${EXTENSION:-0}"')
    by_lmtp a@example.org,b+67@example.org,c@example.org --filter ./passes | cut -c1-3 | diff - <(printf '%s\n' 250 550 250)
    [ "$(wc -l <runs)" = 1 ]
    for address in a b+67 c; do
        grep -qx 'X: 1' "$KEPT/$address@example.org.message"
        grep -qx "$(printf '\tfor <%s@example.org>;' "$address")" "$KEPT/$address@example.org.message"
    done
}

@test "no filter runs for those who have the message" {
    filter counts <<<'echo "$RECIPIENTS" >>runs'
    [ "$(sends --done-list list --filter ./counts)" = "$ok" ]
    [ "$(sends --done-list list --filter ./counts)" = '250 2.0.0 Delivered before' ]
    [ "$(sends_to user@example.org,other@example.org --done-list list --filter ./counts)" = "$ok" ]
    diff runs <(printf '%s\n' user@example.org other@example.org)
    # A refusal would bounce it for the one who has it.
    filter refuses <<<'exit 65'
    sends_to user@example.org,third@example.org --done-list list --filter ./refuses | cut -c1-3 | grep -qx 451
}

@test "what one message's filters did is forgotten with it" {
    filter once <<<'[ ! -e ran ] || exit 0; touch ran; echo "X: 1"; printf "sender x@example.net\nnot user@example.org\nrecipient b@example.org\nquarantine q\n" >&4; cat >&3'
    { one_message; one_message; } | sed '/^QUIT/d; s/$/\r/' | handler --filter ./once >replies
    [ "$(kept_count)" = 2 ]
    [ "$(variable RECIPIENT 1) $(variable SENDER 1)" = 'b@example.org x@example.net' ]
    [ "$(variable RECIPIENT 2) $(variable SENDER 2)$(variable QUARANTINE 2)" = 'user@example.org sender@example.net' ]
    refute grep -q '^X:' "$KEPT/2.message"
}

@test "a filter that does not end in time is killed with all that it started, and the mail deferred" {
    filter hangs <<<'sleep 1000 & echo $! >pid; wait'
    sends --filter ./hangs --filter-timeout 1 >/dev/null
    deferred 'filter=./hangs ended=timeout'
    eventually refute kill -0 "$(cat pid)"
    # The time is that of all.
    filter slow <<<'sleep 0.7'
    filter late <<<'sleep 1000'
    sends --filter ./slow --filter ./late --filter-timeout 1 >/dev/null
    deferred 'ended=timeout'
}

@test "a filter that is killed, or cannot be executed, defers" {
    filter dies <<<'kill -KILL $$'
    sends --filter ./dies >/dev/null
    deferred 'filter=./dies ended="signal 9"'
    filter removes <<<'rm gone'
    filter gone </dev/null
    [ "$(sends --filter ./removes --filter ./gone)" = '451 4.3.5 Local configuration error, try again later, id ID' ]
    grep -q 'filter result=deferred .* filter=./gone ended="not executed: No such file or directory"' log
    [ "$(kept_count)" = 0 ]
}

@test "a filter dies with the runner" {
    filter hangs <<<'echo $$ >pid; exec sleep 1000'
    one_message | sed 's/$/\r/' >client
    in_background sh -c 'exec "$@" <client' sh "$SMTP_HANDLER" --domain example.org --log stderr --filter ./hangs true
    eventually test -s pid
    kill -KILL "$(ps -o ppid= -p "$(cat pid)" | tr -d ' ')"
    eventually refute kill -0 "$(cat pid)"
}

@test "what a filter writes to standard error goes to the log, with its name" {
    filter complains <<<'echo "no database" >&2'
    sends --filter ./complains >/dev/null
    grep -q 'command id=[0-9a-f-]* filter=./complains text="no database"' log
    grep -q 'filter result=accepted .* stderr=1 ' log
}

@test "--never-refuse speaks of the command alone" {
    filter refuses <<<'exit 65'
    sends --never-refuse --filter ./refuses | grep -q '^554 5.6.0'
    filter discards <<<'exit 99'
    [ "$(sends --never-refuse --filter ./discards)" = "$ok" ]
}

@test "a filter that leads a message back to a recipient who had it shows as a loop" {
    filter adds <<<'echo "recipient list@example.org" >&4'
    one_message | sed 's/^Subject: test/Delivered-To: list@example.org/; s/$/\r/' | handler --one-recipient --filter ./adds |
        from_wire | grep -q '^554 5.4.6'
    [ "$(kept_count)" = 0 ]
}

@test "a filter that is missing, or whose words are wrong, is told of at start and by --check" {
    filter works </dev/null
    while IFS='|' read -r exit words text; do
        check --filter "$words" true
        [ "$status" = "$exit" ] || { echo "$words: $status"; return 1; }
        grep -qF "$text" <<<"$output" || { echo "$words: $output"; return 1; }
    done <<'END'
78|./missing|filter ./missing: no such program
64|./works {unknown}|unknown {unknown} in the filter
64|./works {recipient}|a macro of one recipient in the filter ./works
64|./works x-{user}|a macro of one recipient in the filter ./works
64|sh -c "x {sender}"|{sender} within a script for sh
64| |option filter
64|"open|option filter
0|./works $SENDER|argument $SENDER
END
    printf '#!/nowhere/sh\n' >works
    check --filter ./works true
    [ "$status" = 78 ]
    grep -q 'filter .*/nowhere/sh' <<<"$output"
    printf 'filter ./works\nfilter ./missing\ncommand true\n' >config
    filter works </dev/null
    check --config config
    [ "$status" = 78 ]
    grep -q '^smtp-handler: config:2: filter ./missing: no such program' <<<"$output"
    grep -q '^smtp-handler: warning: config:1: filter ./works: not an absolute path' <<<"$output"
    printf 'QUIT\r\n' | handler --filter ./missing | from_wire | head -1 | grep -q '^421 '
}

@test "--milter SOCKET runs milter-filter, as built or as installed, in its place among the filters" {
    mkdir -p built/helpers/milter-filter prefix/sbin prefix/libexec/smtp-handler
    filter runs <<<'echo "$1" >>order'
    for place in built/helpers/milter-filter prefix/libexec/smtp-handler; do
        filter $place/milter-filter <<<'echo "$0 $@" >>order'
    done
    for place in built prefix/sbin; do
        cp "$SMTP_HANDLER" $place/smtp-handler
        rm -f order
        SMTP_HANDLER=$PWD/$place/smtp-handler sends --filter './runs one' --milter /run/x.sock --filter './runs two' \
            --milter 127.0.0.1:11332 | grep -qx "$ok"
        helper=$PWD/built/helpers/milter-filter/milter-filter
        [ $place = built ] || helper=$PWD/prefix/sbin/../libexec/smtp-handler/milter-filter
        diff order <(printf '%s\n' one "$helper /run/x.sock" two "$helper 127.0.0.1:11332")
    done
    "$PWD/prefix/sbin/smtp-handler" --check --milter /run/x.sock true | grep -qx 'milter /run/x.sock'
    cp "$SMTP_HANDLER" .
    SMTP_HANDLER=$PWD/smtp-handler check --milter /run/x.sock true
    [ "$status" = 78 ]
    grep -q "no milter-filter in $PWD/../libexec/smtp-handler" <<<"$output"
    check --milter '' true
    [ "$status" = 64 ]
}

@test "--check warns of a milter that cannot be reached, and finds what is no socket" {
    port=$(free_port)
    check --milter /run/nothere --milter "127.0.0.1:$port" true
    [ "$status" = 0 ]
    tail -1 checked | grep -qx ok
    diff - <(printf '%s\n' "$output") <<END
smtp-handler: warning: option milter: /run/nothere: No such file or directory; messages would be deferred
smtp-handler: warning: option milter: 127.0.0.1:$port: Connection refused; messages would be deferred
END
    in_background python3 -c 'import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()' "$port"
    eventually is_listening "$port"
    check --milter "127.0.0.1:$port" true
    [ "$status" = 0 ]
    [ "$output" = '' ]
    check --milter localhost:11332 true
    [ "$status" = 78 ]
    [ "$output" = "smtp-handler: option milter: 'localhost:11332' is no socket: neither a path with a slash nor ADDRESS:PORT" ]
}

@test "in one-recipient mode a recipient who is named twice has one run, and so has one whom a filter adds" {
    filter adds <<<'echo "recipient other@example.org" >&4; echo "sender x@example.net" >&4'
    [ "$(sends_to user@example.org,user@example.org --one-recipient --filter ./adds)" = "$ok" ]
    [ "$(kept_count)" = 2 ]
    [ "$(variable RECIPIENT 1) $(variable SENDER 1)" = 'other@example.org x@example.net' ]
    [ "$(variable RECIPIENT 2) $(variable SENDER 2)" = 'user@example.org x@example.net' ]
}

@test "an added recipient whose command is another has a run of its own, and decides as well" {
    cat >list <<END
user@example.org  sh -c "echo user \$RECIPIENTS >>ran"
other@example.org sh -c "echo user \$RECIPIENTS >>ran"
spam@example.org  sh -c "echo spam \$RECIPIENTS >>ran"
full@example.org  sh -c "exit 73"
END
    filter edits <<<'for line; do echo "$line" >&4; done'
    [ "$(sends --recipients list --filter './edits "recipient spam@example.org" "recipient other@example.org"')" = "$ok" ]
    diff ran <(printf '%s\n' 'spam spam@example.org' 'user user@example.org other@example.org')
    rm ran
    [ "$(sends --recipients list --filter './edits "not user@example.org" "recipient spam@example.org"')" = "$ok" ]
    diff ran <(echo 'spam spam@example.org')
    rm ran
    sends --recipients list --filter './edits "recipient full@example.org"' | cut -c1-9 | grep -qx '451 4.2.0'
    [ ! -e ran ]
}

@test "a message led to another spelling of its recipient arrives, though the client named both" {
    echo user@example.org >list
    filter leads <<<'printf "not User@example.org\nrecipient user@example.org\n" >&4'
    for way in 'sends_to NAMES' 'sends_to NAMES --one-recipient' 'by_lmtp NAMES' 'by_lmtp NAMES --done-list done'; do
        rm -rf "${KEPT:?}"/*
        ${way/NAMES/User@example.org,user@example.org} --recipients list --filter ./leads | uniq | diff - <(echo "$ok")
        [ "$(kept_count)" = 1 ]
        [ "$(variable RECIPIENTS)" = user@example.org ]
    done
}

@test "the message's key is the client's, whatever filters make of sender and content" {
    filter edits <<<'echo "$1" >>keys; echo "$MESSAGE_KEY" >>keys; echo "sender $$@example.net" >&4; echo "X: 1"'
    sends --message-key >/dev/null
    sends --message-key --filter './edits {key}' --filter './edits {key}' >/dev/null
    [ "$(variable MESSAGE_KEY 2)" = "$(variable MESSAGE_KEY 1)" ]
    sends --filter './edits {key}' >/dev/null
    sort keys | uniq -c | grep -qx " *6 $(variable MESSAGE_KEY 1)"
}
