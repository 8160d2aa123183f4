load helper
load milter
load peers

# helpers/milter-filter, a filter that shows the message to a milter.

# start_milter [NAME]: commands/milter.py, which answers as the file `scripts` tells.
start_milter() {
    [ -e scripts ] || echo '{}' >scripts
    : >said
    in_background "$commands/milter.py" "${1:-./milter}"
    eventually is_served "${1:-./milter}"
    : >said
}

is_served() {
    case $1 in
        */*) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" ;;
        *) python3 -c 'import socket, sys; socket.create_connection(sys.argv[1].replace("[", "").replace("]", "").rsplit(":", 1))' "$1" ;;
    esac
}

# A message as a filter gets it, in the file `message`; what our trace is of it is in $trace.
write_message() {
    trace=$'Return-Path: <s@example.net>\nReceived: from c.test (c.example [192.0.2.1])\n\tby mx.test with ESMTP id ID1;\n\tSun, 29 Nov 2026 07:00:00 +0000\n'
    printf '%s' "$trace" >message
    printf 'Received: from a by b id ID1; now\nFrom: a@example.net\nSubject: one\n folded\nsubject:two\n\nbody\n.\nend\n' >>message
}

# answers ANSWER...: the milter answers with these, in JSON, to the end of the message.
answers() {
    local IFS=,
    printf '{"*": {"E": [%s]}}' "$*" >scripts
}

@test "all stages come when the milter has agreed, in one burst, with the macros of each" {
    start_milter
    write_message
    environment=(TLS_PROTOCOL=TLSv1.3 TLS_CIPHER=AES SASL_USERNAME=joe SASL_METHOD=PLAIN)
    filter
    ended 0
    [ ! -s new ]
    [ ! -s edits ]
    [ ! -s errors ]
    eventually grep -qx Q said
    sed -E '2s/.*/O/; s/(smtp-handler) [^|]*/\1 VERSION/; /^C /s/\|4.*192/|4PORT192/' said | LC_ALL=C diff - <(cat <<'END'
--
O
--
D Cj|mx.test|{daemon_name}|mx.test|v|smtp-handler VERSION|_|c.example [192.0.2.1]|{client_addr}|192.0.2.1|{client_name}|c.example|{client_port}|2500|{client_ptr}|c.example|
C c.example|4PORT192.0.2.1|
D H{tls_version}|TLSv1.3|{cipher}|AES|
H c.test|
D Mi|ID1|{mail_addr}|s@example.net|{auth_authen}|joe|{auth_type}|PLAIN|
M <s@example.net>|
D Ri|ID1|{rcpt_addr}|a@example.org|{rcpt_mailer}|local|{rcpt_host}|example.org|
R <a@example.org>|
D Ri|ID1|{rcpt_addr}|b@example.org|{rcpt_mailer}|local|{rcpt_host}|example.org|
R <b@example.org>|
D Ti|ID1|
T
L Received|from a by b id ID1; now|
L From|a@example.net|
L Subject|one\n folded|
L subject|two|
D Ni|ID1|
N
B body\r\n.\r\nend\r\n
D Ei|ID1|
E
--
Q
END
)
}

