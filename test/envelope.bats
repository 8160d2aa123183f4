load helper

@test "commands out of order get 503, and harm nothing" {
    conversation <<'CLIENT' 4<<'SERVER'
MAIL FROM:<a@example.net>
RCPT TO:<b@example.org>
DATA
RSET
EHLO client.test
RCPT TO:<b@example.org>
DATA
MAIL FROM:<a@example.net>
MAIL FROM:<c@example.net>
DATA
RCPT TO:<b@example.org>
RSET
DATA
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
250 2.0.0 Ok
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
503 5.5.1 Bad sequence of commands
503 5.5.1 Bad sequence of commands
250 2.1.0 Sender ok
503 5.5.1 Bad sequence of commands
554 5.5.1 No valid recipients
250 2.1.5 Recipient ok
250 2.0.0 Ok
503 5.5.1 Bad sequence of commands
221 2.0.0 mx.test closing connection
SERVER
    [ "$(kept_count)" = 0 ]
}

@test "EHLO within a transaction begins anew" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<a@example.net>
HELO other.test
RCPT TO:<b@example.org>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 mx.test
503 5.5.1 Bad sequence of commands
SERVER
}

@test "NOOP, RSET, VRFY and HELP work before and within a transaction" {
    conversation <<'CLIENT' 4<<'SERVER'
NOOP
noop whatever
HELP
HELP MAIL
VRFY someone
VRFY
HELO client.test
MAIL FROM:<a@example.net>
NOOP
VRFY someone
RCPT TO:<b@example.org>
RSET now
rset
QUIT now
CLIENT
220 mx.test ESMTP smtp-handler
250 2.0.0 Ok
250 2.0.0 Ok
214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
252 2.0.0 Send a message, and it will be tried
501 5.5.4 Argument missing
250 mx.test
250 2.1.0 Sender ok
250 2.0.0 Ok
252 2.0.0 Send a message, and it will be tried
250 2.1.5 Recipient ok
501 5.5.4 No argument allowed
250 2.0.0 Ok
501 5.5.4 No argument allowed
SERVER
}

@test "unknown commands get 500, known ones that are not offered 502" {
    conversation <<'CLIENT' 4<<'SERVER'
WHAT
MAILX FROM:<a@example.net>

 NOOP
EXPN staff
TURN
CLIENT
220 mx.test ESMTP smtp-handler
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
500 5.5.2 Command not recognized
502 5.5.1 Command not implemented
502 5.5.1 Command not implemented
SERVER
}

@test "verbs and keywords have no case, and blanks at the end of a line do not matter" {
    conversation <<'CLIENT' 4<<'SERVER'
helo client.test  
mAiL fRoM:<a@example.net>	 
rcpt to: <b@example.org>
quit 
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
221 2.0.0 mx.test closing connection
SERVER
}

@test "parameters that are not offered get 555, wrong values 501" {
    conversation --max-size 1K <<'CLIENT' 4<<'SERVER'
EHLO client.test
MAIL FROM:<a@example.net> FOO=bar
MAIL FROM:<a@example.net> FOO
MAIL FROM:<a@example.net> SIZE=
MAIL FROM:<a@example.net> SIZE=12x
MAIL FROM:<a@example.net> SIZE=1 SIZE=1
MAIL FROM:<a@example.net> BODY=9BIT
MAIL FROM:<a@example.net>SIZE=1
MAIL FROM:<a@example.net> SIZE=1025
MAIL FROM:<a@example.net> SIZE=99999999999999999999
MAIL FROM:<a@example.net> body=8bitmime  size=1024
RCPT TO:<b@example.org> NOTIFY=NEVER
HELO client.test
MAIL FROM:<a@example.net> SIZE=10
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 1024
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
555 5.5.4 Parameter not recognized: FOO=bar
555 5.5.4 Parameter not recognized: FOO
501 5.5.4 Bad parameter: SIZE=
501 5.5.4 Bad parameter: SIZE=12x
501 5.5.4 Bad parameter: SIZE=1
501 5.5.4 Bad parameter: BODY=9BIT
501 5.1.7 Bad sender address syntax
552 5.3.4 Message too large
552 5.3.4 Message too large
250 2.1.0 Sender ok
555 5.5.4 Parameter not recognized: NOTIFY=NEVER
250 mx.test
555 5.5.4 Parameter not recognized: SIZE=10
SERVER
}

