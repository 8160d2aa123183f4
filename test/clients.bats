load helper
load peers

# Real clients send to the handler over loopback. Postfix and Exim, of which Debian installs but one,
# run from where the Makefile unpacked them, each beneath the directory of the test.

mails=$BATS_FILE_TMPDIR

# What each client sends, to the recipient of the same name.
setup_file() {
    python3 - "$BATS_FILE_TMPDIR" <<'EOF'
import os
import sys

def mail(name, body, charset="utf-8"):
    with open(os.path.join(os.fsencode(sys.argv[1]), name.encode() + b".eml"), "wb") as file:
        file.write(f"""From: Sender <sender@example.net>
To: {name}@example.org
Date: Thu, 01 Oct 2026 12:00:00 +0000
Message-ID: <{name.encode().hex()}@example.net>
Subject: {"Grüße aus Köln, 日本語" if charset == "utf-8" else "plain"}
MIME-Version: 1.0
Content-Type: text/plain; charset={charset}
Content-Transfer-Encoding: {"7bit" if charset == "us-ascii" else "8bit"}

""".encode() + body)

mail("simple", b"Dear you,\n.\n..\n.dot\nFrom here on\n\ttab and blank \n\n\nend\n\n", "us-ascii")
mail("eight-bit", b"".join(b"octets %c%c%c.\n" % (n, 383 - n, n) for n in range(128, 256)), "iso-8859-1")
mail("utf-8", "Zwölf Boxkämpfer, τὴν γλῶσσα, 日本語, 🎉\n".encode() * 50)
mail("large", b"".join(b"%075d\n" % n for n in range(70000)), "us-ascii")
mail("jürgen", "Grüße\n".encode())
EOF
}

# A delivery command that keeps each message as LOCAL.ID, refuses the recipient user+no, and defers
# user+later once.
by_recipient=(sh -c '
    case $EXTENSION in
        no) exit 67 ;;
        later) mkdir "$KEPT/$LOCAL" && exit 75 ;;
    esac
    cat >"$KEPT/$LOCAL.$TRANSACTION_ID"')

# set_up_exim: an Exim that relays all mail to the handler; "${exim[@]}" in front of arguments runs it.
set_up_exim() {
    local user=games
    [ "$(id -u)" = 0 ] || user=$(id -un)
    exim=(env LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD="$PWD/exim.passwd" NSS_WRAPPER_GROUP="$PWD/exim.group"
        "$peers/exim4-daemon-light/usr/sbin/exim4" -C "$PWD/exim.conf")
    # Debian's Exim looks for a user and a group of its own, which the package makes when installed.
    getent passwd root "$user" | sed '2s/^[^:]*/Debian-exim/' >exim.passwd
    getent group root "$(id -gn "$user")" | sed '2s/^[^:]*/Debian-exim/' >exim.group
    chmod 711 "$BATS_RUN_TMPDIR" # that user passes through
    install -d -o "$user" spool
    cat >exim.conf <<EOF
primary_hostname = exim.test
spool_directory = $PWD/spool
log_file_path = $PWD/spool/%slog
exim_path = $peers/exim4-daemon-light/usr/sbin/exim4
keep_environment = LD_PRELOAD : ^NSS_WRAPPER
begin routers
relay:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = relay
begin transports
relay:
  driver = smtp
  port = $port
  hosts_try_prdr = *
  hosts_try_chunking = *
begin retry
* * F,1h,1s
EOF
}

# The queue of Exim is empty, after a run.
exim_sent() {
    "${exim[@]}" -qff && [ -z "$(ls spool/input)" ]
}

# arrived NAME [LOCAL]: mail NAME came once, octet for octet, below nothing but trace headers.
arrived() {
    local size got=("$KEPT/${2:-$1}".*)
    size=$(wc -c <"$mails/$1.eml")
    [ "${#got[@]}" = 1 ]
    tail -c "$size" "${got[0]}" | cmp - "$mails/$1.eml"
    head -c "-$size" "${got[0]}" | refute grep -qvE '^(Return-Path|Received|Delivered-To): |^[[:blank:]]'
}

# each_sent_by COMMAND...: the command, given the recipient as its last argument and the mail on
# standard input, sends each kind.
each_sent_by() {
    local name
    for name in simple eight-bit utf-8 large; do "$@" "$name@example.org" <"$mails/$name.eml"; done
}

each_arrived() {
    local name
    for name in simple eight-bit utf-8 large; do arrived "$name"; done
}

@test "mail that Postfix relays over SMTP arrives as it was sent" {
    delivery=("${by_recipient[@]}")
    start_handler
    start_postfix "smtp:[127.0.0.1]:$port"
    each_sent_by "${postfix[@]}" sendmail -i -f sender@example.net
    eventually postfix_sent 4
    each_arrived
}