# write_scripts OFFER PREFIX: for each edit that a milter may make, and for some that follow each other, a script in the
# file `scripts`; its name, which begins with the prefix, in the file `keys`.
write_scripts() {
    python3 - "$@" <<'END'
import json
import sys

edits = []
for index in (0, 1, 2, 3, 99, 2**32 - 1):
    edits += [[["i", index, "X-New", "value"]], [["m", index, "X-Multi", "changed"]], [["m", index, "x-multi", ""]],
              [["m", index, "Received", "changed"]], [["m", index, "Received", ""]], [["m", index, "X-None", "added"]],
              [["m", index, "X-None", ""]]]
for value in ("", " ", "  two blanks", "\ttab", "folded\n more", "no\nblank", "ends\n", "a\n\nb", "a\n \nb",
              "gr\xfc\xdfe", "x" * 900, ("y" * 900 + "\n ") * 20 + "z"):
    edits += [[["h", "X-New", value]], [["i", 1, "X-New", value]], [["m", 2, "X-Multi", value]]]
edits += [
    [["i", 0, "A", "a"], ["i", 1, "B", "b"], ["i", 2, "C", "c"]],
    [["i", 0, "A", "a"], ["i", 0, "B", "b"], ["i", 0, "C", "c"]],
    [["i", 1, "A", "a"], ["i", 1, "B", "b"], ["i", 99, "C", "c"], ["i", 2, "D", "d"]],
    [["i", 99, "A", "a"], ["h", "B", "b"], ["i", 99, "C", "c"]],
    [["i", 0, "Received", "new"], ["m", 1, "Received", "changed"]],
    [["i", 1, "Received", "new"], ["m", 1, "Received", "changed"], ["m", 2, "Received", ""]],
    [["h", "X-Multi", "last"], ["m", 4, "X-Multi", "changed"], ["m", 1, "X-Multi", ""], ["m", 1, "X-Multi", ""]],
    [["m", 1, "X-Multi", ""], ["i", 3, "A", "a"], ["m", 1, "A", "again"], ["m", 1, "a", ""]],
    [["h", "A", "a"], ["m", 1, "A", ""], ["h", "A", "b"], ["p"], ["i", 5, "A", "c"]],
    [["h", "A", "a"], ["b", {"raw": "new\r\n"}]],
    [["m", 1, "Subject", ""], ["m", 1, "From", ""], ["m", 1, "To", ""]],
]
for body in ([""], ["one line"], ["\r\n"], ["lines\r\n", "and\r\n"], ["cut\r", "\nin", " pieces"], ["\n.\n..\nbare\n"], [("a" * 99 + "\r\n") * 640, "b\r\n" * 20000]):
    edits += [[["b", {"raw": piece}] for piece in body]]
edits += [[["+", "<more@example.org>"]], [["-", "<other@example.org>"]], [["-", "<nobody@example.org>"]], [["e", "<new@example.net>"]],
          [["e", "<>"]], [["+", "more@example.org"], ["-", "<more@example.org>"]]]
scripts = {"offer": [6, 0x1FF, int(sys.argv[1], 0)]}
with open("keys", "w", encoding="utf-8") as keys:
    for number, edit in enumerate(edits):
        scripts[sys.argv[2] + str(number)] = {"E": edit + [["c"]]}
        keys.write(sys.argv[2] + str(number) + "\n")
with open("scripts.new", "w", encoding="utf-8") as file:
    json.dump(scripts, file)
END
    mv scripts.new scripts
}

# all_kept: each key's message was delivered, once for each of its recipients.
all_kept() {
    local key
    while read -r key; do [ -e "$KEPT/$key" ] || return; done <keys
}

