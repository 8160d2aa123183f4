load helper

@test "each exit status of the command has its reply" {
    local status reply
    while read -r status reply; do
        got=$(deliver_by "$commands/end" "$status")
        [ "${got#"$reply"}" != "$got" ] || { echo "$status: $got"; return 1; }
        exited 0
    done <<'EOF'
0 250 2.0.0
1 451 4.3.0
2 451 4.3.0
64 451 4.3.5
65 554 5.6.0
66 451 4.3.0
67 550 5.1.1
68 550 5.1.2
69 554 5.3.0
70 451 4.3.0
71 451 4.3.0
72 451 4.3.5
73 451 4.2.0
74 451 4.3.0
75 451 4.3.0
76 554 5.5.0
77 550 5.7.0
78 451 4.3.5
99 250 2.0.0
100 554 5.0.0
111 451 4.3.0
112 554 5.0.0
126 451 4.3.0
127 451 4.3.0
255 451 4.3.0
EOF
}

@test "exit status 99 accepts, and the log says that nothing was kept" {
    [ "$(deliver_by "$commands/end" 99)" = '250 2.0.0 Delivered, id ID' ]
    grep -q 'message result=discarded .* status=2.0.0 .*ended="exit 99"' log
    [ "$(deliver_by "$commands/end" 99 'thrown away')" = '250 2.0.0 thrown away' ]
    grep -q 'connection .* messages=1 accepted=1 errors=0' log
}

# status_in_log COMMAND...: the status in the log of a message that goes to the command, and its reply.
status_in_log() {
    rm -f log
    deliver_by "$@" >reply
    sed -n 's/.*message result=.* status=\([^ ]*\) .*/\1/p' log
    cat reply
}

@test "the status in the log is that of the reply, be it the command's or the usual one" {
    status_in_log "$commands/end" 77 '5.7.1 spam' | diff - <(printf '5.7.1\n550 5.7.1 spam\n')
    status_in_log "$commands/end" 75 '4.2.2 full' | diff - <(printf '4.2.2\n451 4.2.2 full\n')
    status_in_log "$commands/end" 0 '2.6.0 kept' | diff - <(printf '2.6.0\n250 2.6.0 kept\n')
    status_in_log "$commands/end" 99 '2.7.0 dropped' | diff - <(printf '2.7.0\n250 2.7.0 dropped\n')
    # A code of another class is not told, so it is not logged.
    status_in_log "$commands/end" 99 '5.7.1 spam' | diff - <(printf '2.0.0\n250 2.0.0 spam\n')
    status_in_log "$commands/end" 75 '5.1.1 gone' | diff - <(printf '4.3.0\n451 4.3.0 gone\n')
    status_in_log "$commands/end" 77 '5.7.1' | grep -qx 5.7.1
    # A reply that combines those of several runs has the code of none of them.
    delivery=("$commands/end" 77 '5.7.1 spam')
    one_message a@example.org b@example.org | sed 's/$/\r/' | handler --one-recipient --done-list list | grep '^550 5.7.0 '
    [ "$(tail -3 log | grep -c 'message result=refused .*status=5.7.0')" = 2 ]
}

@test "the log tells a silent command from one that wrote to standard error and one that left a child behind" {
    message_of() { rm -f log; deliver_by "$@" >reply; grep -qx '250 2.0.0 Delivered, id ID' reply; grep ' message ' log; }
    message_of true >silent
    grep -q ' ended="exit 0" seconds=' silent
    message_of sh -c 'echo trouble >&2; echo more >&2' | grep -q ' ended="exit 0" stderr=2 seconds='
    [ "$(grep -c '^smtp-handler: command ' log)" = 2 ]
    # In its group, without our descriptors; and in a group of its own, with one.
    message_of sh -c 'sleep 60 >/dev/null 2>&1 & echo $! >>children' | grep -q ' ended="exit 0" left=1 seconds='
    message_of sh -c 'setsid sleep 60 & echo $! >>children' | grep -q ' ended="exit 0" left=1 seconds='
    xargs kill <children
    # What it waits for is not left.
    message_of sh -c 'sleep 0.1 & true | cat; wait' | grep -q ' ended="exit 0" seconds='
}

# never_refused COMMAND...: the reply to a message that goes to the command with --never-refuse.
never_refused() {
    delivery=("$@")
    one_message | sed 's/$/\r/' | handler --never-refuse | from_wire | without_ids >said
    reply_to_message
}