@test "recipients elsewhere are refused, those at our domains accepted" {
    conversation --domain two.example <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<b@example.com>
RCPT TO:<b@EXAMPLE.org>
RCPT TO:<b@two.example>
RCPT TO:<b@mx.test>
RCPT TO:<b@localhost>
RCPT TO:<Postmaster>
RCPT TO:<postmaster@example.com>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
SERVER
}

@test "without --domain the host name and localhost are ours; --domain '*' takes any" {
    printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@mx.test>\r\nRCPT TO:<a@localhost>\r\nRCPT TO:<a@example.org>\r\n' >client
    "$SMTP_HANDLER" --hostname mx.test true <client 2>log | from_wire | cut -c1-3 | tail -3 | diff - <(printf '250\n250\n550\n')
    "$SMTP_HANDLER" --domain '*' true <client 2>log | from_wire | cut -c1-3 | tail -3 | diff - <(printf '250\n250\n250\n')
}

@test "--domain '*.NAME' takes recipients at all domains below it, and none at the name itself" {
    conversation --domain '*.two.example' <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<b@mail.two.example>
RCPT TO:<b@A.B.Two.Example>
RCPT TO:<b@two.example>
RCPT TO:<b@xtwo.example>
RCPT TO:<b@two.example.net>
RCPT TO:<b@[192.0.2.1]>
RCPT TO:<postmaster>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
550 5.7.1 Relaying denied, id ID
250 2.1.5 Recipient ok
SERVER
    for wrong in '*.' '*.*.example' 'a.*.example' '*two.example' '**' '*.[192.0.2.1]'; do
        refute "$SMTP_HANDLER" --domain "$wrong" true </dev/null >replies 2>errors
    done
}

@test "the list names recipients at domains below, each or all" {
    printf 'joe@mail.two.example\n@*.mail.two.example\n@*.three.example\n' >list
    conversation --domain '*.two.example' --domain '*.three.example' --domain three.example --recipients list <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<joe@mail.two.example>
RCPT TO:<jim@mail.two.example>
RCPT TO:<jim@a.MAIL.two.example>
RCPT TO:<jim@a.b.c.three.example>
RCPT TO:<jim@three.example>
RCPT TO:<joe@two.example>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
550 5.1.1 No such mailbox, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.1.1 No such mailbox, id ID
550 5.7.1 Relaying denied, id ID
SERVER
    "$SMTP_HANDLER" --check --domain '*.two.example' --recipients list true </dev/null | tail -1 | grep -qx ok
    for wrong in '@*.' '@*' '@*.*.example' 'joe@*.example'; do
        echo "$wrong" >list
        refute "$SMTP_HANDLER" --check --recipients list true </dev/null >said 2>&1
        grep -qF "list:1: '$wrong' is neither local@domain nor @domain" said
    done
}

@test "a list of recipients is obeyed, extensions and case apart; postmaster is always accepted" {
    printf '# ours\n"joe"@example.org\n\n  @two.example \n' >list
    conversation --domain two.example --recipients list <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<joe@example.org>
RCPT TO:<JOE+lists@Example.Org>
RCPT TO:<"joe"@example.org>
RCPT TO:<jim@example.org>
RCPT TO:<anyone@two.example>
RCPT TO:<postmaster@example.org>
RCPT TO:<postmaster>
RCPT TO:<joe@elsewhere.example>
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.1.1 No such mailbox, id ID
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
550 5.7.1 Relaying denied, id ID
SERVER
    grep -q 'recipient result=refused .*to=jim@example.org status=5.1.1' log
}

@test "a list of recipients may name the longest addresses" {
    local label domain local_part
    label=$(printf '%63s' '' | tr ' ' d)
    domain=$label.$label.$label.$label
    local_part=$(printf '%255s' '' | tr ' ' x)
    printf '%s\n' "$local_part@$domain" "\"${local_part:4} x\"@$domain" >list
    "$SMTP_HANDLER" --check --domain "$domain" --recipients list true | grep -qx ok
    for _ in scanned indexed indexed; do
        printf 'RCPT TO:<%s>\n' "$local_part@$domain" "\"${local_part:4} x\"@$domain" "${local_part:1}@$domain"
    done | { printf 'HELO c\nMAIL FROM:<>\n'; cat; } | sed 's/$/\r/' |
        handler --domain "$domain" --recipients list | from_wire | sed 1,3d | cut -c1-9 |
        diff - <(for _ in 1 2 3; do printf '%s\n' '250 2.1.5' '250 2.1.5' '550 5.1.1'; done)
    grep -q "recipient result=refused .*to=${local_part:1}@$domain status=5.1.1" log
    echo "x$local_part@$domain" >list
    refute grep -qx ok <("$SMTP_HANDLER" --check --recipients list true)
}

