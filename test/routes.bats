load helper

# What stands behind an address in the list of recipients: a command, an alias, a refusal.

# run_as NAME [ARGUMENT...]: a command that tells what it was run as, and for whom.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    cat >run-as <<'COMMAND'
#!/bin/sh
name=$1
shift
echo "$name${*:+ $*} for $(echo $RECIPIENTS)${ROUTE:+ by $ROUTE}" >>runs
echo "$name $RECIPIENT_USER" | head -1
[ ! -e "end-$name" ] || exit "$(cat "end-$name")"
COMMAND
    chmod +x run-as
}

# list: the file of recipients is standard input, "run-as" in it the command above.
list() {
    sed "s,run-as,$BATS_FILE_TMPDIR/run-as," >list
    delivery=("$BATS_FILE_TMPDIR/run-as" default)
    rm -f runs log
}

# to RECIPIENT...: a client that sends one message; the codes of the replies to RCPT and of those to
# the message.
to() {
    one_message "$@" | sed "s/^EHLO/${greeting:-EHLO}/; s/^MAIL.*/&$parameters/; s/\$/\r/" |
        handler --log stderr --domain lists.example.org --recipients list "${options[@]}" | from_wire | without_ids |
        sed '1,/^250 2.1.0/d; /^354/d; /^221/d' >said
    cut -c1-9 said | tr '\n' ' ' | sed 's/ $/\n/'
}

# runs: what was run since the last call, a line each.
runs() {
    cat runs 2>/dev/null
    rm -f runs
}

# trouble: the texts of the events trouble.
trouble() {
    sed -n 's/^smtp-handler: trouble text="\(.*\); see smtp-handler.conf(5), RECIPIENTS"$/\1/p' log
}

example() {
    list <<'LIST'
tickets@example.org       run-as ticket --queue {user}
sales@example.org         run-as ticket --queue sales
@lists.example.org        run-as list {recipient}
joe@example.org                                       # the command of the options
info@example.org          = tickets@example.org       # as that entry
former@example.org        ! 5.1.6 Has moved, write to new@example.net
LIST
}

@test "each recipient's mail goes to the command behind its address, and to that of the options if there is none" {
    example
    [ "$(to tickets@example.org)" = '250 2.1.5 250 2.0.0' ]
    [ "$(to sales@example.org)" = '250 2.1.5 250 2.0.0' ]
    [ "$(to Any.body@lists.example.org)" = '250 2.1.5 250 2.0.0' ]
    [ "$(to joe@example.org)" = '250 2.1.5 250 2.0.0' ]
    [ "$(to postmaster@example.org)" = '250 2.1.5 250 2.0.0' ]
    [ "$(to nobody@example.org | cut -c1-9)" = '550 5.1.1' ]
    [ "$(to joe@elsewhere.example | cut -c1-9)" = '550 5.7.1' ]
    runs | diff - <(cat <<'RUNS'
ticket --queue tickets for tickets@example.org by tickets@example.org
ticket --queue sales for sales@example.org by sales@example.org
list Any.body@lists.example.org for Any.body@lists.example.org by @lists.example.org
default for joe@example.org by joe@example.org
default for postmaster@example.org
RUNS
)
}

@test "a recipient of another command gets 452, and comes in a transaction of its own" {
    example
    conversation --recipients list <<'CLIENT' 4<<'SERVER'
HELO client.test
MAIL FROM:<>
RCPT TO:<tickets@example.org>
RCPT TO:<sales@example.org>
RCPT TO:<joe@example.org>
DATA
.
MAIL FROM:<>
RCPT TO:<sales@example.org>
RCPT TO:<SALES@example.org>
RCPT TO:<tickets@example.org>
RCPT TO:<joe@example.org>
DATA
.
MAIL FROM:<>
RCPT TO:<joe@example.org>
RCPT TO:<postmaster@example.org>
DATA
.
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 ticket tickets
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
452 4.5.3 Too many recipients
354 Send the message, end with a dot on a line by itself
250 2.0.0 ticket sales
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 default
SERVER
    runs | diff - <(printf '%s\n' 'ticket --queue tickets for tickets@example.org by tickets@example.org' \
        'ticket --queue sales for sales@example.org by sales@example.org' 'default for joe@example.org postmaster@example.org')
    printf 'EHLO c\r\n' | handler --recipients list | from_wire | grep -qx '250 LIMITS MAILMAX=1000 RCPTMAX=1000'
}