# What Postfix has made of the message for each key is what the filter makes of it, octet by octet, if our Received is
# the one that Postfix has put in front.
compare_with_postfix() {
    python3 - "$MILTER_FILTER" "$KEPT" <<'END'
import json
import os
import re
import subprocess
import sys

program, kept = sys.argv[1:]
original = open("original", "rb").read()
scripts = json.load(open("scripts", encoding="utf-8"))
wrong = compared = 0

def read(name):
    with open(name, "rb") as file:
        return file.read()

for key in open("keys", encoding="utf-8").read().split():
    wanted = read(os.path.join(kept, key))
    sender, *recipients = read(os.path.join(kept, key + ".envelope")).decode().rstrip("\n").split("\n")
    received = re.search(rb"^Received: by postfix\.test.*\n([ \t].*\n)*", wanted, re.M)[0]
    transaction = re.search(rb"\tid (\S+);|\sid (\S+)$", received, re.M)
    with open("message", "wb") as file:
        file.write(received + original)
    environment = {
        "TRACE_SIZE": str(len(received)), "TRANSACTION_ID": (transaction[1] or transaction[2]).decode(),
        "SENDER": "s@example.net", "RECIPIENTS": key + "@example.org\nother@example.org"}
    with open("message", "rb") as message, open("new", "wb+") as new, open("edits", "wb+") as edits:
        actions = [(os.POSIX_SPAWN_DUP2, message.fileno(), 0), (os.POSIX_SPAWN_DUP2, new.fileno(), 103),
                   (os.POSIX_SPAWN_DUP2, edits.fileno(), 104), (os.POSIX_SPAWN_DUP2, 103, 3), (os.POSIX_SPAWN_DUP2, 104, 4)]
        pid = os.posix_spawn(program, [program, "./milter"], environment, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    made, lines = read("new") or read("message"), read("edits").decode().splitlines()
    envelope = [key + "@example.org", "other@example.org"]
    for line in lines:
        verb, address = line.split(" ")
        if verb == "sender":
            environment["SENDER"] = address.strip("<>")
        elif verb == "recipient":
            envelope += [address]
        elif verb == "not":
            envelope.remove(address)
    compared += 1
    if status != 0 or made != wanted or environment["SENDER"] != sender or sorted(envelope) != sorted(recipients):
        wrong += 1
        print(key, scripts[key], status, "Postfix:", wanted, sender, recipients, "we:", made, environment["SENDER"], envelope)
print(compared, "compared,", wrong, "differ")
sys.exit(wrong > 0 or compared < 90)
END
}

@test "each edit, whatever its index, makes of the message and its envelope what Postfix makes of them" {
    # shellcheck disable=SC2016 # the command's
    delivery=(sh -c 'key=$(printf "%s\n" "$RECIPIENTS" | grep -m1 "^[vp]") && key=${key%@*} && cat >"$KEPT/$key.partial" &&
        printf "%s\n" "$SENDER" "$RECIPIENTS" >"$KEPT/$key.envelope" && mv "$KEPT/$key.partial" "$KEPT/$key"')
    start_handler --no-trace
    start_milter
    start_postfix "smtp:[127.0.0.1]:$port" non_smtpd_milters=unix:"$PWD/milter" milter_default_action=tempfail
    chmod 711 .
    printf '%s\n' 'Received: from one by two' 'Received: from three by four' 'Date: Sun, 29 Nov 2026 07:00:00 +0000' 'From: a@example.net' \
        'To: b@example.org' 'X-Multi: one' 'Subject: folded' ' over lines' 'X-MULTI: two' 'Message-ID: <1@example.net>' 'X-Multi:three' '' \
        body . '' end >original
    for run in '0 p' '0x100000 v'; do
        # shellcheck disable=SC2086 # words
        write_scripts $run
        : >said
        while read -r key; do
            "${postfix[@]}" sendmail -i -f s@example.net "$key@example.org" other@example.org <original
        done <keys
        eventually all_kept || { grep -E 'status=(bounced|deferred)|warning|milter' maillog; return 1; }
        mv said said.postfix
        compare_with_postfix
        # It was shown the same.
        grep -E '^[LNBE]( |$)' said.postfix | sort | uniq -c | diff - <(grep -E '^[LNBE]( |$)' said | sort | uniq -c)
    done
}

@test "what a milter says at any stage is the message's verdict" {
    start_milter
    write_message
    local stage answer status text all=0
    for stage in C H M R T L N B E; do
        while IFS='|' read -r answer status text; do
            [[ $answer != '["d"]' || $stage != [CH] ]] || status=0 # there is no message yet, as Postfix has it
            printf '{"*": {"%s": [%s]}}' "$stage" "$answer" >scripts
            environment=(RECIPIENTS=a@example.org)
            filter
            ended "$status" "$text" || { echo "$stage $answer"; return 1; }
            [ ! -s new ]
            [ ! -s errors ]
            all=$((all + 1))
        done <<'END'
["c"]|0|
["a"]|0|
["p"],["c"]|0|
["d"]|99|
["r"]|77|5.7.1 Message refused
["t"]|75|4.7.1 Try again later
["4"]|75|4.7.1 Try again later
["f"]|75|4.7.1 Try again later
["y","550 5.7.1 Gtube pattern"]|77|5.7.1 Gtube pattern
["y","550 5.1.1 No such user"]|67|5.1.1 No such user
["y","501 5.1.7 Bad sender"]|67|5.1.7 Bad sender
["y","554 5.6.0 Malformed"]|65|5.6.0 Malformed
["y","552 5.2.2 Full"]|100|5.2.2 Full
["y","550 No"]|77|No
["y","550"]|77|
["y","550 4.7.1 Of another class"]|77|4.7.1 Of another class
["y","451 4.7.1 Greylisted, 50%% at once"]|75|4.7.1 Greylisted, 50% at once
["y","421 4.3.2 Closing"]|75|4.3.2 Closing
["y","550-5.7.1 One\r\n550 5.7.1 two"]|77|5.7.1 One two
["y",{"raw":"550 5.7.1 No NUL"}]|77|5.7.1 No NUL
["y","550 5.7.1 \u0001\u00fc\ttab"]|77|5.7.1 ?? tab
END
    done
    [ "$all" = 189 ]
}

@test "of several recipients none gets what is refused or deferred for one of them" {
    start_milter
    write_message
    for answer in '["r"]' '["y","550 5.1.1 No such user"]'; do
        printf '{"b": {"R": [%s]}}' "$answer" >scripts
        filter
        [ "$status" != 0 ]
    done
    ended 67 '5.1.1 No such user'
}

@test "what a milter does not want is not sent, and what it does not answer is not awaited" {
    start_milter
    write_message
    filter
    eventually grep -qx Q said
    grep '^[A-Z]' said | grep -v '^D' >all
    local bit=0 number
    for letter in C H M R B L N '' '' T; do
        number=$((1 << bit))
        bit=$((bit + 1))
        [ -n "$letter" ] || continue
        printf '{"offer": [6, 511, %s]}' "$number" >scripts
        : >said
        filter
        ended 0
        eventually grep -qx Q said
        grep '^[A-Z]' said | grep -v '^D' | diff - <(grep -v "^$letter" all)
    done
    for number in 0x80 0x1000 0x2000 0x4000 0x8000 0x10000 0x40000 0x80000 0xdf080 0xdf2ff; do
        printf '{"offer": [6, 511, %s], "*": {"E": [["t"]]}}' $((number)) >scripts
        filter
        ended 75 '4.7.1 Try again later'
    done
}

@test "a milter gets the body in pieces, and no more of it once it has enough" {
    start_milter
    printf 'Subject: x\n\n' >message
    seq 100000 >>message
    trace=
    # Without an answer to each piece they are sent together.
    for offer in 0 0x80000; do
        printf '{"offer": [6, 511, %s]}' $((offer)) >scripts
        : >said
        filter
        ended 0
        grep '^B ' said | cut -c3- | sed 's/\\r\\n/\n/g' >pieces
        [ "$(grep -c '^B ' said)" -gt 10 ]
        grep '^B ' said | sed 's/^B //; s/\\r\\n/\n/g' | tr -d '\n' | cmp - <(seq 100000 | tr -d '\n')
    done
    echo '{"offer": [6, 511, 1024], "*": {"B": [["s"]], "E": [["h","X","enough"],["c"]]}}' >scripts
    : >said
    filter
    ended 0
    [ "$(grep -c '^B ' said)" = 1 ]
    diff new <(printf 'Subject: x\nX: enough\n\n'; seq 100000)
}

@test "a message of any octets comes back as it was" {
    start_milter
    write_message
    answers '["h","X-New","one"]' '["c"]'
    while IFS='|' read -r sent new; do
        printf '%b' "$sent" >message
        trace=
        filter
        ended 0
        printf '%b' "$new" | cmp - new || { echo "$sent"; return 1; }
    done <<'END'
|X-New: one\n
\n|X-New: one\n\n
A: b|A: b\nX-New: one\n
A: b\n|A: b\nX-New: one\n
A: b\n\n|A: b\nX-New: one\n\n
A: b\nno field\n|A: b\nX-New: one\n\nno field\n
\nbody|X-New: one\n\nbody
body|X-New: one\n\nbody
A: b\r\n\r\nbody\r\n|A: b\r\nX-New: one\r\n\r\nbody\r\n
A: b\r\n\r\nbare\rand\nand\r|A: b\r\nX-New: one\r\n\r\nbare\rand\nand\r
A: b\0c\n\n\0\n\0|A: b\0c\nX-New: one\n\n\0\n\0
A : b\n\tc\n \n\nx|A : b\n\tc\n \nX-New: one\n\nx
END
    for ending in '\n' '\r\n'; do
        { printf 'A: b%b%b' "$ending" "$ending"; head -c 18000000 /dev/urandom | base64 | sed "s/\$/$ending/;s/n\$//" ; } >message
        filter
        ended 0
        diff <(printf 'A: b%bX-New: one%b%b' "$ending" "$ending" "$ending"; tail -n +3 message) new >/dev/null
    done
}

@test "a new body has the line ends of the message" {
    start_milter
    trace=
    while IFS='|' read -r ending pieces body; do
        printf '%b' "A: b$ending${ending}old" >message
        answers "$pieces" '["c"]'
        filter
        ended 0
        printf '%b' "A: b$ending$ending$body" | cmp - new || { echo "$pieces"; return 1; }
    done <<'END'
\n|["b",{"raw":"one\r\ntwo\r"}],["p"],["b",{"raw":"\nthree"}]|one\ntwo\nthree\n
\n|["b",{"raw":"a\rb\r\r\n\n"}]|a\rb\r\n\n
\n|["b",{"raw":"end\r"}]|end\r\n
\n|["b",{"raw":""}]|
\r\n|["b",{"raw":"one\r\ntwo\nbare\r"}]|one\r\ntwo\nbare\r
END
}

@test "a later milter sees what an earlier one has put above our Received, and not our own fields" {
    start_milter
    write_message
    answers '["i",0,"Authentication-Results","mx.test; dkim=pass"]' '["i",2,"X-Second","two"]' '["c"]'
    filter
    ended 0
    mv new message
    answers '["i",1,"X-Third","three"]' '["m",1,"Received","changed"]' '["c"]'
    for trace in 'Return-Path: <s@example.net>.' "$trace"; do # what is ours in front now, and what was
        : >said
        filter
        ended 0
        grep '^L' said | diff - <(printf 'L %s|\n' 'Authentication-Results|mx.test; dkim=pass' 'X-Second|two' 'Received|from a by b id ID1; now' \
            'From|a@example.net' 'Subject|one\n folded' 'subject|two')
        head -8 new | diff - <(printf '%s\n' 'Return-Path: <s@example.net>' 'Authentication-Results: mx.test; dkim=pass' 'X-Third: three' \
            'Received: from c.test (c.example [192.0.2.1])' $'\tby mx.test with ESMTP id ID1;' $'\tSun, 29 Nov 2026 07:00:00 +0000' 'X-Second: two' 'Received: changed')
    done
}

@test "without a trace of ours all fields are shown, and our name is the host's or the one that is given" {
    start_milter
    write_message
    trace=
    filter
    ended 0
    [ "$(grep -c '^L Received' said)" = 2 ]
    grep -q "^D Cj|$(hostname)|" said
    filter --hostname other.test
    grep -q '^D Cj|other.test|{daemon_name}|other.test|' said
}

@test "a client by IPv6, or an unknown one, is told as the protocol has it" {
    start_milter
    write_message
    environment=(CLIENT_ADDRESS=2001:db8::1 CLIENT_HOSTNAME=unknown CLIENT_PROTOCOL=UTF8SMTP)
    filter
    ended 0
    LC_ALL=C grep -aq '^C unknown|6.*2001:db8::1|$' said
    grep -qF '|_|[IPv6:2001:db8::1]|' said
    grep -qx 'M <s@example.net>|SMTPUTF8|' said
    : >said
    environment=(CLIENT_ADDRESS=unknown CLIENT_HOSTNAME=unknown CLIENT_PORT=unknown SENDER=)
    filter
    ended 0
    grep -qx 'C unknown|U' said
    grep -qx 'M <>|' said
    refute grep -E 'client_|_\|' said
}

@test "a client or user that calls itself unknown is told as such" {
    start_milter
    write_message
    environment=(CLIENT_HELO=unknown SASL_USERNAME=unknown)
    filter
    ended 0
    grep -qx 'H unknown|' said
    grep -qF '{auth_authen}|unknown|' said
}

@test "a milter gets the macros that it has asked for, in any stage" {
    start_milter
    write_message
    echo '{"offer": [6, 511, 0, 0, "j {client_addr}", 2, "{client_name}  i {unknown}", 5, ""]}' >scripts
    filter
    ended 0
    grep '^D' said | diff - <(printf '%s\n' 'D Cj|mx.test|{client_addr}|192.0.2.1|' 'D M{client_name}|c.example|i|ID1|' \
        'D Ri|ID1|{rcpt_addr}|a@example.org|{rcpt_mailer}|local|{rcpt_host}|example.org|' \
        'D Ri|ID1|{rcpt_addr}|b@example.org|{rcpt_mailer}|local|{rcpt_host}|example.org|' 'D Ti|ID1|' 'D Ni|ID1|')
}

@test "quarantine defers, refuses or marks the message, and the log has why" {
    start_milter
    write_message
    answers '["q","Virus found"]' '["h","X-New","one"]' '["a"]'
    for mode in '' defer refuse accept; do
        filter ${mode:+--quarantine "$mode"}
        case $mode in
            '' | defer) ended 75 '4.7.1 Message held back' ;;
            refuse) ended 77 '5.7.1 Message refused' ;;
            accept) ended 0 ;;
        esac
        if [ "$mode" = accept ]; then
            diff edits - <<<'quarantine Virus found'
            grep -q '^X-New: one$' new
        else
            diff errors - <<<'milter-filter: ./milter: quarantine: Virus found'
            [ ! -s edits ]
            [ ! -s new ]
        fi
    done
    answers '["q","Virus found"]' '["r"]'
    filter --quarantine accept
    ended 77 '5.7.1 Message refused'
    answers "[\"q\",\"\\u0001$(head -c 1000 /dev/zero | tr '\0' x)\"]" '["c"]'
    filter --quarantine accept
    ended 0
    diff edits <(printf 'quarantine ?%s\n' "$(head -c 255 /dev/zero | tr '\0' x)")
}

