load helper

# LIMITS, RFC 9422.

limits() {
    printf '%s c\r\n' "${verb:-EHLO}" | handler "$@" | from_wire | grep LIMITS
}

@test "LIMITS has MAILMAX and RCPTMAX as the options say" {
    [ "$(limits)" = '250 LIMITS MAILMAX=1000 RCPTMAX=1000' ]
    [ "$(limits --max-messages 2 --max-recipients 3)" = '250 LIMITS MAILMAX=2 RCPTMAX=3' ]
    [ "$(limits --one-recipient)" = '250 LIMITS MAILMAX=1000 RCPTMAX=1' ]
    [ "$(verb=LHLO limits --lmtp --one-recipient --max-recipients 7)" = '250 LIMITS MAILMAX=1000 RCPTMAX=7' ]
}

@test "what LIMITS says holds" {
    conversation --max-messages 2 --max-recipients 1 <<'CLIENT' 4<<'SERVER'
HELO c
MAIL FROM:<>
RCPT TO:<a@example.org>
RCPT TO:<b@example.org>
RSET
MAIL FROM:<>
RSET
MAIL FROM:<>
NOOP
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
452 4.5.3 Too many recipients
250 2.0.0 Ok
250 2.1.0 Sender ok
250 2.0.0 Ok
421 4.7.0 mx.test Too many messages in one connection
SERVER
}
