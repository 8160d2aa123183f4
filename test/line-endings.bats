load helper
load peers

# message_of OCTETS [OPTION...]: the replies to a message of these octets (as printf has them) and
# what follows, on a strict connection.
message_of() {
    local octets=$1
    shift
    printf '%b' "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\n$octets" | handler "$@" >replies
    from_wire <replies | without_ids | tail -n +5 >said
}

refused_as() {
    grep -qx '554 5.6.11 Bare CR or LF not allowed, id ID' said || { cat said; return 1; }
    [ "$(kept_count)" = 0 ] || { echo delivered; return 1; }
    grep -q "message result=refused .* form=\"\?$1\"\?\$" log || { cat log; return 1; }
}

@test "a bare line feed does not end a line, and the message is refused" {
    message_of 'one\ntwo\r\n.\r\nNOOP\r\n'
    refused_as 'bare LF'
    [ "$(tail -1 said)" = '250 2.0.0 Ok' ]
}

@test "a bare carriage return does not end a line, and the message is refused" {
    message_of 'one\rtwo\r\n.\r\nNOOP\r\n'
    refused_as 'bare CR'
    [ "$(tail -1 said)" = '250 2.0.0 Ok' ]
}

@test "a command line with a bare LF or CR gets 500, as one line" {
    raw_conversation < <(printf 'HELO a\nHELO b\r\nNOOP\rQUIT\r\nHELO c\r\r\nHELO d\r\n') 4<<'SERVER'
220 mx.test ESMTP smtp-handler
500 5.5.2 Invalid characters in command
500 5.5.2 Invalid characters in command
500 5.5.2 Invalid characters in command
250 mx.test
SERVER
}

