load helper

# The trace fields in front of a message are closed off: no octet of the client's is read as part of them.

# send OPTION...: sends standard input as a message, octet for octet behind its lines' CR LF; kept as the next.
send() {
    { printf '%s\n' "${greeting:-EHLO} client.test" 'MAIL FROM:<sender@example.net>' 'RCPT TO:<user@example.org>' DATA
      cat
      printf '.\nQUIT\n'; } | sed 's/$/\r/' | handler "$@" | from_wire | tail -2 | head -1 | grep -q ^250
}

# send_chunks SIZE OPTION...: the same by BDAT, in chunks of that size, as it comes.
send_chunks() {
    local size=$1 at
    cat >content
    { printf '%s\r\n' "${greeting:-EHLO} client.test" "MAIL FROM:<sender@example.net>$body" 'RCPT TO:<user@example.org>'
      for ((at = 0; at < $(stat -c %s content); at += size)); do
          tail -c "+$((at + 1))" content | head -c "$size" >chunk
          printf 'BDAT %d\r\n' "$(stat -c %s chunk)"
          cat chunk
      done
      printf 'BDAT 0 LAST\r\nQUIT\r\n'; } | handler "${@:2}" | from_wire | tail -2 | head -1 | grep -q ^250
}

# behind N: what stands behind the trace of message N: all behind the line with the date.
behind() {
    kept "$1" | sed -z -E 's/^Return-Path: <sender@example.net>\r?\nReceived: ([^\n]*\n\t)+[^\n]*\+0000\r?\n//'
}

# last: that of the message that came last.
last() { behind "$(kept_count)"; }

# What a client sends, and what must stand behind the trace then.
forms=(
    '\tby mx.example with ESMTPSA;\nSubject: x\n' '\n\tby mx.example with ESMTPSA;\nSubject: x\n'
    ' folded\n' '\n folded\n'
    'no field\nSubject: x\n' '\nno field\nSubject: x\n'
    ': nameless\n' '\n: nameless\n'
    'na me: x\n' '\nna me: x\n'
    'Caf\xc3\xa9: x\n' '\nCaf\xc3\xa9: x\n'
    '' '\n'
    '\nbody\n' '\nbody\n'
    'Subject: x\n\nbody\n' 'Subject: x\n\nbody\n'
    'Subject \t : x\n' 'Subject \t : x\n'
    '!#{}~: x\n' '!#{}~: x\n'
    'From joe@example.net Thu Jan  1\nSubject: x\n\nFrom me\n' 'X-Mailbox-Line: From joe@example.net Thu Jan  1\nSubject: x\n\nFrom me\n'
    '>From joe\nSubject: x\n' 'X-Mailbox-Line: From joe\nSubject: x\n'
    'From joe\nFrom me\nReturn-Path: <x>\nSubject: x\n' 'X-Mailbox-Line: From joe\n\nFrom me\nReturn-Path: <x>\nSubject: x\n'
    'A: b\n>From me\nReturn-Path: <x>\nC: d\n' 'A: b\n\n>From me\nReturn-Path: <x>\nC: d\n'
    'From: joe\n' 'From: joe\n'
    'From : joe\nSubject: x\n' 'From : joe\nSubject: x\n'
    'From \t : joe\n' 'From \t : joe\n'
    'Fromage\n' '\nFromage\n'
)

