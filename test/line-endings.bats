load helper

# message_of OCTETS [OPTION...]: the replies to a message of these octets (as printf has them) and
# what follows, on a strict connection.
message_of() {
    local octets=$1
    shift
    printf '%b' "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.org>\r\nDATA\r\n$octets" | handler "$@" >replies
    from_wire <replies | without_ids | tail -n +5 >said
}

refused_as() {
    grep -qx '554 5.6.11 Only CR LF may end a line, id ID' said || { cat said; return 1; }
    [ "$(kept_count)" = 0 ] || { echo delivered; return 1; }
    grep -q "message result=refused .* form=\"\?$1\"\?\$" log || { cat log; return 1; }
}

@test "a bare line feed does not end a line, and the message is refused" {
    message_of 'one\ntwo\r\n.\r\nNOOP\r\n'
    refused_as 'bare LF'
    [ "$(tail -1 said)" = '250 2.0.0 Ok' ]
}

@test "a bare carriage return is refused, too" {
    message_of 'one\rtwo\r\n.\r\nNOOP\r\n'
    refused_as 'bare CR'
    [ "$(tail -1 said)" = '250 2.0.0 Ok' ]
}

@test "a command line with a bare LF or CR gets 500, as one line" {
    raw_conversation < <(printf 'HELO a\nHELO b\r\nNOOP\rQUIT\r\nHELO c\r\r\nHELO d\r\n') 4<<'SERVER'
220 mx.test ESMTP smtp-handler
500 5.5.2 Octets that no command may hold
500 5.5.2 Octets that no command may hold
500 5.5.2 Octets that no command may hold
250 mx.test
SERVER
}

@test "control characters in a command get 500" {
    raw_conversation < <(printf 'HELO a\0b\r\nNOOP \033[1m\r\nNO\tOP\r\nNOOP\177\r\n') 4<<'SERVER'
220 mx.test ESMTP smtp-handler
500 5.5.2 Octets that no command may hold
500 5.5.2 Octets that no command may hold
500 5.5.2 Octets that no command may hold
500 5.5.2 Octets that no command may hold
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

@test "by itself a here-document is lenient and a socket strict" {
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
    printf 'HELO a\nNOOP\r\nQUIT\r\n' >&9
    cut -c1-3 <&9 | diff - <(printf '220\n500\n221\n')
}