@test "what a milter asks for that cannot be done defers" {
    start_milter
    write_message
    local many
    many=$(for _ in $(seq 1001); do printf '["h","X","y"],'; done)
    long=$(head -c 60000 /dev/zero | tr '\0' x)
    long=$(for _ in $(seq 20); do printf '["h","X","%s"],' "$long"; done)
    while IFS= read -r edit; do
        answers "$edit" '["c"]'
        for option in '' --when-down=accept; do
            filter $option
            ended 75
            [ ! -s new ]
            [ ! -s edits ]
            diff errors - <<<'milter-filter: ./milter: end of message: the milter asks for a change that cannot be made'
        done
    done <<END
["h","","value"]
["h","A B","value"]
["h","A:B","value"]
["i",0,"A\nB","value"]
["m",1,"A\u00fc","value"]
["m",1,"","" ]
["h","A","bare\rreturn"]
["h","A","return\r"]
["e","<a@example.net>","RET=FULL"]
["2","<a@example.org>","NOTIFY=NEVER"]
["+","a\nrecipient b"]
["+",""]
["e","a\u0001"]
${many%,}
${long%,}
END
}

@test "a milter that breaks off at whichever packet or octet defers, and never accepts, unless that is asked for" {
    start_milter
    write_message
    local ended=0 when number all
    answers '["i",0,"X-New","one"]' '["b",{"raw":"new"}]' '["e","<new@example.net>"]' '["c"]'
    filter
    ended 0
    [ -s new ]
    for when in packets octets; do
        for number in $(seq 0 200); do
            python3 -c 'import json, sys
scripts = json.load(open("scripts"))
scripts.pop("packets", None)
scripts.pop("octets", None)
json.dump(scripts | {sys.argv[1]: int(sys.argv[2])}, open("scripts", "w"))' "$when" "$number"
            filter --when-down accept
            ended 0
            [ ! -s new ] || break # all was said
            [ ! -s edits ]
            filter
            ended 75
            [ ! -s new ]
            [ ! -s edits ]
            grep -qE '^milter-filter: ./milter: [A-Za-z ]+: (the milter broke off|Connection reset by peer)$' errors
            ended=$((ended + 1))
        done
        [ "$number" -gt 15 ]
        [ "$number" -lt 200 ]
    done
    [ "$ended" -gt 100 ]
}