# recipients N: a client that names users 1 to N.
recipients() {
    printf 'HELO client.test\r\nMAIL FROM:<>\r\n'
    seq -f 'RCPT TO:<user%g@example.org>' "$1" | sed 's/$/\r/'
}

# with_list OPTION...: runs the handler with the list, and strace on what it reads of it; --no-sandbox lets
# a plain user look.
with_list() {
    traced -f -o trace -P list -e trace=pread64,read "$@" "$SMTP_HANDLER" --hostname mx.test --domain example.org \
        --newlines strict --no-sandbox --recipients list --log stderr true 2>log
}

@test "a list of recipients is read once a connection, not for each, however long it is" {
    seq -f 'user%g@example.org' 100000 | tac >list
    recipients 3 | with_list | from_wire | grep -c '^250 2.1.5' | grep -qx 3
    read=$(sed -n "s|.* = \([0-9]*\)\$|\1|p" trace | awk '{ sum += $1 } END { print sum }')
    size=$(wc -c <list)
    [ "$read" -ge "$size" ]
    [ "$read" -le $((size + 4096)) ]
    recipients 1000 >client
    ( TIMEFORMAT=%U; time handler --recipients list <client >replies ) 2>seconds
    from_wire <replies | grep -c '^250 2.1.5' | grep -qx 1000
    awk '{ exit !($1 < 4) }' seconds
}

@test "each entry of a list is found, the first and the last, quoted, of a domain or behind a byte order mark, and no other" {
    { printf '\xef\xbb\xbf@two.example\r\n"needless"@example.org\r\n"a b"@example.org\nfirst@example.org\n'
      seq -f 'user%g@example.org' 2000
      printf '# user@three.example\n  \n\tUSER1@Example.ORG \nlast@example.org'; } >list
    { printf 'HELO c\nMAIL FROM:<>\n'
      for _ in scanned indexed indexed; do
          printf 'RCPT TO:<%s>\n' anyone@two.example needless@example.org '"a b"@example.org' first@example.org \
              LAST+x@example.org user{1,1000,2000}@example.org user1+2@EXAMPLE.org \
              user2001@example.org user@example.org last@three.example
      done; } | sed 's/$/\r/' | handler --domain two.example --domain three.example --recipients list |
        from_wire | sed 1,3d | cut -c1-9 >said
    for _ in scanned indexed indexed; do
        printf '250 2.1.5\n%.0s' {1..9}
        printf '550 5.1.1\n%.0s' {1..3}
    done | diff - said
}

@test "a list of recipients that is replaced during a session, or written over, does no harm" {
    printf 'joe@example.org\n' >list
    python3 - "$SMTP_HANDLER" <<'EOF'
import os, subprocess, sys
def say(line):
    p.stdin.write(line.encode() + b"\r\n")
    return p.stdout.readline()[:9].decode()
def begin():
    global p
    p = subprocess.Popen([sys.argv[1], "--recipients", "list", "--domain", "example.org", "--log", "none", "true"], stdin=-1, stdout=-1, bufsize=0)
    p.stdout.readline()
    say("HELO c")
    say("MAIL FROM:<>")
def known():
    return [name for name in ("joe", "jim", "joe", "jim") if say(f"RCPT TO:<{name}@example.org>") == "250 2.1.5"]
begin()
with open("new", "w") as new:
    new.write("jim@example.org\n")
os.rename("new", "list")
assert known() == ["joe", "joe"]
begin()
assert known() == ["jim", "jim"]
with open("list", "w") as list:
    list.write("j")
assert known() == ["jim", "jim"]
EOF
}

@test "a list of recipients that changes while it is read defers, until it does not" {
    seq -f 'user%g@example.org' 1000 >list
    mkfifo client
    with_list -e inject=pread64:delay_enter=2000000:when=3 <client >replies &
    started+=($!)
    exec 9>client
    recipients 1 >&9
    eventually grep -q " = $(wc -c <list)\$" trace
    seq -f 'user%g@example.org' 500 >list
    eventually grep -q ^451 replies
    printf 'RCPT TO:<user2@example.org>\r\nQUIT\r\n' >&9
    exec 9>&-
    wait "${started[-1]}"
    from_wire <replies | sed -n 4,5p | cut -c1-9 | diff - <(printf '451 4.3.0\n250 2.1.5\n')
    grep -q 'trouble text="list: it changes while it is read; recipients are deferred; see smtp-handler.conf(5), RECIPIENTS"' log
}

