load helper

# Delivery status notifications, RFC 3461: what the client asked for is handed over.

@test "the example of RFC 3461 reaches the command" {
    conversation --dsn --domain '*' <<'CLIENT' 4<<'SERVER'
EHLO Pure-Heart.ORG
MAIL FROM:<Alice@Pure-Heart.ORG> RET=HDRS ENVID=QQ314159
RCPT TO:<Bob@Big-Bucks.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Big-Bucks.COM
RCPT TO:<Carol@Ivory.EDU> NOTIFY=FAILURE ORCPT=rfc822;Carol@Ivory.EDU
RCPT TO:<Dana@Ivory.EDU> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU
RCPT TO:<Fred@Bombs.AF.MIL> NOTIFY=NEVER
RCPT TO:<George@Tax-ME.GOV>
DATA
.
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
250-DSN
250 LIMITS MAILMAX=1000 RCPTMAX=1000
250 2.1.0 Sender ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
250 2.1.5 Recipient ok
354 Send the message, end with a dot on a line by itself
250 2.0.0 Delivered, id ID
SERVER
    kept_environment 1 | grep -A4 -E '^(ENVID|RET|NOTIFY|ORCPT)=' >got
    grep -qx ENVID=QQ314159 got
    grep -qx RET=HDRS got
    sed -n '/^NOTIFY=/,+4p' got | diff - <(printf 'NOTIFY=SUCCESS\nFAILURE\nSUCCESS,FAILURE\nNEVER\n\n')
    sed -n '/^ORCPT=/,+4p' got | diff - <(printf 'ORCPT=rfc822;Bob@Big-Bucks.COM\nrfc822;Carol@Ivory.EDU\nrfc822;Dana@Ivory.EDU\n\n\n')
}

@test "without --dsn no part of DSN is offered, known or handed over" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> RET=FULL' 'MAIL FROM:<> ENVID=x' 'MAIL FROM:<>' 'RCPT TO:<a@example.org> NOTIFY=NEVER' \
        'RCPT TO:<a@example.org> ORCPT=rfc822;a@b' 'RCPT TO:<a@example.org>' DATA . | ENVID=outside NOTIFY=outside handler | from_wire >said
    refute grep -q DSN said
    printf '%s\r\n' 'HELO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org> NOTIFY=NEVER' | handler --dsn | from_wire | tail -1 | grep -q '^555'
    grep '^555' said | diff - <(printf '555 5.5.4 Parameter not recognized: %s\n' RET=FULL ENVID=x NOTIFY=NEVER 'ORCPT=rfc822;a@b')
    kept_environment 1 >environment
    grep -qx SENDER= environment
    refute grep -qE '^(ENVID|RET|NOTIFY|ORCPT)=' environment
}

@test "if nothing is asked for, the variables of DSN are empty, one line a recipient" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@example.org>' DATA . | ENVID=outside handler --dsn >replies
    kept_environment 1 | grep -E '^(ENVID|RET|NOTIFY|ORCPT)=' | sort | diff - <(printf 'ENVID=\nNOTIFY=\nORCPT=\nRET=\n')
}

@test "under LMTP each run of the command has the DSN variables of its own recipient" {
    delivery=(sh -c 'printf "%s\n" "$RECIPIENT $NOTIFY $ORCPT $RET $ENVID" >>"$KEPT/told"')
    printf '%s\r\n' 'LHLO c' 'MAIL FROM:<> RET=full ENVID=x+20y' 'RCPT TO:<a@example.org> NOTIFY=delay,failure' \
        'RCPT TO:<b@example.org> ORCPT=X-type;b' DATA . | handler --dsn --lmtp >replies
    diff - "$KEPT/told" <<<'a@example.org FAILURE,DELAY  FULL x y
b@example.org  X-type;b FULL x y'
}

