load helper

@test "the greeting names the host, and QUIT ends the session" {
    conversation <<'CLIENT' 4<<'SERVER'
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
221 2.0.0 mx.test closing connection
SERVER
    exited 0
}

@test "EHLO lists what is honoured, and nothing else" {
    conversation --max-size 10M <<'CLIENT' 4<<'SERVER'
EHLO client.test
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 10485760
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
221 2.0.0 mx.test closing connection
SERVER
}

@test "HELO is answered in one line" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO client.test
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250 mx.test
221 2.0.0 mx.test closing connection
SERVER
}

@test "HELO and EHLO want a domain name or an address literal" {
    conversation <<'CLIENT' 4<<'SERVER'
HELO
EHLO
EHLO two words
EHLO -option
EHLO a;b
HELO [192.0.2.300]
HELO [192.0.2.30]
EHLO [IPv6:2001:db8::1]
HELO WIN_HOST
CLIENT
220 mx.test ESMTP smtp-handler
501 5.5.4 Argument missing
501 5.5.4 Argument missing
501 5.5.4 Not a domain name or address literal
501 5.5.4 Not a domain name or address literal
501 5.5.4 Not a domain name or address literal
501 5.5.4 Not a domain name or address literal
250 mx.test
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 mx.test
SERVER
}

@test "the client that goes without QUIT is no trouble of ours" {
    conversation </dev/null 4<<'SERVER'
220 mx.test ESMTP smtp-handler
SERVER
    exited 0
}

@test "without --hostname the host's own name is said" {
    printf 'QUIT\n' | "$SMTP_HANDLER" true 2>/dev/null | head -1 >greeting
    name=$(uname -n)
    grep -qE '^[[:alnum:]]([[:alnum:]-]*[[:alnum:]])?(\.[[:alnum:]]([[:alnum:]-]*[[:alnum:]])?)*$' <<<"$name" || name=localhost
    grep -q "^220 $name ESMTP" greeting
}