@test "the trace ends before a message that does not begin with a header field" {
    for ((i = 0; i < ${#forms[@]}; i += 2)); do
        printf %b "${forms[i]}" | send
        behind $((i / 2 + 1)) | diff - <(printf %b "${forms[i + 1]}") || { echo "${forms[i]}"; return 1; }
    done
}

@test "the trace ends before such a message in chunks of an octet, LMTP, lines with CR LF, and binary" {
    for ((i = 0; i < ${#forms[@]}; i += 2)); do
        printf %b "${forms[i]}" | sed 's/$/\r/' | send_chunks 1
        last | diff - <(printf %b "${forms[i + 1]}") || { echo "${forms[i]}"; return 1; }
        printf %b "${forms[i]}" | greeting=LHLO send --lmtp
        last | diff - <(printf %b "${forms[i + 1]}") || { echo "LMTP: ${forms[i]}"; return 1; }
        printf %b "${forms[i]}" | send --line-ending crlf
        last | diff - <(printf %b "${forms[i + 1]}" | sed 's/$/\r/') || { echo "CR LF: ${forms[i]}"; return 1; }
        printf %b "${forms[i]}" | sed 's/$/\r/' | body=' BODY=BINARYMIME' send_chunks 3
        last | diff - <(printf %b "${forms[i + 1]}" | sed 's/$/\r/') || { echo "binary: ${forms[i]}"; return 1; }
    done
}

@test "a message comes out the same wherever its octets are cut" {
    for form in "${forms[@]}" 'Return-Path: <x>\n y\nreturn-path : z\nSubject: x\n\nReturn-Path: body\n'; do
        printf %b "$form" | sed 's/$/\r/' >content
        { printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@b.test>' DATA; cat content; printf '%s\r\n' .
          printf '%s\r\n' 'MAIL FROM:<> BODY=BINARYMIME' 'RCPT TO:<a@b.test>' "BDAT $(stat -c %s content) LAST"; cat content
          printf 'QUIT\r\n'; } >client
        session_driver every <client >whole
        session_driver 1 <client | diff whole -
        grep -c '^WANT_DISCARD 2.0.0' whole | grep -qx 2
    done
}

@test "the name of a field has up to 255 octets, and its colon is among the first 512" {
    for octets in 255 256; do
        printf "%${octets}s: x\n" '' | tr ' ' n | sed 's/:n/: /' >field
        send <field
        send_chunks 7 < <(sed 's/$/\r/' field)
    done
    behind 1 | diff - <(printf '%255s: x\n' '' | tr ' ' n | sed 's/:n/: /')
    behind 2 | diff - <(behind 1)
    behind 3 | head -1 | grep -qx ''
    behind 4 | head -1 | grep -qx ''
    printf 'N%510s: x\n' '' | send
    behind 5 | diff - <(printf 'N%510s: x\n' '')
    printf 'N%511s: x\n' '' | send
    behind 6 | head -1 | grep -qx ''
}

@test "a message without a line end at its end has its trace closed off, too" {
    printf ' x' | send_chunks 1
    behind 1 | diff - <(printf '\n x')
    printf 'no field' | send_chunks 2
    behind 2 | diff - <(printf '\nno field')
    printf '>From' | send_chunks 1
    behind 3 | diff - <(printf '\n>From')
    printf 'A: b' | send_chunks 1
    behind 4 | diff - <(printf 'A: b')
    printf '>From \n\r' | body=' BODY=BINARYMIME' send_chunks 1
    behind 5 | diff - <(printf 'X-Mailbox-Line: From \n\r')
    printf 'Return-Path: x' | send_chunks 1
    behind 6 | diff - <(printf '\n')
}

@test "Return-Path is ours alone, in the header" {
    local message='return-PATH : <a@b>\n\tfolded\nSubject: x\nReturn-Path:\n  more\n\tand more\nReturn-Pathx: y\n folded\nX-Return-Path: z\n\nReturn-Path: body\n'
    local left='Subject: x\nReturn-Pathx: y\n folded\nX-Return-Path: z\n\nReturn-Path: body\n'
    printf %b "$message" | send
    behind 1 | diff - <(printf %b "$left")
    printf %b "$message" | sed 's/$/\r/' | body=' BODY=BINARYMIME' send_chunks 5
    behind 2 | diff - <(printf %b "$left" | sed 's/$/\r/')
    # What stands behind it is no first line that could go on with the trace.
    printf 'Return-Path: x\n y\nno field\n' | send
    behind 3 | diff - <(printf '\nno field\n')
    printf 'Return-Path: x\n y\nFrom z\n' | send
    behind 4 | diff - <(printf 'X-Mailbox-Line: From z\n')
    # A line that is no field ends the header, for all readers.
    printf 'A: b\nno field\nReturn-Path: x\n' | send
    behind 5 | diff - <(printf 'A: b\n\nno field\nReturn-Path: x\n')
}

@test "fields behind a line that is no field are in no reader's header" {
    for line in 'no field' 'From me' '>From me' ': x' $'\v: x' $'Caf\xc3\xa9: x' "$(printf 'N%511s: x' '')"; do
        printf '%s\n' 'A: b' ' folded' "$line" 'From: joe@example.org' '' body | send
        last | diff - <(printf '%s\n' 'A: b' ' folded' '' "$line" 'From: joe@example.org' '' body)
        python3 -c 'import email, sys; assert "From" not in email.message_from_binary_file(sys.stdin.buffer)' < <(kept "$(kept_count)")
    done
    printf 'A: b\r\nno field' | send_chunks 1
    last | diff - <(printf 'A: b\n\nno field')
    printf 'A: b\r\nno field\rx' | body=' BODY=BINARYMIME' send_chunks 3
    last | diff - <(printf 'A: b\r\n\r\nno field\rx')
    # Without a trace it passes as it came.
    printf 'A: b\nno field\n' | send --no-trace
    kept "$(kept_count)" | diff - <(printf 'A: b\nno field\n')
}

@test "the longest names and addresses stand whole in the trace" {
    local label domain address user
    label=$(printf '%63s' '' | tr ' ' d)
    domain=$label.$label.$label.$label
    address=$(printf '%255s' '' | tr ' ' x)@$domain
    user=$(printf '%255s' '' | tr ' ' '(')
    printf '%s\r\n' "XCLIENT ADDR=IPV6:2001:db8:1111:2222:3333:4444:5555:6666 NAME=$domain HELO=$domain LOGIN=$user PROTO=ESMTP" \
        "MAIL FROM:<$address>" "RCPT TO:<$address>" DATA 'Subject: x' . |
        PROTO=TCP TCPREMOTEIP=192.0.2.7 "$SMTP_HANDLER" --hostname "$domain" --domain "$domain" --xclient 192.0.2.7 --one-recipient \
            --newlines strict --log stderr "${delivery[@]}" 2>log | tail -1 | grep -q '^250 2.0.0'
    kept 1 | sed -E 's/ id [^ ]*$/ id ID/; s/^\t[A-Z].*/\tDATE/' | diff - <(cat <<END
Return-Path: <$address>
Delivered-To: $address
Received: from $domain ($domain [IPv6:2001:db8:1111:2222:3333:4444:5555:6666])
	(Authenticated sender: ${user//(/\\(})
	by $domain with ESMTPA id ID
	for <$address>;
	DATE
Subject: x
END
)
    [ "$(kept_environment 1 | grep -c "^\(SENDER\|RECIPIENT\|RECIPIENTS\)=$address\$")" = 3 ]
    grep -q "message result=accepted .* from=$address to=$address recipients=1 " log
}

@test "--no-trace hands the client's trace fields on as they came" {
    for ((i = 0; i < ${#forms[@]}; i += 2)); do
        printf %b "${forms[i]}Return-Path: x\n y\n" | send --no-trace
        kept "$(kept_count)" | diff - <(printf %b "${forms[i]}Return-Path: x\n y\n")
    done
}

@test "a large message goes through with its trace closed off" {
    { printf ' x\n'; head -c 200000 /dev/zero | tr '\0' y | fold -w 77; printf '\n'; } >large
    send <large
    behind 1 | tail -n +2 | cmp - large
    { printf 'Return-Path: a\n'; sed 's/^/X: /' large; } | send
    behind 2 | cmp - <(sed 's/^/X: /' large)
    { printf 'Return-Path: a\n'; sed 's/^/ /' large; printf 'X: y\n'; } | send
    behind 3 | diff - <(printf 'X: y\n')
}

# key_of TEXT: what the done-list has of a message with that behind the trace, to the recipient of `send`.
key_of() {
    { printf 'sender@example.net\0user@example.org\0'; printf %b "$1" | openssl sha256 -binary; } | sha256sum | cut -d' ' -f1
}

@test "the done-list knows a message by the client's octets, whatever stands between trace and them" {
    for text in '\tfolded\nA: b\n' 'From joe\nA: b\n' 'no field\n' ''; do
        printf %b "$text" | send --done-list list
        [ -e "list/$(key_of "$text" | cut -c1-2)/$(key_of "$text")" ] || { echo "$text"; return 1; }
    done
    [ "$(kept_count)" = 4 ]
    # A Return-Path, which nobody is handed, makes no other message of it.
    printf 'A: b\n' | send --done-list list
    printf 'Return-Path: x\nA: b\n' | send --done-list list
    [ "$(kept_count)" = 5 ]
}

@test "the end of the header ends the search for loops" {
    yes 'Received: x' | head -100 >received
    { printf 'no field\n'; cat received; } | send
    { printf ' folded\n'; cat received; } | send
    { printf 'A: b\nno field\n'; cat received; } | send
    refute send < <(printf 'From joe\n'; cat received)
    refute send < <(printf 'A: b\n \n'; cat received)
    refute send < <(sed 's/:/ :/' received)
}