# replies_to LINE...: the reply to each, in a transaction if it begins with RCPT. VRFY marks the reply
# before its own.
replies_to() {
    local line
    {
        printf 'EHLO c\r\n'
        for line; do
            [ "${line:0:4}" = MAIL ] || printf 'MAIL FROM:<>%s\r\n' "$asked"
            printf '%b\r\nVRFY x\r\nRSET\r\n' "$line"
        done
    } | handler --dsn --max-errors 99 | from_wire | awk '/^252 / { print reply } { reply = $0 }' >got
    [ "$(wc -l <got)" = $# ]
    cat got
}

@test "the values of DSN parameters are checked to the letter" {
    local long
    long=$(printf '%100s' '' | tr ' ' x)
    replies_to 'MAIL FROM:<> RET=HDRS' 'MAIL FROM:<> ret=full' "MAIL FROM:<> ENVID=$long" 'MAIL FROM:<> ENVID=+2B+7E!' \
        'MAIL FROM:<> ENVID=a+2b+3Db' 'RCPT TO:<a@example.org> NOTIFY=never' 'RCPT TO:<a@example.org> NOTIFY=DELAY,DELAY' 'RCPT TO:<a@example.org> ORCPT=rfc822;' \
        "RCPT TO:<a@example.org> ORCPT=rfc822;$long$long$long$long$(printf '%93s' '' | tr ' ' x)" |
        cut -c1-3 | uniq | diff - <(echo 250)
    replies_to 'MAIL FROM:<> RET' 'MAIL FROM:<> RET=BODY' 'MAIL FROM:<> RET=HDRS RET=HDRS' 'MAIL FROM:<> ENVID' 'MAIL FROM:<> ENVID=' \
        "MAIL FROM:<> ENVID=x$long" 'MAIL FROM:<> ENVID=a=b' 'MAIL FROM:<> ENVID=a+2' 'MAIL FROM:<> ENVID=a+2g' 'MAIL FROM:<> ENVID=a+' \
        'MAIL FROM:<> ENVID=+0a' 'MAIL FROM:<> ENVID=+0A' 'MAIL FROM:<> ENVID=+00' 'MAIL FROM:<> ENVID=+7F' 'MAIL FROM:<> ENVID=+C3+BC' \
        'RCPT TO:<a@example.org> NOTIFY=' 'RCPT TO:<a@example.org> NOTIFY=NEVER,DELAY' 'RCPT TO:<a@example.org> NOTIFY=SUCCESS,' \
        'RCPT TO:<a@example.org> NOTIFY=ALWAYS' 'RCPT TO:<a@example.org> ORCPT=rfc822;a@b ORCPT=rfc822;a@b' |
        cut -c1-9 | uniq | diff - <(echo 501 5.5.4)
}

@test "xtext may have small letters" {
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<> ENVID=a+2b+3db' 'RCPT TO:<a@example.org> ORCPT=rfc822;you+2btag@example.org' DATA . |
        handler --dsn >replies
    kept_environment 1 | grep -E '^(ENVID|ORCPT)=' | sort | diff - <(printf '%s\n' 'ENVID=a+=b' 'ORCPT=rfc822;you+tag@example.org')
}

# dropped ORCPT LOGGED: a recipient with it is accepted without it, and the log tells.
dropped() {
    rm -f "$KEPT"/* log
    printf '%b\r\n' 'EHLO c' "MAIL FROM:<>$asked" "RCPT TO:<a@example.org> NOTIFY=NEVER ORCPT=$1" \
        'RCPT TO:<b@example.org> ORCPT=rfc822;b@c' DATA . | handler --dsn | from_wire | tail -1 | grep -q '^250 2.0.0 Delivered'
    kept_environment 1 | grep -A1 '^ORCPT=' | diff - <(printf 'ORCPT=\nrfc822;b@c\n')
    kept_environment 1 | grep -A1 '^NOTIFY=' | diff - <(printf 'NOTIFY=NEVER\n\n')
    grep ' dropped=' log | sed 's/ id=[^ ]*//' |
        diff - <(echo "smtp-handler: recipient result=accepted helo=c from=<> to=a@example.org dropped=\"ORCPT=$2\"")
}

@test "an ORCPT that is no xtext is dropped and logged, and no other" {
    local long
    long=$(printf '%494s' '' | tr ' ' x)
    while read -r orcpt logged; do
        dropped "$orcpt" "${logged:-$orcpt}"
    done <<EOF
rfc822;you+tag@example.org
rfc822;a=b@example.org
rfc822;a+2
root
a@b
;a@b
rf(c;a@b
rfc822;+0D+0A
rfc822;\xc3\xbc@b rfc822;??@b
rfc822;$long rfc822;${long:0:187}
EOF
    dropped '' ''
    printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>' 'RCPT TO:<a@elsewhere.example> ORCPT=root' 'RCPT TO:<a@example.org> ORCPT=rfc822;x@y' |
        handler --dsn 2>log >replies
    refute grep -q dropped log
}

@test "an ORCPT of type utf-8 is decoded from both its forms" {
    printf '%b\r\n' 'EHLO c' 'MAIL FROM:<> SMTPUTF8' 'RCPT TO:<a@example.org> ORCPT=utf-8;j\\x{fc}rgen\\x{2B}\\x{1F600}@b' \
        'RCPT TO:<b@example.org> ORCPT=UTF-8;jürgen@b' DATA . | handler --dsn >replies
    kept_environment 1 | sed -n '/^ORCPT=/,+1p' | diff - <(printf 'ORCPT=utf-8;jürgen+😀@b\nUTF-8;jürgen@b\n')
    asked=' SMTPUTF8'
    replies_to 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{0A}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{85}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{D800}' \
        'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{41F600}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{C0000A}' \
        'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{110000}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{FFFFFF}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{}' \
        'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{1' 'RCPT TO:<a@example.org> ORCPT=utf-8;\\x{XY}' 'RCPT TO:<a@example.org> ORCPT=utf-8;\xc3' \
        'RCPT TO:<a@example.org> ORCPT=utf-8;\\n' | cut -c1-9 | uniq | diff - <(echo 250 2.1.5)
    [ "$(grep -c ' dropped="ORCPT=utf-8;' log)" = 10 ] # so many events a connection
    grep -q '^smtp-handler: connection .* unreported=2' log
}

@test "without SMTPUTF8 only an address must be of ASCII" {
    replies_to 'RCPT TO:<a@example.org> ORCPT=utf-8;jürgen@b' | grep -q '^250 2.1.5'
    replies_to 'RCPT TO:<ä@example.org> ORCPT=utf-8;jürgen@b' | grep -q '^553 5.6.7'
}

@test "a thousand recipients with every DSN parameter are accepted as far as there is room" {
    { printf 'EHLO c\r\nMAIL FROM:<>\r\n'
      seq -f "RCPT TO:<user%g@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;$(printf '%480s' '' | tr ' ' x)" 1000 | sed 's/$/\r/'
      printf 'DATA\r\nx\r\n.\r\n'; } | handler --dsn | from_wire >said
    taken=$(grep -c '^250 2.1.5' said)
    [ "$taken" -ge 100 ]
    [ "$(grep -c '^452 4.5.3' said)" = $((1000 - taken)) ]
    tail -1 said | grep -q '^250 2.0.0 Delivered'
    kept_environment 1 | grep -c '^\(ORCPT=\)\?rfc822;x*$' | grep -qx "$taken"
}

@test "a flood of ORCPTs that are dropped does not flood the log" {
    { printf '%s\r\n' 'EHLO c' 'MAIL FROM:<>'; printf 'RCPT TO:<a%d@example.org> ORCPT=root\r\n' {1..12}; } | handler --dsn >replies
    [ "$(grep -c ' dropped=' log)" = 10 ]
    grep -q '^smtp-handler: connection .* unreported=2' log
}