@test "with --never-refuse each exit status of the command but 0 defers, 99 included" {
    while read -r status reply; do
        [ "$(never_refused "$commands/end" "$status" "5.7.1 it says\n")" = "$reply it says" ]
    done <<'EOF'
0 250 2.0.0
1 451 4.3.0
64 451 4.3.5
65 451 4.3.0
67 451 4.3.0
68 451 4.3.0
69 451 4.3.0
72 451 4.3.5
73 451 4.2.0
75 451 4.3.0
76 451 4.3.0
77 451 4.3.0
78 451 4.3.5
99 451 4.3.0
100 451 4.3.0
112 451 4.3.0
255 451 4.3.0
EOF
    grep -q 'message result=deferred .*ended="exit 77" ' log
    refute grep -E 'result=(refused|discarded)' log
}

@test "--never-refuse speaks of the command alone" {
    delivery=("$commands/end" 77)
    conversation --never-refuse --max-size 10 <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<s@example.net>
RCPT TO:<user@elsewhere.example>
RCPT TO:<user@example.org>
DATA
more than ten octets
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
552 5.3.4 Message too large, id ID
221 2.0.0 mx.test closing connection
SERVER
}

@test "with --never-refuse and --done-list what ended with status 99 is delivered by a retry" {
    delivery=(sh -c '[ -e mended ] || exit 99; exec "$0"' "$commands/keep")
    try() { one_message | sed 's/$/\r/' | handler --never-refuse --done-list list | from_wire | grep "^$1"; }
    try '451 4.3.0'
    touch mended
    try '250 2.0.0'
    [ "$(kept_count)" = 1 ]
}

@test "a command that dies of a signal defers the message" {
    [ "$(deliver_by sh -c 'kill -9 $$')" = '451 4.3.0 Local error in processing, try again later, id ID' ]
    grep -q 'message result=deferred .*ended="signal 9"' log
    [ "$(deliver_by sh -c 'kill -SEGV $$')" = '451 4.3.0 Local error in processing, try again later, id ID' ]
}

@test "a command dies with its handler" {
    in_background bash -c "$(declare -f one_message); one_message | { '$SMTP_HANDLER' --newlines lenient \
        --domain example.org sh -c 'echo \$PPID >handler; echo \$\$ >command; exec sleep 1000'; echo \$? >ended; }"
    eventually test -s command
    kill -KILL "$(cat handler)"
    eventually test -s ended
    command=$(cat command)
    eventually sh -c "! grep -q sleep /proc/$command/cmdline"
}

@test "a command that is gone when it is needed defers the message" {
    cp "$commands/end" vanishing
    fifo=$BATS_TEST_TMPDIR/fifo
    mkfifo "$fifo"
    delivery=("$PWD/vanishing" 0)
    in_background bash -c "'$SMTP_HANDLER' --domain example.org '$PWD/vanishing' 0 <'$fifo' >replies 2>log"
    exec 9>"$fifo"
    echo 'HELO c' >&9
    eventually grep -q '^250' replies
    rm vanishing
    one_message | tail -n +2 >&9
    exec 9>&-
    eventually grep -q '^451 4.3.5' replies
    grep -q 'not executed: No such file or directory' log
}

@test "a command that cannot be executed defers the message" {
    printf 'not a program\n' >garbage
    chmod +x garbage
    [ "$(deliver_by ./garbage)" = '451 4.3.5 Local configuration error, try again later, id ID' ]
}

@test "a command that takes too long is killed with all its processes" {
    cat >slow <<'EOF'
#!/bin/sh
sleep 1000 &
echo $! >child
sleep 1000
EOF
    chmod +x slow
    SECONDS=0
    delivery=(./slow)
    one_message | sed 's/$/\r/' | handler --delivery-timeout 1 >replies
    [ "$SECONDS" -lt 500 ]
    from_wire <replies | without_ids | grep -qx '451 4.3.0 Local error in processing, try again later, id ID'
    grep -q 'ended=timeout' log
    eventually sh -c '! kill -0 "$(cat child)"'
}

@test "the first line of standard output becomes the text of the reply" {
    [ "$(deliver_by "$commands/end" 0 'ticket 17\nmore\n')" = '250 2.0.0 ticket 17' ]
    [ "$(deliver_by "$commands/end" 0 'no line end')" = '250 2.0.0 no line end' ]
    [ "$(deliver_by "$commands/end" 69 '  closed today \r\n')" = '554 5.3.0 closed today' ]
}

