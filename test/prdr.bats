load helper

# PRDR, draft-hall-prdr, as Exim speaks it; with --one-recipient.

by_extension=(sh -c 'cat >"$KEPT/$LOCAL.message"; exit "${EXTENSION:-0}"')

# answers PARAMETERS RECIPIENT...: the replies from the end of the message on, in one-recipient mode.
answers() {
    delivery=("${by_extension[@]}")
    { printf 'EHLO c\nMAIL FROM:<s@example.net>%s\n' "$1"; shift; printf 'RCPT TO:<%s@example.org>\n' "$@"; printf 'DATA\nx\n.\nNOOP\n'; } |
        sed 's/$/\r/' | handler --one-recipient | from_wire | without_ids | sed '1,/^354/d'
}

@test "PRDR is offered with --one-recipient alone, and LIMITS says one recipient there" {
    printf 'EHLO c\r\nMAIL FROM:<> PRDR=x\r\nMAIL FROM:<> PRDR\r\n' | handler --one-recipient | from_wire >said
    grep -qx '250-PRDR' said
    grep -qx '250 LIMITS MAILMAX=1000 RCPTMAX=1' said
    tail -2 said | diff - <(printf '%s\n' '501 5.5.4 Bad parameter: PRDR=x' '250 2.1.0 Sender ok')
    printf 'EHLO c\r\nMAIL FROM:<> PRDR\r\n' | handler | from_wire >said
    refute grep -q '^250-PRDR' said
    tail -1 said | grep -qx '555 5.5.4 Parameter not recognized: PRDR'
}

@test "with PRDR each recipient is answered between 353 and the summary" {
    answers ' PRDR' a b+67 c+75 | diff - <(cat <<'EOF'
353 Each recipient is answered by itself
250 2.0.0 Delivered, id ID
550 5.1.1 No such mailbox, id ID
451 4.3.0 Local error in processing, try again later, id ID
250 2.0.0 Delivered, id ID
250 2.0.0 Ok
EOF
)
    [ "$(kept_count)" = 3 ]
}

@test "with PRDR a recipient whose mail is thrown away accepts" {
    answers ' PRDR' a b+99 | tail -n +2 | uniq -c | diff - <(printf '%7d %s\n' 3 '250 2.0.0 Delivered, id ID' 1 '250 2.0.0 Ok')
    grep -q 'message result=discarded .* to=b+99@example.org ' log
}

@test "with PRDR the summary is deferred or refused if no recipient accepted" {
    answers ' PRDR' b+67 c+75 | tail -2 | head -1 | grep -qx '451 4.3.0 Local error in processing, try again later, id ID'
    answers ' PRDR' b+67 c+100 | tail -2 | head -1 | grep -qx '554 5.0.0 Message refused, id ID'
}

@test "with PRDR and one recipient there is one answer" {
    answers ' PRDR' a | diff - <(printf '%s\n' '250 2.0.0 Delivered, id ID' '250 2.0.0 Ok')
}

@test "without PRDR the second recipient is deferred" {
    answers '' a b | diff - <(printf '%s\n' '250 2.0.0 Delivered, id ID' '250 2.0.0 Ok')
    [ "$(kept_count)" = 1 ]
}

@test "with PRDR a message refused as a whole has one answer" {
    delivery=("${by_extension[@]}")
    printf 'EHLO c\r\nMAIL FROM:<> PRDR\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\ny\r\n.\r\nNOOP\r\n' |
        handler --one-recipient | from_wire | without_ids | sed '1,/^354/d' |
        diff - <(printf '%s\n' '554 5.6.11 Bare CR or LF not allowed, id ID' '250 2.0.0 Ok')
}

@test "with PRDR SIGTERM between recipients leaves the accepted one counted" {
    delivery=(sh -c 'kill -TERM $PPID')
    printf 'EHLO c\nMAIL FROM:<> PRDR\nRCPT TO:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\nx\n.\n' | sed 's/$/\r/' |
        handler --one-recipient | from_wire | cut -c1-3 | tail -3 | diff - <(printf '353\n250\n421\n')
    grep -q 'connection .* accepted=1 ' log
}