@test "answers that are malformed or out of turn defer" {
    start_milter
    write_message
    local stage answer
    for stage in C M R B E; do
        while IFS= read -r answer; do
            [[ $stage != E || $answer != '["h",'* ]] || continue
            printf '{"*": {"%s": [%s]}}' "$stage" "$answer" >scripts
            environment=(RECIPIENTS=a@example.org)
            filter
            ended 75 || { echo "$stage $answer"; return 1; }
            [ -s errors ]
            filter --when-down accept
            ended 0
            [ ! -s new ]
        done <<'END'
["raw","\u0000\u0000\u0000\u0000"]
["raw","\u00ff\u00ff\u00ff\u00ff"]
["raw","\u0000\u0001\u00ff\u00ff"]
["x"]
["raw","\u0000\u0000\u0000\u0001\u0000"]
["c","more"]
["t",""]
["p","x"]
["y","250 2.0.0 OK"]
["y","354 more"]
["y","text"]
["y",""]
["y","550-5.7.1 unfinished"]
["y","550-5.7.1 one\r\n450 other"]
["h","A","b"]
["O"]
END
    done
    for offer in '[1, 511, 0]' '[7, 511, 0]' '[6, 512, 0]' '[6, 511, 268435456]' '[6, 511]' '[6, 511, 0, 0]' '[6, 511, 0, 7, "j"]' '[6, 511, 0, {"raw": "x"}]' \
        "[6, 511, 0, 1, \"$(head -c 5000 /dev/zero | tr '\0' x)\"]"; do
        printf '{"offer": %s}' "$offer" >scripts
        sed -i 's/"offer": \[6, 511\]/"offer": [6, 511, {"raw": ""}]/' scripts
        filter
        ended 75
        grep -q 'negotiation: the milter does not agree on the protocol' errors
    done
    while IFS= read -r answer; do
        answers "$answer" '["c"]'
        filter
        ended 75
        [ ! -s new ]
    done <<'END'
["h","A"]
["h",{"raw":"A"}]
["h","A","b","c"]
["h","A",{"raw":"b"}]
["i","A","b"]
["i",1,"A"]
["m",1,"A"]
["m",{"raw":"\u0000"}]
["+"]
["+","<a@b>","c"]
["-","<a@b>","c"]
["2","<a@b>","","c"]
["e"]
END
}

