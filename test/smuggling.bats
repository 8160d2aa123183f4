load helper
load peers

# SMTP smuggling: what some server takes for the end of data, or of a line, and is not.

# Octets as printf has them, and the name in the log.
forms='\n.\n LF.LF
\n.\r\n LF.CRLF
\r\n.\n CRLF.LF
\r.\r CR.CR
\r\n.\rx CRLF.CR
\r.\r\n CR.CRLF
\n.\rx LF.CR
\r.\n CR.LF
\r\n.\r\r\n CRLF.CR
\n\n.\r\n LF LF.CRLF'

smuggled='MAIL FROM:<smuggled@example.net>\r\nRCPT TO:<user@example.org>\r\nDATA\r\nx\r\n.\r\n'

# said_and_wanted TRANSCRIPT [normalize]: what the session says and wants, the same wherever the octets are cut.
said_and_wanted() {
    printf '%b' "$1" | session_driver ${2:+"$2"} every
}

# no_false_end_passes OPTION...: none ends the message, or lets it pass, and the log names form and peer.
no_false_end_passes() {
    local octets name mode
    port=$(free_port)
    in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org "$@" "$commands/keep"
    eventually is_listening "$port"
    while read -r octets name; do
        transcript="HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\none$octets$smuggled"
        for mode in '' normalize; do
            said_and_wanted "$transcript" $mode >said || { cat said; return 1; }
            refute grep -q '^WANT_DELIVERY' said || { echo "$octets"; cat said; return 1; }
            grep -qx "WANT_DISCARD 5.6.11 [0-9]* $name" said || { echo "$octets"; cat said; return 1; }
        done
        : >background
        printf '%bQUIT\r\n' "$transcript" >client
        exec 9<>"/dev/tcp/127.0.0.1/$port"
        cat client >&9
        cut -c1-10 <&9 | tail -2 | diff - <(printf '554 5.6.11\n221 2.0.0 \n')
        eventually grep -qE "message result=refused .* client=127.0.0.1 .* form=\"?$name\"?\$" background || { cat background; return 1; }
    done <<<"$forms"
    [ "$(kept_count)" = 0 ]
}

@test "no false end of data ends the message, at whatever octet a read ends, and the log names form and peer" {
    no_false_end_passes
}

@test "with --newlines strict no false end of data ends the message either" {
    no_false_end_passes --newlines strict
}

@test "of each false end of data Postfix relays what it takes for one message, and so do we" {
    local octets sent=0
    start_handler
    start_postfix "smtp:[127.0.0.1]:$port"
    while read -r octets _; do
        sent=$((sent + 1))
        printf '%b' "Subject: $sent\n\none$octets${smuggled//\\r/}" | "${postfix[@]}" sendmail -i -f '' user@example.org
    done <<<"$forms"
    eventually postfix_sent "$sent"
    eventually accepted "$sent"
    refute grep -q ' from=smuggled' background
}
accepted() { [ "$(grep -c 'message result=accepted .* from=<> ' background)" = "$1" ]; }

@test "if a bare LF is a line end, a false end is found at the message's beginning and behind other bare LFs" {
    local octets name
    while read -r octets name; do
        said_and_wanted "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n$octets$smuggled" normalize >said || { cat said; return 1; }
        refute grep -q '^WANT_DELIVERY' said
        grep -qx "WANT_DISCARD 5.6.11 [0-9]* $name" said || { echo "$octets"; cat said; return 1; }
    done <<'EOF'
.\n CRLF.LF
.\rx CRLF.CR
one\ntwo\n.\r\n LF.CRLF
one\n\r\n.\n CRLF.LF
one\n..\n.\n LF.LF
one\n\n\n.\r\n LF LF.CRLF
one\r\n\n.\n LF.LF
EOF
}