@test "a status in front of the text sets the enhanced code, within the class of the exit status" {
    [ "$(deliver_by "$commands/end" 77 '5.7.1 not from you\n')" = '550 5.7.1 not from you' ]
    [ "$(deliver_by "$commands/end" 75 '4.2.2 mailbox full\n')" = '451 4.2.2 mailbox full' ]
    [ "$(deliver_by "$commands/end" 75 '5.1.1 no such user\n')" = '451 4.3.0 no such user' ]
    [ "$(deliver_by "$commands/end" 0 '5.1.1 no such user\n')" = '250 2.0.0 no such user' ]
    [ "$(deliver_by "$commands/end" 77 '5.7.1\n')" = '550 5.7.1 Message not permitted, id ID' ]
    [ "$(deliver_by "$commands/end" 77 '5.7.1111 odd\n')" = '550 5.7.0 5.7.1111 odd' ]
    [ "$(deliver_by "$commands/end" 77 '5.7. odd\n')" = '550 5.7.0 5.7. odd' ]
}

@test "garbage on standard output is cleaned and cut to one line of 512 octets" {
    [ "$(deliver_by "$commands/end" 0 'a\tb\001c\0377d\r250 forged\n')" = '250 2.0.0 a b?c?d?250 forged' ]
    deliver_by sh -c 'head -c 100000 /dev/zero | tr "\0" x' >long
    [ "$(wc -c <long)" = 511 ] # with LF for CR LF
    grep -q '^250 2.0.0 xxx' long
}

@test "a flood on both outputs does not hold the delivery up" {
    [ "$(deliver_by sh -c 'echo first; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; yes | head -5000 >&2')" = '250 2.0.0 first' ]
    [ "$(grep -c 'smtp-handler: command' log)" -le 100 ]
}

@test "standard error goes to the log, line by line, with nothing forged" {
    deliver_by sh -c 'printf "one\ntwo\033[2J\"=\nthree" >&2'
    grep -qE 'command id=[0-9a-f-]+ text=one$' log
    grep -qE 'command id=[0-9a-f-]+ text="two\\x1b\[2J\\"="$' log
    grep -qE 'command id=[0-9a-f-]+ text=three$' log
}

@test "a command need not read its input" {
    { one_message | sed '/^DATA/,$d'; echo DATA; head -c 3000000 /dev/zero | tr '\0' x; printf '\n.\n'; } | sed 's/$/\r/' >client
    delivery=("$commands/end" 0)
    handler <client >replies
    grep -q '^250 2.0.0 Delivered' replies
}

@test "standard input is a seekable, read-only file, at its beginning" {
    cat >look <<'EOF'
#!/usr/bin/python3
import fcntl, os, sys
assert os.lseek(0, 0, os.SEEK_CUR) == 0
size = os.lseek(0, 0, os.SEEK_END)
os.lseek(0, 0, os.SEEK_SET)
assert len(os.read(0, 10 * size)) == size == int(os.environ["MESSAGE_SIZE"])
assert fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
try:
    os.write(0, b"x")
    sys.exit(1)
except OSError:
    print("as it should be")
EOF
    chmod +x look
    [ "$(deliver_by ./look)" = '250 2.0.0 as it should be' ]
    delivery=(./look)
    { one_message | sed '/^\.$/,$d'; yes | head -1000000; printf '.\n'; } | sed 's/$/\r/' | handler >replies
    from_wire <replies | tail -1 | grep -qx '250 2.0.0 as it should be'
}

@test "the command leads a process group of its own and has none of our descriptors" {
    cat >look <<'EOF'
#!/usr/bin/python3
import os
# os.listdir itself opens one more.
print(os.getpgrp() == os.getpid(), sorted(os.listdir("/proc/self/fd"))[:-1])
EOF
    chmod +x look
    [ "$(deliver_by ./look)" = "250 2.0.0 True ['0', '1', '2']" ]
}