@test "silence defers after the time that is set, and progress prolongs it" {
    start_milter
    write_message
    answers '["sleep",30]' '["c"]'
    for option in '--timeout 1' --timeout=1; do
        # shellcheck disable=SC2086 # words
        filter $option
        ended 75
        diff errors - <<<'milter-filter: ./milter: end of message: the milter did not answer in time'
    done
    filter --timeout 1 --when-down accept
    ended 0
    environment=(DEADLINE=2)
    filter
    ended 75
    [ "$(wc -l <errors)" = 1 ]
    environment=()
    answers "$(for _ in 1 2 3 4 5 6; do printf '["sleep",0.5],["p"],'; done)[\"h\",\"X\",\"y\"]" '["c"]'
    filter --timeout "$(patience 2)"
    ended 0
    [ -s new ]
    # It may also read no more of what it does not answer.
    { printf 'Subject: x\n\n'; seq 300000; } >message
    trace=
    echo '{"offer": [6, 511, 524288], "*": {"N": [["sleep",30]]}}' >scripts
    filter --timeout 1
    ended 75
    diff errors - <<<'milter-filter: ./milter: end of header: the milter did not answer in time'
    write_message
    # The deadline stays.
    answers "$(for _ in $(seq 100); do printf '["sleep",0.2],["p"],'; done)[\"c\"]"
    environment=(DEADLINE=2)
    filter
    ended 75
    diff errors - <<<'milter-filter: the milter did not answer in time'
    filter --when-down accept
    ended 0
}