@test "mail that Postfix relays over LMTP, on a Unix socket, arrives as it was sent" {
    in_background systemd-socket-activate --accept --inetd -E KEPT -l "$PWD/lmtp" "$SMTP_HANDLER" --domain example.org \
        --lmtp --log stderr -- "${by_recipient[@]}"
    eventually chmod 666 lmtp
    start_postfix "lmtp:unix:$PWD/lmtp"
    each_sent_by "${postfix[@]}" sendmail -i -f sender@example.net
    eventually postfix_sent 4
    each_arrived
}

# The answers of by_recipient came to the right recipients: two have the mail, one bounced.
each_was_answered() {
    arrived simple yes
    arrived simple user+later
    grep -q 'user+no@example.org' "$KEPT"/sender.*
    refute grep -qE 'user\+later|yes@' "$KEPT"/sender.*
    [ "$(find "$KEPT" -type f | wc -l)" = 3 ]
}

@test "over LMTP, Postfix repeats the recipient that was deferred and bounces the one that was refused" {
    delivery=("${by_recipient[@]}")
    start_handler --lmtp
    start_postfix "lmtp:inet:[127.0.0.1]:$port"
    "${postfix[@]}" sendmail -i -f sender@example.org yes@example.org user+{no,later}@example.org <"$mails/simple.eml"
    eventually postfix_sent 2
    each_was_answered
}

@test "mail that Exim relays with PRDR and CHUNKING arrives as it was sent" {
    delivery=("${by_recipient[@]}")
    start_handler --one-recipient
    set_up_exim
    each_sent_by "${exim[@]}" -odf -i -f sender@example.net second@example.org
    eventually exim_sent
    each_arrived
    [ "$(find "$KEPT" -name 'second.*' | wc -l)" = 4 ]
    [ "$(grep -c ' [-=]> .* PRDR K ' spool/mainlog)" = 8 ]
}

@test "by PRDR, Exim repeats the recipient that was deferred and bounces the one that was refused" {
    delivery=("${by_recipient[@]}")
    start_handler --one-recipient
    set_up_exim
    "${exim[@]}" -odf -i -f sender@example.org yes@example.org user+{no,later}@example.org <"$mails/simple.eml"
    eventually exim_sent
    each_was_answered
}

# swaks ends the last line of what it reads, ended or not.
swaks_to() {
    head -c -1 | swaks --silent --server "127.0.0.1:$port" --helo client.test --from sender@example.net \
        --data - --to "$1"
}

@test "mail from swaks arrives as it was sent" {
    delivery=("${by_recipient[@]}")
    start_handler
    each_sent_by swaks_to
    each_arrived
}

@test "mail from curl arrives as it was sent" {
    delivery=("${by_recipient[@]}")
    start_handler
    each_sent_by curl --silent --show-error --crlf --url "smtp://127.0.0.1:$port/client.test" \
        --mail-from sender@example.net --upload-file - --mail-rcpt
    each_arrived
}

# smtplib [OPTION...] RECIPIENT: sends standard input by Python's smtplib, MAIL with these options.
smtplib() {
    python3 -c 'if True:
        import smtplib, sys
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "client.test") as server:
            server.sendmail("sender@example.net", sys.argv[-1:],
                            sys.stdin.buffer.read().replace(b"\n", b"\r\n"), sys.argv[2:-1])
    ' "$port" "$@"
}

@test "mail from Python's smtplib arrives as it was sent" {
    delivery=("${by_recipient[@]}")
    start_handler
    each_sent_by smtplib BODY=8BITMIME
    each_arrived
}

@test "Postfix reaches a mailbox named in UTF-8" {
    delivery=("${by_recipient[@]}")
    start_handler
    start_postfix "smtp:[127.0.0.1]:$port"
    "${postfix[@]}" sendmail -i -f sender@example.net jürgen@example.org <"$mails/jürgen.eml"
    eventually postfix_sent 1
    arrived jürgen
}

@test "Exim reaches a mailbox named in UTF-8" {
    delivery=("${by_recipient[@]}")
    start_handler
    set_up_exim
    "${exim[@]}" -odf -i -f sender@example.net jürgen@example.org <"$mails/jürgen.eml"
    arrived jürgen
}

@test "curl reaches a mailbox named in UTF-8" {
    delivery=("${by_recipient[@]}")
    start_handler
    curl --silent --show-error --crlf --url "smtp://127.0.0.1:$port/client.test" --mail-from sender@example.net \
        --mail-rcpt jürgen@example.org --upload-file "$mails/jürgen.eml"
    arrived jürgen
}