@test "signals are for the command as they were for us" {
    delivery=(sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status | tr -s "\t\n" " "')
    one_message | sed 's/$/\r/' | env --default-signal "$SMTP_HANDLER" --domain example.org --newlines strict "${delivery[@]}" >replies 2>log
    from_wire <replies | grep -E '^250 2.0.0 SigBlk: 0000000000000000 SigIgn: (0{16}|0000000180000000)$'
}

@test "macros are replaced in arguments, values never split" {
    delivery=("$commands/keep" -f '{sender}' 'to={recipient}' '{local}/{domain}/{extension}' '{client_address}' '{helo}' '{recipients}' '{' '{}' '{"a":1}' '{X}')
    { printf 'HELO client.test\nMAIL FROM:<"a b;$(id)"@example.net>\nRCPT TO:<user+ex+tra@example.org>\nDATA\n.\n'; } | sed 's/$/\r/' | TCPREMOTEIP=192.0.2.7 PROTO=TCP handler >replies
    kept_arguments 1 | diff - <(cat <<'EOF'
<-f>
<"a b;$(id)"@example.net>
<to=user+ex+tra@example.org>
<user+ex+tra/example.org/ex+tra>
<192.0.2.7>
<client.test>
<user+ex+tra@example.org>
<{>
<{}>
<{"a":1}>
<{X}>
EOF
)
}

@test "a domain comes in lower case in the message, macros, variables and log, a local part as it was written" {
    delivery=("$commands/keep" '{sender}' '{recipient}' '{local}' '{domain}')
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<Joe@Client.EXAMPLE>' 'RCPT TO:<Tickets+New@EXAMPLE.Org>' DATA . | handler --one-recipient >replies
    kept 1 | sed -n '1,2p;/^\tfor/p' | diff - <(printf '%s\n' 'Return-Path: <Joe@client.example>' 'Delivered-To: Tickets+New@example.org' $'\tfor <Tickets+New@example.org>;')
    kept_arguments 1 | diff - <(printf '<%s>\n' Joe@client.example Tickets+New@example.org Tickets+New example.org)
    kept_environment 1 | grep -E '^(SENDER|RECIPIENTS?|DOMAIN)=' | sort |
        diff - <(printf '%s\n' DOMAIN=example.org RECIPIENT{,S}=Tickets+New@example.org SENDER=Joe@client.example)
    grep -q ' from=Joe@client.example to=Tickets+New@example.org ' log
    # An address literal, too; of other letters than those of ASCII the case is left.
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<A@[IPv6:2001:DB8::1]>' 'RSET' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<A@BÜCHER.Example>' DATA . |
        handler --domain '*' >replies
    kept_arguments 2 | tail -1 | grep -qx '<bÜcher.example>'
}

@test "a command for one recipient gets one at a time" {
    delivery=("$commands/keep" '{recipient}')
    printf 'HELO c\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\n.\n' | sed 's/$/\r/' | handler >replies
    grep -q '^452 4.5.3' replies
    kept_arguments 1 | grep -qx '<a@example.org>'
}

@test "{user} and RECIPIENT_USER are the local part without quotes and extension, in lower case" {
    delivery=("$commands/keep" '{user}' '{local}')
    local i=0 path
    while IFS='|' read -r path user; do
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' "RCPT TO:<$path>" DATA . | handler --domain mx.test >replies
        i=$((i + 1))
        kept_arguments $i | head -1 | diff - <(echo "<$user>")
        kept_environment $i | grep -qxF "RECIPIENT_USER=$user"
    done <<'END'
Joe+Lists@Example.org|joe
"JOE"@example.org|joe
+x@example.org|+x
"A \"B\\ +c"@example.org|a "b\ +c
Postmaster|postmaster
Postmaster@mx.test|postmaster
END
    # It makes a command one for each recipient; with several in one run there is no user.
    one_message a@example.org B@example.org | sed 's/$/\r/' | handler --done-list "done" >replies
    kept_environment $((i + 2)) | grep -x RECIPIENT_USER=b
    delivery=("$commands/keep")
    one_message a@example.org b@example.org | sed 's/$/\r/' | handler >replies
    kept_environment $((i + 3)) | refute grep RECIPIENT_USER
}

@test "RECIPIENT_USER is unset if it would lead elsewhere, or is empty, so that a script defers" {
    delivery=(sh -c 'echo "${RECIPIENT_USER:?}"')
    local local_part
    export RECIPIENT_USER=inherited
    for local_part in /etc/x a/b .. .a '".a"' '"../x"' '""'; do
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' "RCPT TO:<$local_part@example.org>" DATA . | handler --one-recipient | tail -1 | grep -q '^451 4.3.0 ' ||
            { echo "$local_part"; return 1; }
    done
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a.b@example.org>' DATA . | handler --one-recipient | from_wire | tail -1 | grep -qx '250 2.0.0 a.b'
}

@test "{user} is spelled as the list's entry that names the address" {
    delivery=("$commands/keep" '{user}')
    printf '%s\n' Joe@Example.org '"Ann Lee"@example.org' Sales+EU@example.org @two.example Postmaster@mx.test >list
    local i=0 address user
    while IFS='|' read -r address user; do
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' "RCPT TO:<$address>" DATA . | handler --domain two.example --domain mx.test --recipients list >replies
        i=$((i + 1))
        kept_arguments $i | diff - <(echo "<$user>")
    done <<'END'
joe@example.org|Joe
JOE+x@EXAMPLE.ORG|Joe
"ann\ lee"@example.org|Ann Lee
sales+eu@example.org|Sales
ANY+x@two.example|any
POSTMASTER@mx.test|Postmaster
PostMaster|Postmaster
postmaster@example.org|postmaster
END
}

@test "a value that would lead a path elsewhere is refused: {sender} at MAIL, parts of the recipient at RCPT" {
    delivery=("$commands/keep" '--from=x/{sender}' '/srv/mail/{domain}/x-{local}' '{extension}/new')
    conversation <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<a/b@example.net>
MAIL FROM:<".a"@example.net>
MAIL FROM:<-a@example.net>
RCPT TO:<joe/new@example.org>
RCPT TO:</etc/x@example.org>
RCPT TO:<".."@example.org>
RCPT TO:<"../x"@example.org>
RCPT TO:<"\.joe"@example.org>
RCPT TO:<joe+x/y@example.org>
RCPT TO:<joe+.x@example.org>
RCPT TO:<"a.b/.."@example.org>
RCPT TO:<joe.x+y.z-@example.org>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
553 5.1.7 Sender address not allowed, id ID
553 5.1.7 Sender address not allowed, id ID
250 2.1.0 Sender ok
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
250 2.1.5 Recipient ok
SERVER
    grep -q 'sender result=refused .* from=a/b@example.net .*status=5.1.7' log
    grep -q 'recipient result=refused .* to=joe/new@example.org .*status=5.1.3' log
}

@test "an argument with a slash is a path, however far the slash is behind the macro" {
    delivery=("$commands/keep" '{local}@{domain}/Maildir' '{sender}:{extension}-/')
    conversation <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:</etc/x@example.net>
MAIL FROM:<s@example.net>
RCPT TO:</etc/x@example.org>
RCPT TO:<".x"@example.org>
RCPT TO:<joe+/x@example.org>
RCPT TO:<joe+x@example.org>
DATA
.
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
553 5.1.7 Sender address not allowed, id ID
250 2.1.0 Sender ok
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    kept_arguments 1 | diff - <(printf '<%s>\n' joe+x@example.org/Maildir s@example.net:x-/)
}

@test "{user} never leads elsewhere, wherever it stands; other values may hold a slash outside of paths" {
    delivery=("$commands/keep" '{user}' 'from:{sender}' '{recipient}' '/x' '{local}')
    conversation --lmtp <<'CLIENT' 4<<'SERVER'
LHLO c
MAIL FROM:<a/b=x@example.net>
RCPT TO:<joe/new@example.org>
RCPT TO:<".joe"@example.org>
RCPT TO:<""@example.org>
RCPT TO:<joe+/x@example.org>
DATA
.
CLIENT
220 mx.test LMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 2.1.0 Sender ok
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    kept_arguments 1 | diff - <(printf '<%s>\n' joe 'from:a/b=x@example.net' joe+/x@example.org /x joe+/x)
}

@test "{helo} in a path is refused at start: the client would choose the file" {
    for argument in '/tmp/{helo}' 'x/y-{helo}' '{helo}/x' '--dir={sender}/{helo}' '{helo}@{domain}/Maildir'; do
        check true "$argument"
        [ "$status" = 64 ]
        [ "$output" = 'smtp-handler: {helo} in a path: the client would choose the file' ]
    done
    "$SMTP_HANDLER" true '--helo={helo}' '/' '{helo}:{sender}' </dev/null
}

@test "an address that would begin an argument with a hyphen is refused" {
    delivery=("$commands/keep" '{sender}' --to '{recipients}' '{extension}')
    conversation <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<-f@example.net>
MAIL FROM:<>
RCPT TO:<-x@example.org>
RCPT TO:<a+-x@example.org>
RCPT TO:<"-x y"@example.org>
RCPT TO:<a-x@example.org>
DATA
.
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
553 5.1.7 Sender address not allowed, id ID
250 2.1.0 Sender ok
553 5.1.3 Recipient address not allowed, id ID
553 5.1.3 Recipient address not allowed, id ID
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
}

@test "an address with a hyphen in front is accepted if no argument begins with it" {
    delivery=("$commands/keep" 'from={sender}')
    conversation <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<-f@example.net>
RCPT TO:<-x@example.org>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
SERVER
}

@test "the command's environment tells what is known, and nothing that belongs to others" {
    printf 'EHLO client.test\nMAIL FROM:<sender@example.net>\nRCPT TO:<User+Ext@Example.ORG>\nDATA\nx\n.\n' | sed 's/$/\r/' |
        env PROTO=TCP TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=4711 TCPREMOTEHOST=client.example \
            SASL_USERNAME=stale RECIPIENTS=stale NOTIFY_SOCKET=/stale MINE=kept \
            "$SMTP_HANDLER" --domain example.org --newlines strict --delivery-timeout 77 "$commands/keep" >replies 2>log
    kept_environment 1 | grep -E '^(SENDER|RECIPIENTS?|LOCAL|DOMAIN|HOST|EXT|EXTENSION|CLIENT_.*|SASL_.*|NOTIFY_.*|MINE|DEADLINE|MESSAGE_SIZE)=' | sort | diff - <(cat <<EOF
CLIENT_ADDRESS=192.0.2.7
CLIENT_HELO=client.test
CLIENT_HOSTNAME=client.example
CLIENT_PORT=4711
CLIENT_PROTOCOL=ESMTP
DEADLINE=77
DOMAIN=example.org
EXT=Ext
EXTENSION=Ext
HOST=example.org
LOCAL=User+Ext
MESSAGE_SIZE=$(kept 1 | wc -c)
MINE=kept
RECIPIENT=User+Ext@example.org
RECIPIENTS=User+Ext@example.org
SENDER=sender@example.net
EOF
)
    id=$(kept_environment 1 | sed -n 's/^TRANSACTION_ID=//p')
    [ -n "$id" ]
    kept 1 | grep -q "id $id"
    grep -q "^250 2.0.0 Delivered, id $id" replies
    grep -q "message result=accepted id=$id " log
    kept 1 | grep -q 'from client.test (client.example \[192.0.2.7\])'
}

@test "the delimiter of extensions can be chosen" {
    { one_message a-b+c@example.org; } | sed 's/$/\r/' | handler --recipient-delimiter - >replies
    kept_environment 1 | grep -qx 'EXTENSION=b+c'
}

@test "without PATH, as under inetd, the command has one" {
    one_message | sed 's/$/\r/' | env -i "$SMTP_HANDLER" --domain example.org --newlines strict sh -c 'echo "$PATH"' >replies 2>log
    grep -q '^250 2.0.0 /usr/local/bin:/usr/bin:/bin' replies
}

@test "SIGTERM lets a running delivery end and be answered, then says 421" {
    port=$(free_port)
    cat >slow <<'EOF'
#!/bin/sh
echo $PPID >handler
until [ -e go ]; do sleep 0.02; done
echo answered
EOF
    chmod +x slow
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --hostname mx.test --domain example.org ./slow
    eventually is_listening "$port"
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    one_message | sed '$d; s/$/\r/' >&9
    eventually test -s handler
    kill -TERM "$(cat handler)"
    touch go
    cat <&9 | from_wire | tail -2 | diff - <(printf '250 2.0.0 answered\n421 4.3.2 mx.test Service shutting down\n')
}

@test "SIGTERM between and within messages is answered with 421 at once" {
    port=$(free_port)
    # The greeting says which process the handler is.
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" sh -c 'exec "$0" --hostname "p$$.test" "$@"' \
        "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    for said in 'HELO c\r\n' 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nhalf'; do
        exec 9<>"/dev/tcp/127.0.0.1/$port"
        printf '%b' "$said" >&9
        IFS=' p.' read -r _ process _ <&9
        kill -TERM "$process"
        cat <&9 | from_wire | tail -1 | grep -qx "421 4.3.2 p$process.test Service shutting down"
    done
    [ "$(kept_count)" = 0 ]
}

@test "SIGTERM is obeyed while commands come without a pause" {
    { echo 'HELO c'; yes NOOP; } | "$SMTP_HANDLER" --hostname mx.test --max-errors 1000000000 --log none sh -c : >replies 3>&- 4>&- &
    handler_pid=$!
    started+=("$handler_pid")
    eventually grep -q '^250 2.0.0 Ok' replies
    kill -TERM "$handler_pid"
    wait "$handler_pid"
    from_wire <replies | tail -1 | grep -qx '421 4.3.2 mx.test Service shutting down'
}

@test "a command that leaves its group is killed in time, too" {
    cat >leave <<'EOF'
#!/usr/bin/python3
import os, time
os.setpgid(0, os.getpgid(os.getppid()))
time.sleep(1000)
EOF
    chmod +x leave
    delivery=(./leave)
    SECONDS=0
    one_message | sed 's/$/\r/' | handler --delivery-timeout 1 >replies
    [ "$SECONDS" -lt 500 ]
    grep -q '^451 4.3.0' replies
    grep -q 'ended=timeout' log
}

@test "a command that cannot be killed is not waited for" {
    SECONDS=0
    one_message | sed 's/$/\r/' | traced -o trace -e trace=kill -e inject=kill:error=EPERM "$SMTP_HANDLER" --domain example.org \
        --newlines strict --delivery-timeout 1 sleep 1000 >replies 2>log
    [ "$SECONDS" -lt 500 ]
    grep -q '^451 4.3.0' replies
    grep -q 'trouble text="the delivery command, process [0-9]*, may not be killed"' log
}

@test "a handler that cannot make ready for its command defers the message" {
    for number in {1..9}; do
        one_message | sed 's/$/\r/' | ASAN_OPTIONS=detect_leaks=0 timeout -s KILL 100 strace -D -o trace -e trace=fcntl \
            -e "inject=fcntl:error=EMFILE:when=$number" "$SMTP_HANDLER" --domain example.org --newlines strict true \
            >replies 2>log 3>&- 4>&-
        tail -1 replies | grep -q '^221'
        sed -n '/^354/{n;p}' replies >>answers
    done
    grep -q '^451 4.3.5' answers
    refute grep -qvE '^(250|451) ' answers
}

@test "one recipient's command cannot change the message for the next" {
    delivery=(sh -c 'head -n 1; printf EVIL 1<>/proc/self/fd/0')
    printf 'LHLO c\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\nhi\n.\n' | sed 's/$/\r/' |
        handler --lmtp --no-trace | from_wire | without_ids | sed '1,/^354/d' >said
    [ "$(grep -c ' hi$' said)" = 2 ] || { cat said log; return 1; }
}

@test "a log reader that stalls holds nothing up" {
    mkfifo pipe
    sh -c 'exec <pipe; exec sleep 1000' 3>&- 4>&- &
    started+=("$!")
    SECONDS=0
    { echo 'HELO c'; echo 'MAIL FROM:<>'; yes 'RCPT TO:<a@elsewhere.example>' | head -2000; echo QUIT; } | sed 's/$/\r/' |
        "$SMTP_HANDLER" --domain example.org --newlines strict --max-errors 10000 true 2>pipe >replies 3>&- 4>&-
    [ "$SECONDS" -lt 500 ]
    tail -1 replies | grep -q '^221'
}

@test "if a client could be passed the memory of a message, it is sealed against being mapped, too" {
    python3 - "$SMTP_HANDLER" >seals <<'END'
import socket, subprocess, sys
def print_seal(client, server):
    command = ["strace", "-f", "-e", "trace=fcntl", "-o", "trace", sys.argv[1], "--domain", "example.org", "true"]
    with subprocess.Popen(command, stdin=server, stdout=server, stderr=subprocess.DEVNULL):
        server.close()
        client.sendall(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n.\r\nQUIT\r\n")
        while client.recv(4096):
            pass
    with open("trace") as trace:
        print(*[line.split("F_ADD_SEALS, ")[1].split(") = ")[0] for line in trace if "F_SEAL_SHRINK" in line])
print_seal(*socket.socketpair())
listener = socket.create_server(("127.0.0.1", 0))
print_seal(socket.create_connection(listener.getsockname()), listener.accept()[0])
END
    head -1 seals | grep -qw F_SEAL_WRITE
    tail -1 seals | grep -qw F_SEAL_FUTURE_WRITE
    [ "$(wc -l <seals)" = 2 ]
}

@test "a message that cannot be read again is deferred, and the log says so" {
    for options in '' --lmtp; do
        { if [ -z "$options" ]; then one_message; else one_message a@example.org b@example.org | sed 's/^EHLO/LHLO/'; fi; } |
            sed 's/$/\r/' | ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -P /proc/self/fd/4 -e trace=?open,openat \
            -e inject=?open,openat:error=EMFILE "$SMTP_HANDLER" $options --no-sandbox --domain example.org --log stderr true \
            >replies 2>log 3>&- 4>&-
        grep -q 'trouble text="reading the spool: ' log
        [ "$(grep -c '^smtp-handler: message result=deferred .*status=4' log)" = 1 ]
        grep -q ^451 replies
    done
}

@test "nothing is delivered when no frontend is left to answer, since the client may try again by then" {
    mkfifo client
    "$SMTP_HANDLER" --domain example.org --log stderr tee got <client >replies 2>log 3>&- &
    runner=$!
    started+=("$runner")
    exec 9>client
    one_message | sed '/^DATA$/q' | sed 's/$/\r/' >&9
    eventually grep -q ^354 replies
    session=$(pgrep -P "$runner" -x smtp-handler)
    sleeps() { grep -q '^State:.S' "/proc/$1/status"; }
    eventually sleeps "$session"
    eventually sleeps "$runner"
    kill -STOP "$runner"
    times_asleep() { grep ^voluntary_ctxt "/proc/$session/status"; }
    before=$(times_asleep)
    printf 'Subject: test\r\n\r\nbody\r\n.\r\n' >&9
    has_asked() { [ "$(times_asleep)" != "$before" ] && sleeps "$session"; }
    eventually has_asked
    kill -KILL "$session"
    eventually grep -q '^State:.Z' "/proc/$session/status"
    kill -CONT "$runner"
    wait "$runner" || true
    grep -q '^smtp-handler: message result=deferred' log
    [ ! -e got ]
}

# sends_program OCTETS: a client sends a program, with as many octets of zero behind it.
sends_program() {
    cat "$(command -v uname)" <(head -c "$1" /dev/zero) >program
    printf 'EHLO c\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME\r\nRCPT TO:<a@example.org>\r\nBDAT %d LAST\r\n' "$(stat -c %s program)"
    cat program
    printf 'QUIT\r\n'
}

@test "a message cannot be executed, be it in memory or in a file" {
    delivery=(sh -c 'exec /proc/self/fd/0')
    for size in 0 2000000; do
        sends_program $size | handler --no-trace >replies
        grep -q '^451 4.3.0 ' replies
        grep -q 'Permission denied' log
    done
    # The program itself can be executed.
    delivery=(sh -c 'cat >copy; chmod +x copy; exec ./copy')
    sends_program 0 | handler --no-trace | grep -q '^250 2.0.0 Linux'
}

@test "the command cannot look into the memory of its runner, nor take its descriptors" {
    # shellcheck disable=SC2016 # the command's own
    look='cat >/dev/null; for name in mem environ maps fd/0; do
        if (exec <"/proc/$PPID/$name") 2>/dev/null; then echo "read $name"; exit; fi
    done; echo nothing'
    one_message | sed 's/$/\r/' >said
    as_another "$SMTP_HANDLER" --domain example.org --newlines strict --log none sh -c "$look" <said >replies
    grep -q '^250 2.0.0 nothing' replies
    # --no-sandbox admits a debugger.
    as_another "$SMTP_HANDLER" --domain example.org --newlines strict --log none --no-sandbox sh -c "$look" <said >replies
    grep -q '^250 2.0.0 read ' replies
}

# closes_late NAME OPTION...: each close in the process NAME, in turn, is the one that finds the disk full.
closes_late() {
    local when
    { one_message user@example.org other@example.org | sed -e '1a LHLO client.test' -e '/^body$/,$d'; seq 200000; printf '.\nQUIT\n'; } | sed 's/$/\r/' >said
    for when in $(seq 1 80); do
        "$top/build/drill/inject" report 20 "$1" 3 "$when" 122 "$SMTP_HANDLER" --domain example.org --newlines strict \
            --log stderr "${@:2}" sh -c 'cat >/dev/null' <said >>replies 2>>log || true
        ! grep -q '^452 ' replies || return 0
    done
}

@test "a message that close(2) may have lost is not delivered, but gets 452" {
    [ "$(uname -m)" = x86_64 ] || skip 'the drill is for x86-64'
    for name in smtp-handler "smtp-handler'"; do
        for option in '' --lmtp; do
            rm -f replies log
            # shellcheck disable=SC2086 # or none
            closes_late "$name" $option
            grep -q '^452 4.3.1 ' replies || { echo "$name $option"; return 1; }
            grep -q 'trouble text=".*[Qq]uota exceeded; see smtp-handler.conf(5)"' log
            grep -q 'message result=deferred ' log
        done
    done
}
