load helper

# ENHANCEDSTATUSCODES, RFC 2034.

@test "the example of RFC 2034: each reply but those to EHLO and DATA has its code" {
    echo mrose@dbc.mtview.ca.us >list
    conversation --domain dbc.mtview.ca.us --recipients list <<'CLIENT' 4<<'SERVER'
EHLO ymir.claremont.edu
MAIL FROM:<ned@ymir.claremont.edu>
RCPT TO:<mrose@dbc.mtview.ca.us>
RCPT TO:<nosuchuser@dbc.mtview.ca.us>
RCPT TO:<remoteuser@isi.edu>
DATA
.
QUIT
CLIENT
220 mx.test ESMTP smtp-handler
250-mx.test
250-PIPELINING
250-SIZE 26214400
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-CHUNKING
250-BINARYMIME
250-SMTPUTF8
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
550 5.1.1 No such mailbox, id ID
550 5.7.1 Relaying denied, id ID
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
221 2.0.0 mx.test closing connection
SERVER
}

@test "in the reply tables each enhanced code has the class of its reply, and every row is there" {
    awk -F '"' '/\[(REPLY|VERDICT)_[A-Z_]*\] = {"/ {
            rows++
            if ($2 !~ /^[2-5][0-9][0-9]$/ || ($4 ~ /^[245]\.[0-9]+\.[0-9]+$/ && substr($4, 1, 1) != substr($2, 1, 1))) { print; bad = 1 }
            if ($4 !~ /^[245]\.[0-9]+\.[0-9]+$/ && $2 !~ /^(220|250|334|353|354)$/) { print; bad = 1 }
        }
        END { exit bad || rows < 50 }' "$top/session/reply.c"
    grep -oE '^ +(REPLY|VERDICT)_[A-Z_]+' "$top/session/reply.h" | grep -vE 'REPLY_(NONE|LINE_MAX|ROOM)' | tr -d ' ' | sort >named
    grep -oE '\[(REPLY|VERDICT)_[A-Z_]+\] = \{' "$top/session/reply.c" | grep -oE '[A-Z_]+' | sort | diff named -
}