@test "a milter is found by path, IPv4 and IPv6, and one that is not there is down" {
    write_message
    for address in 127.0.0.1 '[::1]'; do
        [ "$address" = 127.0.0.1 ] || python3 -c 'import socket; socket.create_server(("::1", 0), family=socket.AF_INET6)' || continue
        socket=$address:$(free_port)
        filter
        ended 75
        grep -q ': connect: Connection refused$' errors
        filter --when-down accept
        ended 0
        start_milter "$socket"
        filter
        ended 0
        eventually grep -qx Q said
    done
    socket=./nothing
    filter
    ended 75
    diff errors - <<<'milter-filter: ./nothing: connect: No such file or directory'
}

@test "a thousand recipients and thousands of fields go through, and neither side waits for the other" {
    start_milter
    trace=
    { seq -f 'X-%g: value' 9999; printf '\nbody\n'; } >message
    answers '["h","X-New","one"]' '["c"]'
    environment=(RECIPIENTS="$(seq -f 'user%g@example.org' 1000)")
    filter
    ended 0
    [ "$(grep -c '^R ' said)" = 1000 ]
    [ "$(grep -c '^L ' said)" = 9999 ]
    tail -3 new | diff - <(printf '%s\n' 'X-New: one' '' body)
    sed -i '1iX-0: value' message
    filter
    ended 75 # no room for one more
    sed -i '1iX-0: value' message
    filter
    ended 65
    diff errors - <<<'milter-filter: standard input: too many header fields'
}

@test "a field that is longer than a packet is cut on its way to the milter alone" {
    start_milter
    trace=
    { printf 'X-Long: '; head -c 200000 /dev/zero | tr '\0' x; printf '\nA: b\n\nbody\n'; } >message
    answers '["h","X-New","one"]' '["c"]'
    filter
    ended 0
    grep '^L X-Long' said | tr -d '\n' | wc -c | grep -qx 65536 # "L " and "|" for its NUL
    grep -qx 'L A|b|' said
    diff new <(sed '2aX-New: one' message)
}