@test "Python's smtplib reaches a mailbox named in UTF-8" {
    delivery=("${by_recipient[@]}")
    start_handler
    smtplib SMTPUTF8 BODY=8BITMIME jürgen@example.org <"$mails/jürgen.eml"
    arrived jürgen
}

# inject N: gives Postfix the simple mail N times, to 1user@example.org and so on. smtp-source, too,
# ends the last line.
inject() {
    (cd queue/public && "${postfix[@]}" smtp-source -m "$1" -s 10 -N -f sender@example.net -t user@example.org \
        -F <(head -c -1 "$mails/simple.eml") unix:smtpd)
}

# The N mails arrived, whole and each once.
all_arrived() {
    local size
    size=$(wc -c <"$mails/simple.eml")
    find "$KEPT" -type f -printf '%f\n' | sed 's/\..*//' | sort | diff - <(seq -f %guser "$1" | sort)
    tail -qc "$size" "$KEPT"/*.* | cmp - <(yes "$mails/simple.eml" | head -n "$1" | xargs -d '\n' cat)
}

# The mail to Nuser was deferred, tried again and deferred.
deferred_twice() {
    "${postfix[@]}" postqueue -f
    [ "$(grep -c "to=<$1user@.* said: 451 4.3.0 " maillog)" -ge 2 ]
}

@test "after a time of 451s the queue of Postfix empties, each mail once" {
    delivery=(sh -c '[ -e "$KEPT/../open" ] || exit 75; cat >"$KEPT/$LOCAL.$TRANSACTION_ID"')
    start_handler
    start_postfix "smtp:[127.0.0.1]:$port"
    inject 20
    for number in $(seq 20); do eventually deferred_twice "$number"; done
    [ -z "$(ls "$KEPT")" ]
    touch open
    eventually postfix_sent 20
    all_arrived 20
}

kept_at_least() {
    [ "$(find "$KEPT" -type f | wc -l)" -ge "$1" ]
}

@test "a thousand mails come through a command that fails one time in three, each once" {
    # Five hundred of them fail at first.
    delivery=(sh -c 'case $LOCAL in *[02468]user) mkdir "$KEPT/$LOCAL" && exit 75; esac
        cat >"$KEPT/$LOCAL.$TRANSACTION_ID"')
    start_handler
    start_postfix "smtp:[127.0.0.1]:$port"
    inject 1000
    for count in $(seq 100 100 900); do eventually kept_at_least "$count"; done
    eventually postfix_sent 1000
    all_arrived 1000
}

# one_to_three OPTION...: Postfix sends a mail to three recipients with a command each, who get it once;
# says how long that took, and prints how many messages came.
one_to_three() {
    local begun ended name
    printf '#!/bin/sh\ncat >"$KEPT/$1.$TRANSACTION_ID"\n' >keep-as
    chmod +x keep-as
    printf '%s\n' "tickets@example.org $PWD/keep-as tickets" "sales@example.org $PWD/keep-as sales" joe@example.org >recipients
    delivery=("$PWD/keep-as" joe)
    start_handler --recipients recipients "$@"
    start_postfix "smtp:[127.0.0.1]:$port"
    begun=$EPOCHREALTIME
    "${postfix[@]}" sendmail -i -f sender@example.net {tickets,sales,joe}@example.org <"$mails/simple.eml"
    eventually kept_at_least 3 # in Postfix's own time, which tries again after a second here, and after five minutes by default
    ended=$EPOCHREALTIME
    eventually postfix_sent 1
    echo "# to tickets@, sales@ and joe@ at once${*:+, with $1}: $(((${ended/./} - ${begun/./}) / 1000)) ms" >&3
    for name in tickets sales joe; do arrived simple "$name"; done
    [ "$(find "$KEPT" -type f | wc -l)" = 3 ]
    grep -c 'message result=accepted' background
}

@test "a mail of Postfix's to three recipients with a command each comes in three transactions, once to each" {
    needs_root "start Postfix's daemons as other users"
    one_to_three >accepted # not in a subshell, which would leave its daemons
    [ "$(cat accepted)" = 3 ]
    [ "$(grep -c 'recipient result=deferred .* to=.*@example.org .*status=4.5.3' background)" -ge 2 ]
}

@test "with a done-list it comes in one transaction, and at once" {
    needs_root "start Postfix's daemons as other users"
    one_to_three --done-list remembered >accepted
    [ "$(cat accepted)" = 3 ]
    refute grep -q 'recipient result=deferred' background
    [ "$(grep -c 'to=<.* status=sent' maillog)" = 3 ]
}
