load helper

# Authentication-Results that claim to be ours are removed from what strangers send: RFC 8601 5.

# passes OPTION...: sends the header on standard input, in a message whose body is `body`; the header that the
# command gets, without a trace.
passes() {
    rm -f "$KEPT"/*
    { printf 'EHLO client.test\nMAIL FROM:<s@example.net>\nRCPT TO:<user@example.org>\nDATA\n'
      cat; printf '\nbody\n.\nQUIT\n'; } | sed 's/$/\r/' | handler --no-trace "$@" >replies
    kept 1 | sed '/^$/,$d'
}

# removed, stays: the field on standard input is, though other fields are around it.
removed() { { echo 'A: 1'; cat; echo 'B: 2'; } | passes "$@" | diff - <(printf 'A: 1\nB: 2\n'); }
stays() {
    local field
    field=$(cat)
    printf 'A: 1\n%s\nB: 2\n' "$field" | passes "$@" | diff - <(printf 'A: 1\n%s\nB: 2\n' "$field")
}

@test "fields that claim to be from our hostname are removed, however they are written" {
    while IFS= read -r field; do
        printf '%b\n' "$field" | removed || { echo "$field"; return 1; }
    done <<'END'
Authentication-Results: mx.test; dkim=pass header.d=example.net
authentication-results:MX.Test;dkim=pass
AUTHENTICATION-RESULTS : mx.test; none
Authentication-Results: mx.test 1; spf=pass
Authentication-Results:\tmx.test
Authentication-Results: mx.test (really); dkim=pass
Authentication-Results: (a (nested) \\) comment) mx.test; dkim=pass
Authentication-Results: "mx.test"; dkim=pass
Authentication-Results: "m\\x.te\\st"; dkim=pass
Authentication-Results: mx.(c)test; dkim=pass
Authentication-Results: mx.test.; dkim=pass
Authentication-Results:\n mx.test; dkim=pass
Authentication-Results:\n\t(c\n\tc)\n\t"mx.test"\n ; dkim=pass
Authentication-Results: mx.test\n\t; dkim=pass\n\theader.d=example.net;\n spf=pass
Authentication-Results: mx.test;\n dkim=pass\n (a: b)
END
}

@test "octets that others drop, or take for blanks, hide no name of ours" {
    while IFS= read -r field; do
        printf '%b; dkim=pass\n' "$field" >field
        printf 'A: 1\nB: 2\n' | diff - <({ echo 'A: 1'; cat field; echo 'B: 2'; } | passes) || { echo "$field"; return 1; }
    done <<'END'
Authentication-Results: \0mx.test
Authentication-Results: m\0x.test
Authentication-Results: "m\0x.test"
Authentication-Results: mx.test\0
Authentication-Results: \vmx.test
Authentication-Results: \fmx.test\v1
Authentication-Results: mx\001.test
END
}

@test "what is no id by the grammar, and which readers take for ours, is removed" {
    while IFS= read -r field; do
        printf '%b\n' "$field" | removed || { echo "$field"; return 1; }
    done <<'END'
Authentication-Results: mx . test; dkim=pass
Authentication-Results: mx. test; dkim=pass
Authentication-Results: mx\n .test; dkim=pass
Authentication-Results: mx.\n\ttest; dkim=pass
Authentication-Results: mx (c) . (c) "test" 1; dkim=pass
Authentication-Results: mx\\.te\\st; dkim=pass
Authentication-Results: mx.te)st; dkim=pass
Authentication-Results: ) mx.test; dkim=pass
Authentication-Results: \\(x mx.test; dkim=pass
Authentication-Results: "(x" mx.test; dkim=pass
Authentication-Results: "(;" mx.test; dkim=pass
Authentication-Results: \\(\\; mx.test; dkim=pass
Authentication-Results: "("(c)mx.test; dkim=pass
Authentication-Results: =?utf-8?q?mx=2Etest?=; dkim=pass
Authentication-Results: =?utf-8?b?bXgudGVzdDs=?= dkim=pass
Authentication-Results: (c)\n =?utf-8?q?mx=2Etest=3B_dkim=3Dpass?=
END
}

@test "fields of other hosts stay as they are" {
    while IFS= read -r field; do
        printf '%b\n' "$field" | stays || { echo "$field"; return 1; }
    done <<'END'
Authentication-Results: mx.example; dkim=pass header.d=mx.test
Authentication-Results: mx.tes; dkim=pass
Authentication-Results: mx.test.example; dkim=pass
Authentication-Results: amx.test; dkim=pass
Authentication-Results: (mx.test) mx.example; dkim=pass
Authentication-Results: "mx.test mx.example"; dkim=pass
Authentication-Results:\n mx.example;\n dkim=pass (mx.test)
Authentication-Results: mx.example 1; dkim=pass (mx.test)
Authentication-Results: mx . example; dkim=pass header.d=mx.test
Authentication-Results: spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=example.net; dkim=pass header.d=mx.test
Authentication-Results: ; mx.test
Authentication-Results:
Authentication-Results: (mx.test
Authentication-Results-Of: mx.test; dkim=pass
ARC-Authentication-Results: i=1; mx.test; dkim=pass
X-Authentication-Results: mx.test; dkim=pass
Subject: Authentication-Results: mx.test; dkim=pass
Subject: x\n Authentication-Results: mx.test; dkim=pass
END
}

@test "all of them go, wherever in the header they stand, and nothing of the body does" {
    printf '%s\n' 'Authentication-Results: mx.test; a=pass' 'A: 1' 'Authentication-Results: mx.example; b=pass' \
        'Authentication-Results: mx.test;' ' c=pass' 'Authentication-Results: mx.test; d=pass' 'B: 2' \
        'Authentication-Results: mx.test; e=pass' |
        passes | diff - <(printf '%s\n' 'A: 1' 'Authentication-Results: mx.example; b=pass' 'B: 2')
    printf 'EHLO c\nMAIL FROM:<>\nRCPT TO:<user@example.org>\nDATA\nA: 1\n\nAuthentication-Results: mx.test; a=pass\n.\n' |
        sed 's/$/\r/' | handler --no-trace >replies
    kept 2 | diff - <(printf 'A: 1\n\nAuthentication-Results: mx.test; a=pass\n')
    # With nothing else in it, the message is empty.
    echo 'Authentication-Results: mx.test; a=pass' | passes | diff - /dev/null
}

@test "behind a line that is no field, which some readers skip, they are removed up to the empty one, and nothing else is" {
    header=$(printf '%s\n' 'A: 1' 'no field' 'Authentication-Results: mx.test; a=pass' ' folded' 'Return-Path: <x>' 'B: 2' 'Authentication-Results' ' : mx.test')
    expected=$(printf '%s\n' 'A: 1' 'no field' 'Return-Path: <x>' 'B: 2')
    printf '%s\n' "$header" | passes | diff - <(echo "$expected")
    # In front of all, too, unless our empty line stands there.
    printf 'no field\n%s\n' "$header" | passes | diff - <(printf 'no field\n%s\n' "$expected")
    printf ' folded\n%s\n' "$header" | passes | diff - <(printf ' folded\n%s\n' "$expected")
    rm "$KEPT"/*
    { printf '%s\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA 'no field' "$header" . QUIT; } | sed 's/$/\r/' | handler >replies
    kept 1 | sed '1,/^$/d' | diff - <(printf 'no field\n%s\n' "$header")
    # The name is followed by more blanks than a field's may be.
    printf 'A: 1\nAuthentication-Results%600s: mx.test; a=pass\n x\nB: 2\n' '' | passes | diff - <(printf 'A: 1\nB: 2\n')
}

@test "behind our trace as well, with each line ending, by BDAT and in a message of binary octets" {
    for options in '' '--line-ending crlf'; do
        rm -f "$KEPT"/*
        # shellcheck disable=SC2086 # or none
        printf '%s\r\n' 'EHLO c' 'MAIL FROM:<s@example.net>' 'RCPT TO:<user@example.org>' DATA \
            'Authentication-Results:' ' mx.test; a=pass' 'Subject: x' '' body . | handler $options >replies
        refute grep -q mx.test <(sed '1,/^\tMon\|^\t[A-Z][a-z][a-z], /d' "$KEPT/1.message")
        tr -d '\r' <"$KEPT/1.message" | tail -3 | diff - <(printf 'Subject: x\n\nbody\n')
    done
    rm -f "$KEPT"/*
    content=$(printf 'Authentication-Results: mx.test; a=pass\r\nA: 1\r\n\r\nx\r\n.')
    for body in '' ' BODY=BINARYMIME'; do
        { printf 'EHLO c\r\nMAIL FROM:<s@example.net>%s\r\nRCPT TO:<user@example.org>\r\n' "$body"
          printf 'BDAT 24\r\n%sBDAT %d LAST\r\n%s' "${content:0:24}" $((${#content} - 24)) "${content:24}"; } | handler --no-trace >replies
    done
    [ "$(kept_count)" = 2 ]
    for i in 1 2; do kept $i | tr -d '\r' | head -1 | grep -qx 'A: 1'; done
}

@test "one that does not say within 640 octets whose it is goes as well, and one that does may be of any length" {
    long=$(printf '%0700d' 0)
    printf 'Authentication-Results: (%s) mx.example; a=pass\n' "$long" | removed
    printf 'Authentication-Results: (%s)\n mx.test; a=pass\n' "${long:600}" | removed
    printf 'Authentication-Results:%s\n' "$(printf '\n (%0100d)' 1 2 3 4 5 6 7 8 9) mx.example; a=pass" | removed
    printf 'Authentication-Results: mx.example; %s\n %s\n' "$long" "$long" | stays
    printf 'Authentication-Results: mx.test; %s\n %s\n' "$long" "$long" | removed
    printf 'Authentication-Results: %s; a=pass\n' "${long:150}" | stays
    printf 'Authentication-Results: %s; a=pass\n' "$long" | removed
}

@test "a message comes out the same wherever its octets are cut" {
    { printf 'EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n'
      printf 'Authentication-Results:\r\n (c)\r\n "mx.\r\n test"; x\r\nAuthentication-Results: mx.test\r\n ; a=b\r\nA: 1\r\n'
      printf 'Authentication-Results: mx.tes\r\n t; a=b\r\nno field\r\nAuthentication-Results: mx . test;\r\n x\r\nB: 2\r\n'
      printf 'Authentication-Results:\r\n\r\nbody\r\n.\r\nQUIT\r\n'; } >client
    session_driver every <client >whole
    grep -q mx.tes whole
    grep -B2 'mx . test' whole | grep -qx '| \\n' # it is in the body
}

@test "those of authenticated users and of --xclient peers stay, and so do all over LMTP" {
    field='Authentication-Results: mx.test; a=pass'
    echo "$field" | PROTO=TCP TCPREMOTEIP=192.0.2.1 stays --xclient 192.0.2.0/24
    echo "$field" | PROTO=TCP TCPREMOTEIP=198.51.100.1 removed --xclient 192.0.2.0/24
    rm "$KEPT"/*
    { printf 'LHLO c\nMAIL FROM:<>\nRCPT TO:<user@example.org>\nDATA\n%s\n\n.\n' "$field"; } | sed 's/$/\r/' | handler --no-trace --lmtp >replies
    kept 1 | head -1 | grep -qx "$field"
    rm "$KEPT"/*
    printf '%s\r\n' 'EHLO c' 'XCLIENT LOGIN=joe' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<user@example.org>' DATA "$field" '' . |
        PROTO=TCP TCPREMOTEIP=192.0.2.1 handler --no-trace --xclient 192.0.2.1 >replies
    kept 1 | head -1 | grep -qx "$field"
}

@test "a filter's own stay, and it does not see a stranger's" {
    cat >adds <<'END'
#!/bin/sh
cat >seen
echo "Authentication-Results: mx.test; spf=pass"
END
    chmod +x adds
    echo 'Authentication-Results: mx.test; dkim=pass' | passes --filter ./adds | diff - <(echo 'Authentication-Results: mx.test; spf=pass')
    refute grep -q Authentication seen
}