# paused PIECE...: what an idle client gets for each, when it has sent it and waits; and for QUIT.
paused() {
    trap '' PIPE # the session may be over
    mkfifo client
    handler <client >replies &
    started+=($!)
    exec 9>client
    for ((n = 1; n <= $#; n++)); do
        printf '%b' "${!n}" >&9
        eventually has_replies $((n + 1))
    done
    printf 'QUIT\r\n' >&9 || true
    exec 9>&-
    wait "${started[-1]}"
    rm client
    from_wire <replies | tail -n +2
}

has_replies() { [ "$(wc -l <replies)" -ge "$1" ]; }

@test "a client that waits behind a bare LF gets 500 for the line, and for what comes of it later" {
    paused 'HELO a\n' 'MAIL FROM:<>\n' 'NOOP\nNOOP\n' '\n' 'HELO b\r\n' 'HELO c\r\n' | cut -c1-9 | diff - <(
        printf '%s\n' '500 5.5.2' '500 5.5.2' '500 5.5.2' '500 5.5.2' '500 5.5.2' '250 mx.te' '221 2.0.0')
    # It may be too long, and its end as well.
    long=$(printf '%3000s' '' | tr ' ' x)
    paused "NOOP $long\\n" "$long\\n" "$long\\r\\n" 'NOOP\r\n' | diff - <(
        printf '%s\n' '500 5.5.2 Line too long' '500 5.5.2 Line too long' '500 5.5.2 Line too long' '250 2.0.0 Ok' '221 2.0.0 mx.test closing connection')
    grep -q 'connection .*helo=c .*errors=5 unexpected=NOOP?NOOP? form="bare LF" ended=quit' log
}

@test "what comes of a line later is never a command, nor are the octets that a BDAT announces" {
    paused 'NOOP\n' 'BDAT 6 LAST\n' | cut -c1-9 | diff - <(printf '%s\n' '500 5.5.2' '501 5.5.4' '421 4.5.4')
    printf 'HELO a\r\nNOOP\nBDAT 6 LAST\r\nQUIT\r\n' | handler | cut -c1-9 |
        diff - <(printf '%s\n' '220 mx.te' '250 mx.te' '501 5.5.4' '421 4.5.4')
}

@test "a line that ends with a bare LF gets its 500 also if the client says no more" {
    printf 'HELO a\r\nNOOP\nNOOP\n' | handler | cut -c1-9 | diff - <(printf '%s\n' '220 mx.te' '250 mx.te' '500 5.5.2')
    printf 'HELO a\r\nNOOP' | handler | cut -c1-9 | diff - <(printf '%s\n' '220 mx.te' '250 mx.te')
}

@test "a client of a network gets the 500 long before its time is over" {
    start_handler --command-timeout 300
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'HELO me\n' >&9
    { read -r -t 200; read -r -t 200; } <&9
    [[ $REPLY = '500 5.5.2 '* ]]
}

@test "control characters in a command get 500" {
    raw_conversation < <(printf 'HELO a\0b\r\nNOOP \033[1m\r\nNO\tOP\r\nNOOP\177\r\n') 4<<'SERVER'
220 mx.test ESMTP smtp-handler
500 5.5.2 Invalid characters in command
500 5.5.2 Invalid characters in command
500 5.5.2 Invalid characters in command
500 5.5.2 Invalid characters in command
SERVER
}

@test "in lenient mode LF counts as CR LF, and both may be mixed" {
    printf 'HELO c\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\nDATA\none\n..two\r\n\n.\nMAIL FROM:<>\nRCPT TO:<user@example.org>\nDATA\nthree\n.\r\nQUIT\n' |
        handler --newlines lenient --no-trace >replies
    kept 1 | diff - <(printf 'one\n.two\n\n')
    kept 2 | diff - <(printf 'three\n')
}

@test "in lenient mode a bare CR is still refused" {
    printf 'HELO c\nMAIL FROM:<>\nRCPT TO:<user@example.org>\nDATA\none\rtwo\n.\nQUIT\n' |
        handler --newlines lenient >replies
    from_wire <replies | tail -2 | head -1 | grep '^554 5.6.11'
    [ "$(kept_count)" = 0 ]
}

# normalized OCTETS [OPTION...]: the message that COMMAND gets of them.
normalized() {
    rm -f log "$KEPT"/*
    message_of "$1\\r\\n.\\r\\nNOOP\\r\\n" --newlines normalize --no-trace "${@:2}"
    cut -c1-3 said | diff - <(printf '%s\n' 354 250 250)
    kept 1
}

@test "normalized, a bare LF within a message is a line end, behind which a dot is stuffed, and the log counts them" {
    normalized 'one\ntwo\r\nthree\n\n..four\n.five\r\n..six\n' | diff - <(printf 'one\ntwo\nthree\n\n.four\nfive\n.six\n\n')
    grep -q 'message result=accepted .*size=40 .*bare_lf=5 form="bare LF" command=' log
    # COMMAND reads one sort of line end.
    normalized 'a\nb\r\nc' --line-ending crlf | diff - <(printf 'a\r\nb\r\nc\r\n')
    # A message of right line ends is as ever.
    normalized 'a\r\nb' | diff - <(printf 'a\nb\n')
    refute grep -q 'bare' log
}

@test "normalized, a bare CR still refuses the message, and no bare LF has a part in its end" {
    message_of 'one\ntwo\rthree\r\n.\r\nNOOP\r\n' --newlines normalize
    refused_as 'bare CR'
    grep -q ' bare_lf=1 form="bare CR"$' log
    message_of 'one\n.\r\nNOOP\r\n.\r\nNOOP\r\n' --newlines normalize
    refused_as LF.CRLF
    [ "$(wc -l <said)" = 3 ]
    [ "$(tail -1 said)" = '250 2.0.0 Ok' ]
}

# chunked OCTETS [PARAMETER...]: a message in one chunk; the replies behind that to RCPT.
chunked() {
    printf '%b' "$1" >chunk
    { printf '%s\r\n' 'EHLO c' "MAIL FROM:<>${*:2}" 'RCPT TO:<user@example.org>' "BDAT $(stat -c %s chunk) LAST"; cat chunk; } |
        handler --newlines normalize --no-trace | from_wire | without_ids | sed '1,/^250 2.1.5/d'
}

@test "normalized, a bare LF in a chunk is a line end, and a dot behind it is content, as is what is a false end by DATA" {
    chunked 'one\n.two\r\n..three\n.\n\n.\r\n.\r\nfour' | grep -qx '250 2.0.0 Delivered, id ID'
    kept 1 | diff - <(printf 'one\n.two\n..three\n.\n\n.\n.\nfour')
    grep -q ' bare_lf=4 form="bare LF" command=' log
    chunked 'one\n\rtwo' | grep -qx '554 5.6.11 Bare CR or LF not allowed, id ID'
    # BINARYMIME is octets, unchanged and uncounted.
    rm log
    chunked 'one\ntwo\r.\n' ' BODY=BINARYMIME' | grep -qx '250 2.0.0 Delivered, id ID'
    kept 2 | diff - <(printf 'one\ntwo\r.\n')
    refute grep -q 'form=' log
}

@test "Python's smtplib, which sends octets as they are, gets them delivered, its stuffed dots taken off" {
    start_handler
    python3 - "$port" <<'END'
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as client:
    client.sendmail("a@example.net", ["user@example.org"], b"Subject: dots\n\n.one\n..two\n.\nthree\n")
END
    eventually grep -q 'message result=accepted .* bare_lf=6 form="bare LF"' background
    kept 1 | tail -7 | diff - <(printf 'Subject: dots\n\n.one\n..two\n.\nthree\n\n')
}

@test "without --newlines a here-document is lenient and a socket normalized" {
    "$SMTP_HANDLER" --domain example.org "$commands/keep" <<EOF >replies 2>log
HELO c
MAIL FROM:<>
RCPT TO:<user@example.org>
DATA
typed
.
EOF
    from_wire <replies | tail -1 | grep '^250 2.0.0 Delivered'
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$commands/keep"
    eventually is_listening "$port"
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA $'one\ntwo' . $'HELO a\nNOOP' QUIT >&9
    cut -c1-3 <&9 | diff - <(printf '%s\n' 220 250 250 250 354 250 500 221)
}

# newlines_are strict|normalize|lenient [NAME=VALUE...] [OPTION...]: what two lines with LF alone come to, on a pipe,
# and then a message with one, if there may be one.
newlines_are() {
    local expected=$1 environment=() greeting=HELO
    shift
    while [[ ${1-} == *=* ]]; do environment+=("$1"); shift; done
    [[ " $* " = *' --lmtp '* ]] && greeting=LHLO
    printf '%s\r\n' $'NOOP\n' "$greeting c" 'MAIL FROM:<>' 'RCPT TO:<postmaster>' DATA $'one\ntwo' . |
        env "${environment[@]}" "$SMTP_HANDLER" "$@" --domain example.org true >replies 2>log
    # As one line it has invalid characters; as two the second is empty.
    case $(cut -c1-9 replies | grep -v '^220\|^250-' | tr '\r\n' '  ' | tr -s ' ') in
        '250 2.0.0 500 5.5.2 '*) [ "$expected" = lenient ] ;;
        '500 5.5.2 '*' 554 5.6.1 ') [ "$expected" = strict ] ;;
        '500 5.5.2 '*' 354 '*' 250 2.0.0 ' | '500 5.5.2 '*' 530 '*) [ "$expected" = normalize ] ;;
        *) cat replies log; false ;;
    esac
}

@test "if a client of a network is known, LF does not end a command line on a pipe either" {
    newlines_are normalize PROTO=TCP TCPREMOTEIP=192.0.2.1
    newlines_are normalize PROTO=TCP
    newlines_are normalize REMOTE_ADDR=192.0.2.1
    newlines_are normalize REMOTE_HOST=client.example
    newlines_are normalize --tls starttls
    newlines_are normalize --tls-cert nowhere.crt --tls-key nowhere.key
    newlines_are normalize PROTO=TCP UCSPITLS=
    newlines_are normalize --xclient 192.0.2.1
    newlines_are normalize --xclient 192.0.2.1 --newlines auto
    newlines_are normalize --auth 'true x'
    newlines_are lenient
    newlines_are lenient TCPREMOTEIP=192.0.2.1
    newlines_are lenient --lmtp
    newlines_are lenient PROTO=TCP TCPREMOTEIP=192.0.2.1 --newlines lenient
    newlines_are strict --newlines strict
    newlines_are strict PROTO=TCP --newlines strict
    newlines_are normalize --newlines normalize
}

@test "a false end behind a UCSPI server that gives us pipes smuggles nothing" {
    { printf '%s\r\n' 'HELO c' 'MAIL FROM:<a@b.example>' 'RCPT TO:<user@example.org>' DATA 'Subject: x' ''
      printf 'x\n.\nMAIL FROM:<admin@bank.example>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nsmuggled\r\n.\r\nQUIT\r\n'; } |
        PROTO=TCP TCPREMOTEIP=192.0.2.1 "$SMTP_HANDLER" --domain example.org "$commands/keep" >replies 2>log
    grep -c '^554 5.6.11' replies | grep -qx 1
    [ "$(kept_count)" = 0 ]
    grep -q 'message result=refused .*client=192.0.2.1 .*form=LF.LF' log
}

@test "however a message of any line ends is cut, octet by octet too, the same comes of it" {
    for seed in $(seq 40); do
        python3 - "$seed" >client <<'EOF'
import random, sys
seed = int(sys.argv[1])
random.seed(seed)
bad = [[b"\n", b"\r\n\n.\r\n"], [b"\r"], [b"\r", b"\n"]][seed % 3]
piece = lambda: random.choice([b"\r\n"] * 4 + [b"\r\n.", b"\r\n..", b".", b"\xff", b"x" * random.randrange(40)] + bad)
says = lambda *lines: sys.stdout.buffer.write(b"".join(line + b"\r\n" for line in lines))
says(b"EHLO c", b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA", b"".join(piece() for _ in range(40)), b".", b"QUIT")
EOF
        for normalize in '' normalize; do
            session_driver $normalize every <client >whole
            for size in 1 2 3 17; do
                session_driver $normalize "$size" <client | diff whole - || { echo "seed $seed, cut into $size"; return 1; }
            done
        done
    done
}