@test "once it is connected it is confined" {
    start_milter
    write_message
    answers '["sleep",60]'
    environment=()
    filter_in_background() { env -i SENDER= RECIPIENT=a@example.org "$MILTER_FILTER" ./milter <message 3<>new 4<>edits; }
    [[ $MILTER_FILTER != *sanitize* ]] || skip 'sanitizers need more'
    filter_in_background &
    started+=($!)
    eventually grep -qx E said
    pid=$(pgrep -P $! -x milter-filter || echo $!)
    grep -qx $'Seccomp:\t2' "/proc/$pid/status"
    grep -qx $'NoNewPrivs:\t1' "/proc/$pid/status"
    kill "$pid"
}

@test "a system call that fails before it is confined, or a file that takes no more, defers" {
    start_milter
    write_message
    answers '["i",0,"X-New","one"]' '["b",{"raw":"new"}]' '["+","<a@example.org>"]' '["c"]'
    local call number counted=0
    for call in socket connect memfd_create %fstat mmap; do
        for number in $(seq 40); do
            status=0
            env -i SENDER= RECIPIENT=a@example.org ASAN_OPTIONS=detect_leaks=0 strace -o trace -e trace="$call" -e inject="$call:error=EIO:when=$number" \
                "$MILTER_FILTER" ./milter <message 3<>new 4<>edits >text 2>errors || status=$?
            grep -q INJECTED trace || break
            grep -q '^milter-filter: ' errors || continue # the loader's own
            [ "$status" = 75 ] || { echo "$call $number: $status"; cat trace; return 1; }
            counted=$((counted + 1))
        done
    done
    [ "$counted" -ge 4 ]
    for outputs in '/dev/full edits' 'new /dev/full'; do
        read -r three four <<<"$outputs"
        status=0
        env -i SENDER= RECIPIENT=a@example.org "$MILTER_FILTER" --when-down accept ./milter <message 3>"$three" 4>"$four" >text 2>errors || status=$?
        [ "$status" = 75 ]
        grep -qx 'milter-filter: \(write\|sendfile\): No space left on device' errors
    done
    answers "[\"b\",\"$(head -c 100000 /dev/zero | tr '\0' x)\"]" '["c"]'
    status=0
    (ulimit -f 64; exec env -i SENDER= RECIPIENT=a@example.org "$MILTER_FILTER" ./milter <message 3<>new 4<>edits >text 2>errors) || status=$?
    [ "$status" = 75 ]
    diff errors - <<<'milter-filter: write: File too large'
}

@test "without an envelope or with a malformed one the status is 64, and a pipe is trouble" {
    write_message
    while IFS='|' read -r sender recipients; do
        status=0
        # shellcheck disable=SC2059,SC2086 # escapes and words
        env -i ${sender:+"SENDER=$(printf "${sender#=}")"} ${recipients:+"RECIPIENTS=$(printf "${recipients#=}")"} "$MILTER_FILTER" ./milter <message 2>errors 3>new 4>edits || status=$?
        [ "$status" = 64 ] || { echo "$sender $recipients: $status"; return 1; }
        diff errors - <<<'milter-filter: no SENDER and RECIPIENTS in the environment'
    done <<END
|=a
=a|
=a|=
=a\nb|=a
=a\001|=a
=a|=a\n\nb
=a|=a\rb
=$(head -c 1001 /dev/zero | tr '\0' x)|=a
END
    status=0
    SENDER='' RECIPIENT=a "$MILTER_FILTER" ./milter < <(cat message) 2>errors 3>new 4>edits || status=$?
    [ "$status" = 75 ]
    diff errors - <<<'milter-filter: standard input: not a file'
}

@test "milter-filter --help tells how it is called; wrong arguments exit 64" {
    for option in --help -h; do
        "$MILTER_FILTER" "$option" </dev/null >text 2>errors
        [[ $(head -1 text) = 'usage: milter-filter [--when-down'* ]]
        [ ! -s errors ]
    done
    refute "$MILTER_FILTER" --help >/dev/full
    for arguments in '' './a ./b' --wrong milter localhost:24 127.0.0.1 '--when-down reject ./a' '--when-down' '--quarantine hold ./a' '--timeout 0 ./a' '--timeout x ./a' \
        '--hostname= ./a' './a --timeout 5'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        SENDER='' RECIPIENT=a "$MILTER_FILTER" $arguments </dev/null 2>errors || status=$?
        [ "$status" = 64 ] || { echo "$arguments: $status"; return 1; }
        [[ $(head -1 errors) = 'usage: milter-filter '* ]]
    done
    # What --check finds wrong is told by smtp-handler.
    status=0
    "$MILTER_FILTER" --check milter 2>errors || status=$?
    [ "$status" = 64 ]
    [ ! -s errors ]
}