@test "commands are the same by equal words, but one about its recipient is another for each" {
    list <<LIST
a@example.org run-as x "two words"
b@example.org   run-as   "x" two" "words # a comment
c@example.org run-as x two words
d@example.org run-as default
e@example.org
f@example.org run-as x {sender} {recipients}
g@example.org run-as x {sender} {recipients}
$(for macro in user recipient local domain extension; do printf '%s@example.org run-as x {%s}\n%s2@example.org run-as x {%s}\n' $macro $macro $macro $macro; done)
LIST
    [ "$(to {a,b,c}@example.org)" = '250 2.1.5 250 2.1.5 452 4.5.3 250 2.0.0' ]
    [ "$(to {d,e}@example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    [ "$(to {f,g}@example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    for macro in user recipient local domain extension; do
        [ "$(to $macro@example.org $macro@example.org ${macro}2@example.org $macro+x@example.org)" = '250 2.1.5 250 2.1.5 452 4.5.3 452 4.5.3 250 2.0.0' ]
    done
    runs | head -3 | diff - <(printf '%s\n' 'x two words for a@example.org b@example.org' 'default for d@example.org e@example.org' \
        'x sender@example.net f@example.org g@example.org for f@example.org g@example.org')
}

@test "the address is looked up with its extension, without it, and by its domain at last, wherever it stands in the list" {
    list <<'LIST'
@example.org run-as domain
@*.example.com run-as below
joe@example.org run-as joe
joe+x@example.org run-as extension
"quoted user"@example.org run-as quoted
LIST
    for recipient in Joe+X@example.org joe+y@example.org joe@example.org joe-x@example.org '"quoted user"@example.org' a@b.c.example.com; do
        options=(--domain '*.example.com')
        [ "$(to "$recipient")" = '250 2.1.5 250 2.0.0' ]
    done
    runs | cut -d' ' -f1 | diff - <(printf '%s\n' extension joe joe domain quoted below)
    options=(--recipient-delimiter -)
    to joe-x@example.org
    runs | grep -q '^joe '
}

@test "an alias has the entry's command; RECIPIENT and its parts stay what the client said" {
    list <<'LIST'
Tickets@example.org /usr/bin/env
info@example.org = tickets@example.org
inf@example.org = info+what@example.org # at the end all is tickets
all@example.org = @lists.example.org
some@example.org = "Some.One"@lists.example.org
@lists.example.org /usr/bin/env user={user}
plain@example.org = joe@example.org
joe@example.org
LIST
    env_of() { "$@" >/dev/null; grep -E '^(RECIPIENT|RECIPIENT_USER|LOCAL|EXTENSION|ROUTE|user)=' kept-environment | sort; }
    sed -i 's,/usr/bin/env,sh -c "env >kept-environment" ,' list
    env_of to Inf+17@example.org | diff - <(printf '%s\n' EXTENSION=17 LOCAL=Inf+17 RECIPIENT=Inf+17@example.org RECIPIENT_USER=Tickets \
        ROUTE=Tickets@example.org)
    env_of to all+A@example.org | grep -E '^(ROUTE|RECIPIENT_USER)' | diff - <(printf '%s\n' RECIPIENT_USER=all ROUTE=@lists.example.org)
    env_of to some@example.org | grep -E '^(ROUTE|RECIPIENT_USER)' | diff - <(printf '%s\n' RECIPIENT_USER=some.one ROUTE=@lists.example.org)
    to plain@example.org
    runs | grep -qx 'default for plain@example.org by joe@example.org'
    # A chain of ten, and a command that is the same for all that lead to it.
    { for i in 1 2 3 4 5 6 7 8 9 10; do echo "a$i@example.org = a$((i + 1))@example.org"; done; echo 'a11@example.org run-as end'; } | list
    [ "$(to a1@example.org a5@example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | grep -qx 'end for a1@example.org a5@example.org by a11@example.org'
}

@test "a message to an alias and to whom it means is one run if the command is not about its recipient" {
    example
    [ "$(to tickets@example.org info@example.org)" = '250 2.1.5 452 4.5.3 250 2.0.0' ]
    sed -i 's/{user}/all/' list
    [ "$(to tickets@example.org info@example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | tail -1 | grep -qx 'ticket --queue all for tickets@example.org info@example.org by tickets@example.org'
}

@test "a refusal has the code and the text of its entry, which cannot forge a reply" {
    list <<LIST
a@example.org ! 5.1.6 Has moved, write to new@example.net # since May
b@example.org !4.2.1 "Is away # today"
c@example.org !
d@example.org ! Not here
e@example.org ! 5.7.1
f@example.org ! $(printf 'x%.0s' $(seq 600))
g@example.org ! 5.1.1 B$(printf '\303\274')cher$(printf '\001\r\033')250 ok
@lists.example.org ! 5.1.2 Closed
LIST
    to {a,b,c,d,e,f,g}@example.org x@lists.example.org >codes
    head -8 said | cut -c1-60 | diff - <(cat <<SERVER
550 5.1.6 Has moved, write to new@example.net
450 4.2.1 "Is away # today"
550 5.1.1 No such mailbox, id ID
550 5.1.1 Not here
550 5.7.1 No such mailbox, id ID
550 5.1.1 $(printf 'x%.0s' $(seq 50))
550 5.1.1 B??cher???250 ok
550 5.1.2 Closed
SERVER
)
    [ "$(sed -n 6p said | wc -c)" = 511 ]
    grep -q 'recipient result=refused .* to=a@example.org status=5.1.6 reply="5.1.6 Has moved, write to new@example.net"' log
    grep -q 'recipient result=deferred .* to=b@example.org status=4.2.1 reply=' log
    # What the options say of the command's refusals is not about these.
    options=(--never-refuse)
    [ "$(to a@example.org | cut -c1-9)" = '550 5.1.6' ]
}

@test "postmaster always receives: by its own entry, else by the command of the options" {
    list <<'LIST'
@example.org run-as domain
@lists.example.org ! 5.1.1 Closed
postmaster@lists.example.org ! 5.1.1 Closed
LIST
    [ "$(to postmaster@example.org Postmaster@lists.example.org postmaster)" = '250 2.1.5 250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | grep -qx 'default for postmaster@example.org Postmaster@lists.example.org postmaster'
    echo 'postmaster@example.org = joe@example.org' >>list
    [ "$(to postmaster@example.org)" = '250 2.1.5 250 2.0.0' ]
    runs | grep -qx 'domain for postmaster@example.org by @example.org'
    sed -i 's/= joe/= nobody/; /^@example.org/d' list
    [ "$(to postmaster@example.org | cut -c1-9)" = '451 4.3.5' ]
}

@test "the options need no command if the list has commands, one of them for postmaster" {
    list <<'LIST'
joe@example.org run-as joe
postmaster@example.org run-as postmaster
LIST
    delivery=()
    check --domain example.org --recipients list
    [ "$status$output" = 0 ]
    tail -1 checked | grep -qx ok
    refute grep -q '^command ' checked
    [ "$(to joe@example.org)" = '250 2.1.5 250 2.0.0' ]
    # Another's postmaster is better than nobody.
    [ "$(to postmaster postmaster@lists.example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | diff - <(printf '%s\n' 'joe for joe@example.org by joe@example.org' \
        'postmaster for postmaster postmaster@lists.example.org by postmaster@example.org')
    printf 'ann@example.org\n' >>list
    sed -i /^postmaster/d list
    check --domain example.org --recipients list
    [ "$status" = 78 ]
    diff - <(echo "$output") <<'END'
smtp-handler: list:2: ann@example.org: no command, and none in the options; write one behind it
smtp-handler: list: no postmaster@, who must receive, and no command for it in the options; add a line: postmaster@DOMAIN COMMAND
END
    [ "$(to ann@example.org postmaster@example.org joe@example.org)" = '451 4.3.5 451 4.3.5 250 2.1.5 250 2.0.0' ]
    trouble | diff - <(echo 'list:2: ann@example.org: no command stands behind it, and the options have none; its mail is deferred')
    # Users may send to anybody, whom the list does not name.
    check --submission --auth 'true x' --xclient 192.0.2.1 --domain example.org --recipients list
    grep -q 'no delivery command' <<<"$output"
    printf 'recipients list\n' >config
    check --config config --domain example.org
    grep -q 'list:2: ann@example.org: no command' <<<"$output"
}

@test "every kind of wrong line is named by --check, and its mail is deferred" {
    touch empty && chmod +x empty
    printf 'echo\n' >script && chmod +x script
    while IFS='|' read -r line text; do
        printf '%s\njoe@example.org\n%s\n' "# $line" "$line" | list
        check --domain example.org --domain lists.example.org --recipients list true
        [ "$status" = 78 ] || { echo "$line: taken"; return 1; }
        [ "$output" = "smtp-handler: list:3: $text" ] || { echo "$line"; echo "$output"; return 1; }
        [ "$(to w@example.org joe@example.org)" = '451 4.3.5 250 2.1.5 250 2.0.0' ] || { echo "$line"; cat said; return 1; }
        [ "$(trouble | wc -l)" = 1 ]
        trouble | grep -qE "^list:3: " || { echo "$line"; trouble; return 1; }
    done <<'LINES'
w@example.org run-as "open|delivery command: a double quote is left open
w@example.org run-as \"open\"|delivery command: a backslash means nothing, and a double quote cannot be written
w@example.org run-as \|delivery command: a backslash does not continue a line: write it all in one
w@example.org "" x|delivery command: no program is named
w@example.org /nowhere/x|delivery command /nowhere/x: no such program
w@example.org nowhere-x y|delivery command nowhere-x: no such program in PATH
w@example.org /etc/passwd|delivery command /etc/passwd: not executable (chmod +x)
w@example.org true {recipent}|unknown {recipent} in the delivery command
w@example.org true x{recipients}|{recipients} must be an argument by itself
w@example.org {user}|{user} in the delivery command's own name
w@example.org sh -c "echo {user}"|{user} within a script for sh: the client would write it; use "$RECIPIENT_USER" in a script file
w@example.org =|w@example.org: behind = stands one address, local@domain or @domain; a command stands without =
w@example.org = joe|w@example.org: behind = stands one address, local@domain or @domain; a command stands without =
w@example.org = joe@example.org ann@example.org|w@example.org: behind = stands one address, local@domain or @domain; a command stands without =
w@example.org = /bin/true|w@example.org: behind = stands one address, local@domain or @domain; a command stands without =
w@example.org = nobody@example.org|w@example.org: no entry is for the address behind =; add one
w@example.org = @lists.example.org|w@example.org: no entry is for the address behind =; add one
w@example.org = w@example.org|w@example.org: the alias leads back to itself; write a command behind one
w@example.org ! 2.0.0 Fine|w@example.org: a refusal has a code of 4.x.y or 5.x.y in front, or none
LINES
    printf 'w@example.org true %4100s\n' x | list
    check --domain example.org --recipients list true
    [ "$output" = 'smtp-handler: list:1: delivery command: longer than 4096 octets' ]
    printf 'w@example.org true %s\n' "$(printf 'x %.0s' {1..64})" | list
    check --domain example.org --recipients list true
    [ "$output" = 'smtp-handler: list:1: delivery command: more than 64 words' ]
    printf 'w@example.org true \0x\n' >list
    check --domain example.org --recipients list true
    [ "$output" = 'smtp-handler: list:1: w@example.org: a NUL octet behind it: remove it' ]
    [ "$(to w@example.org | cut -c1-9)" = '451 4.3.5' ]
}

@test "aliases that lead in a circle, or on and on, are named each, and defer" {
    { for i in 1 2 3 4 5 6 7 8 9 10 11; do echo "a$i@example.org = a$((i + 1))@example.org"; done; echo 'a12@example.org run-as end'
        printf '%s\n' 'b@example.org = c@example.org' 'c@example.org = d@example.org' 'd@example.org = @example.org' '@example.org = c@example.org'; } | list
    check --domain example.org --recipients list true
    diff - <(echo "$output") <<'END'
smtp-handler: list:1: a1@example.org: more than ten aliases, one after another
smtp-handler: list:13: b@example.org: the alias leads back to itself; write a command behind one
smtp-handler: list:14: c@example.org: the alias leads back to itself; write a command behind one
smtp-handler: list:15: d@example.org: the alias leads back to itself; write a command behind one
smtp-handler: list:16: @example.org: the alias leads back to itself; write a command behind one
END
    [ "$(to a1@example.org b@example.org x@example.org a2@example.org)" = '451 4.3.5 451 4.3.5 451 4.3.5 250 2.1.5 250 2.0.0' ]
    trouble | grep -qx 'list:1: a1@example.org: more than ten aliases, one after another; its mail is deferred'
}

@test "a wrong address defers whom the list does not name; what is named is taken" {
    list <<'LIST'
joe@example.org run-as joe
ann@ example.org run-as ann
LIST
    [ "$(to ann@example.org x@lists.example.org joe@example.org)" = '451 4.3.5 451 4.3.5 250 2.1.5 250 2.0.0' ]
    trouble | diff - <(echo "list:2: 'ann@' is neither local@domain nor @domain; who is not in the list is deferred")
}

@test "--check warns of a second entry for an address, and of commands as of that of the options" {
    list <<'LIST'
joe@example.org true
ann@example.org cat > /tmp/x
"joe"@Example.org false
@*.example.org true
@*.Example.org false
postmaster@example.org ! 5.1.1 No
boss@example.org = gone@example.org
gone@example.org ! Gone
elsewhere@example.net = gone@example.org
LIST
    check --domain example.org --recipients list true
    diff - <(echo "$output") <<'END'
smtp-handler: warning: list:2: delivery command: argument >: no shell reads it; write sh -c "..."
smtp-handler: warning: list:3: "joe"@Example.org: it is on line 1, too, and the first counts
smtp-handler: warning: list:5: @*.Example.org: it is on line 4, too, and the first counts
smtp-handler: list:6: postmaster@example.org: postmaster must receive: write a command, or nothing, behind it
smtp-handler: warning: list:9: 'elsewhere@example.net' accepts nobody: its domain is not ours; add 'domain example.net'
END
    printf 'echo\n' >script && chmod +x script
    printf '%s@example.org ./script\n' a b >list
    check --domain example.org --recipients list true
    [ "$(grep -c ": delivery command ./script: a script without #!" <<<"$output")" = 2 ]
}

@test "an address that the command would take for an option is refused, by the command that it would get" {
    list <<'LIST'
joe@example.org run-as joe
@lists.example.org run-as list {recipient}
ann@example.org run-as ann {sender}
maildir@example.org run-as x /srv/{extension}
LIST
    delivery=("$BATS_FILE_TMPDIR/run-as" default '{sender}')
    from() { one_message "${@:2}" | sed "s/sender@example.net/$1/; s/\$/\r/" | handler --domain lists.example.org --recipients list | from_wire |
        sed -n '/^250 2.1.0/,$p' | grep -vE '^(354|221)' | cut -c1-9 | tr '\n' ' '; }
    [ "$(from s@example.net joe@example.org)" = '250 2.1.0 250 2.1.5 250 2.0.0 ' ]
    [ "$(from -s@example.net joe@example.org ann@example.org postmaster@example.org)" = '250 2.1.0 250 2.1.5 553 5.1.7 553 5.1.7 250 2.0.0 ' ]
    [ "$(from s@example.net -x@lists.example.org maildir+a/b@example.org joe@example.org)" = '250 2.1.0 553 5.1.3 553 5.1.3 250 2.1.5 250 2.0.0 ' ]
}

@test "in LMTP any mixture is taken, and each recipient has its command and reply" {
    example
    greeting=LHLO options=(--lmtp)
    echo 67 >end-list
    [ "$(to tickets@example.org x@lists.example.org joe@example.org info@example.org former@example.org)" = \
        '250 2.1.5 250 2.1.5 250 2.1.5 250 2.1.5 550 5.1.6 250 2.0.0 550 5.1.1 250 2.0.0 250 2.0.0' ]
    runs | diff - <(cat <<'RUNS'
ticket --queue tickets for tickets@example.org by tickets@example.org
list x@lists.example.org for x@lists.example.org by @lists.example.org
default for joe@example.org by joe@example.org
ticket --queue tickets for info@example.org by tickets@example.org
RUNS
)
    grep -q 'message result=refused .* to=x@lists.example.org .* route=@lists.example.org command=.*/run-as ended="exit 67"' log
}

@test "with PRDR any mixture is taken; without, a session with --one-recipient takes one" {
    example
    options=(--one-recipient) parameters=' PRDR'
    [ "$(to tickets@example.org joe@example.org)" = '250 2.1.5 250 2.1.5 353 Each  250 2.0.0 250 2.0.0 250 2.0.0' ]
    parameters=
    sed -i 's/{user}/all/' list
    [ "$(to tickets@example.org info@example.org joe@example.org)" = '250 2.1.5 452 4.5.3 452 4.5.3 250 2.0.0' ]
}

@test "with a done-list any mixture is taken, with one reply, and a retry leaves out who has the message" {
    example
    options=(--done-list remembered) all=(tickets@example.org sales@example.org joe@example.org postmaster@example.org info@example.org)
    echo 75 >end-default
    [ "$(to "${all[@]}")" = '250 2.1.5 250 2.1.5 250 2.1.5 250 2.1.5 250 2.1.5 451 4.3.0' ]
    runs | diff - <(cat <<'RUNS'
ticket --queue tickets for tickets@example.org by tickets@example.org
ticket --queue sales for sales@example.org by sales@example.org
default for joe@example.org by joe@example.org
default for postmaster@example.org
ticket --queue tickets for info@example.org by tickets@example.org
RUNS
)
    rm end-default
    [ "$(to "${all[@]}")" = '250 2.1.5 250 2.1.5 250 2.1.5 250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | diff - <(printf '%s\n' 'default for joe@example.org by joe@example.org' 'default for postmaster@example.org')
    # Those of one command are one run, before and behind a message of several.
    rm -r remembered
    [ "$(to joe@example.org postmaster@example.org)" = '250 2.1.5 250 2.1.5 250 2.0.0' ]
    runs | diff - <(echo 'default for joe@example.org postmaster@example.org')
    [ "$(to joe@example.org nobody@example.org)" = '250 2.1.5 550 5.1.1 250 2.0.0' ]
}

@test "one mixture does not make the next message one, in one session with a done-list" {
    example
    { printf 'HELO c\n'; for who in tickets joe; do
        printf 'MAIL FROM:<>\n'; printf 'RCPT TO:<%s@example.org>\n' $who "${next:-joe}"; printf 'DATA\n%s\n.\n' $who; next=postmaster; done
        printf 'MAIL FROM:<>\nRCPT TO:<tickets@example.org>\nRCPT TO:<joe@example.org>\nRSET\nMAIL FROM:<>\n'
        printf 'RCPT TO:<%s@example.org>\n' joe postmaster; printf 'DATA\nx\n.\n'; } | sed 's/$/\r/' | handler --done-list remembered --recipients list >replies
    refute grep -vE '^(2|354)' replies
    runs | diff - <(cat <<'RUNS'
ticket --queue tickets for tickets@example.org by tickets@example.org
default for joe@example.org by joe@example.org
default for joe@example.org postmaster@example.org
default for joe@example.org postmaster@example.org
RUNS
)
}

@test "a line of the log has the route, and the first word of the command" {
    example
    to info@example.org
    grep -q 'message result=accepted .* to=info@example.org .* route=tickets@example.org command=.*/run-as ended="exit 0"' log
    to joe@example.org postmaster@example.org
    tail -2 log | head -1 | refute grep -q route=
}

@test "a routed command that disappears after RCPT, or cannot be executed, defers" {
    cp /bin/true gone
    echo 'joe@example.org ./gone' | list
    # shellcheck disable=SC2094 # it waits for a reply
    { printf 'HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<joe@example.org>\r\n'; eventually grep -q '2.1.5' replies; rm gone; printf 'DATA\r\n.\r\n'; } |
        handler --recipients list >replies
    tail -1 replies | grep -q '^451 4.3.5 '
}