@test "if a bare LF is a line end, what only looks like an end of the message is content" {
    local octets
    while read -r octets; do
        said_and_wanted "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\none${octets}MAIL FROM:<smuggled@x>\r\n.\r\n" normalize >said
        [ "$(grep -c '^WANT_DELIVERY' said)" = 1 ] || { echo "$octets"; cat said; return 1; }
        [ "$(grep -c '^WANT_VERDICT' said)" = 2 ]
        grep -q '^| MAIL FROM:<smuggled@x>' said
    done <<'EOF'
\n..\n
\n..\r\n
\r\n..\n
\n. \n
\n.x\n
\n\0.\n
\n.\0\n
EOF
}

@test "a false end of data with a NUL in it is content" {
    for octets in '\r\n\0.\r\n' '\r\n.\0\r\n' '\0\r\n.x\r\n' '\r\n\0\r\n'; do
        said_and_wanted "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\none${octets}MAIL FROM:<smuggled@x>\r\n.\r\n" >said
        [ "$(grep -c '^WANT_DELIVERY' said)" = 1 ] || { echo "$octets"; cat said; return 1; }
        grep -q '^| MAIL FROM:<smuggled@x>' said
    done
    for octets in '\n\0.\r\n' '\r\0\n.\r\n' '\r\n.\r\0\n'; do
        said_and_wanted "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\none${octets}MAIL FROM:<smuggled@x>\r\n.\r\n" >said
        grep -q '^WANT_DISCARD 5.6.11 ' said || { echo "$octets"; cat said; return 1; }
        refute grep -q '^WANT_DELIVERY' said
    done
}

@test "in chunks no false end of data ends anything: the number of octets does" {
    local octets name
    while read -r octets name; do
        printf '%b' "one$octets$smuggled" >chunk
        transcript="EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT $(stat -c %s chunk) LAST\r\none$octets${smuggled}NOOP\r\n"
        said_and_wanted "$transcript" >said || { cat said; return 1; }
        [ "$(grep -c '^WANT_VERDICT' said)" = 2 ] || { cat said; return 1; }
        refute grep -q '^WANT_DELIVERY' said
        grep -q "^WANT_DISCARD 5.6.11 .*" said
        # A bare LF may be a line end there, and a bare CR may not.
        said_and_wanted "$transcript" normalize >said || { cat said; return 1; }
        [ "$(grep -c '^WANT_VERDICT' said)" = 2 ] || { cat said; return 1; }
        case ${octets//'\r\n'/} in
            *'\r'*) grep -q '^WANT_DISCARD 5.6.11 ' said ;;
            *) grep -q '^WANT_DELIVERY a@b bare LF: [12]$' said ;;
        esac
        # The same octets are content with BODY=BINARYMIME.
        said_and_wanted "${transcript/<>/<> BODY=BINARYMIME}" >said || { cat said; return 1; }
        [ "$(grep -c '^WANT_VERDICT' said)" = 2 ] || { cat said; return 1; }
        [ "$(grep -c '^WANT_DELIVERY' said)" = 1 ]
    done <<<"$forms"
}

@test "octets of a refused chunk are not commands" {
    said_and_wanted 'EHLO c\r\nBDAT 26\r\nMAIL FROM:<smuggled@b>\r\n\r\nBDAT 10 LAST\r\nHELO x\r\n\r\nBDAT 7 FIRST\r\nQUIT\r\n\rNOOP\r\n' >said
    refute grep -q '^WANT_VERDICT' said
    [ "$(grep -c '^50[13] ' said)" = 3 ]
    [ "$(tail -2 said)" = "$(printf '250 2.0.0 Ok\r\nWANT_CLOSE')" ]
}

@test "in a command line no false end of data ends the line" {
    local octets
    while read -r octets _; do
        said_and_wanted "HELO c\r\nNOOP ${octets}MAIL FROM:<smuggled@x>\r\nVRFY x\r\n" >said || { cat said; return 1; }
        refute grep -q '^WANT_VERDICT' said || { echo "$octets"; cat said; return 1; }
        grep -q '^252 ' said
    done <<'EOF'
\n
\r
\n\n
\r\r
\n\r
\0\n
\r\0\n
EOF
}