@test "a list of recipients that cannot be read defers all, and the log says so once" {
    echo user1@example.org >list
    recipients 3 | with_list -e inject=pread64:error=EIO:when=2+ | from_wire | sed 1,3d | cut -c1-9 |
        diff - <(printf '451 4.3.0\n%.0s' 1 2 3)
    [ "$(grep -c 'trouble text="list: Input/output error; recipients are deferred; see smtp-handler.conf(5), RECIPIENTS"' log)" = 1 ]
}

@test "recipients deferred because of a list that cannot be read are no errors of the client" {
    echo user1@example.org >list
    recipients 30 | with_list -e inject=pread64:error=EIO:when=2+ | from_wire | sed 1,3d | cut -c1-9 | uniq -c | tr -s ' ' |
        diff - <(printf ' 30 451 4.3.0\n')
    refute grep 'protocol violation' log
}

@test "--check names every wrong line of the list of recipients, and each entry that accepts nobody" {
    cat >list <<'LIST'
tickets
# a comment
joe@example.org
*@example.org
ann@example.org # at noon
ann@Example.net
@*.example.net
a@example.org b@example.org
LIST
    check --domain example.org --domain '*.example.com' --recipients list true
    [ "$status" = 78 ]
    diff - <(echo "$output") <<'END'
smtp-handler: list:1: 'tickets' is neither local@domain nor @domain
smtp-handler: warning: list:4: '*@example.org' is the mailbox '*' alone; '@example.org' is all of the domain
smtp-handler: warning: list:6: 'ann@Example.net' accepts nobody: its domain is not ours; add 'domain Example.net'
smtp-handler: list:8: delivery command b@example.org: no such program in PATH
END
    echo joe@a.example.com >list
    check --domain '*.example.com' --recipients list true
    [ "$status$output" = 0 ]
    seq -f 'user%g' 250 >list
    check --domain example.org --recipients list true
    [ "$(wc -l <<<"$output")" = 101 ]
    tail -1 <<<"$output" | grep -qx 'smtp-handler: and 151 more'
}

@test "a list of recipients that accepts nobody is an error of --check, unless users may relay" {
    printf '# nobody yet\n\n' >list
    printf 'recipients list\ncommand true\n' >config
    check --config config
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: config:1: option recipients: list is empty: every recipient is refused' ]
    echo joe@example.net >list
    check --domain example.org --recipients list true
    [ "$status" = 78 ]
    tail -1 <<<"$output" | grep -qx 'smtp-handler: option recipients: list accepts nobody: every recipient is refused'
    # A session goes on: the postmaster is there in any case.
    one_message postmaster@example.org | sed 's/$/\r/' | handler --recipients list >replies
    [ "$(kept_count)" = 1 ]
}

@test "with a malformed address in the list, who is not found is deferred; the log names the line, once" {
    printf 'joe@example.org\njoe,example.org\ntickets\n' >list
    one_message joe@example.org tickets@example.org more@example.org | sed 's/$/\r/' | handler --recipients list --log stderr >replies
    [ "$(grep -c '^451 4.3.5 ' replies)" = 2 ]
    grep -q '^250 2.0.0 ' replies
    [ "$(grep -c trouble log)" = 1 ]
    grep -qF "trouble text=\"list:2: 'joe,example.org' is neither local@domain nor @domain; who is not in the list is deferred; see smtp-handler.conf(5), RECIPIENTS\"" log
    one_message joe@example.org | sed 's/$/\r/' | handler --recipients list --log stderr >replies 2>log
    refute grep trouble log
    echo joe@example.org >list
    one_message more@example.org | sed 's/$/\r/' | handler --recipients list --log stderr >replies 2>log
    refute grep trouble log
}

@test "a list of recipients of more than 32 MiB is not accepted" {
    truncate -s 33554433 list
    check --recipients list true
    [ "$status" = 78 ]
    [ "$output" = 'smtp-handler: option recipients: list: longer than 33554432 octets' ]
}

@test "one-recipient mode defers the second recipient" {
    conversation --one-recipient <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<a@example.org>
RCPT TO:<b@example.org>
DATA
hello
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
    kept_environment 1 | grep -qx 'RECIPIENT=a@example.org'
}
