load helper
load drill

# What no good client does, under tcpserver. Each test also checks that a connection takes
# little memory, is over in time, and leaves no process, no zombie and no file; test/drill/abuse has
# the bounds.

setup_file() {
    drills abuse "$drill/abuse"
}

# abused NAME SAMPLE WHOLE
abused() {
    needs_root 'see how much memory a frontend has'
    drills abuse "$drill/abuse" "$SMTP_HANDLER" "$PWD/abuse" "$(free_port)" "$1" \
        "$(size "$2" "$3")" "${SEED:-6}"
}

@test "a new client is served at once, however many others are idle" {
    case $SMTP_HANDLER in
    *sanitize*) abused idle 50 50 ;; # of which each takes many times the memory
    *) abused idle 200 2000 ;;
    esac
}

@test "clients that trickle are cut off, in a line, between commands and in a message" {
    abused trickle 12 200
}

@test "clients that never read a reply are cut off" {
    abused never-read 12 30
}

@test "a line of very many octets is discarded in constant memory" {
    abused line 100 1024
}

@test "a message that is one line, and too large, is discarded in constant memory" {
    abused message-line 100 1024
}

@test "a line, a message or a session without end is cut off" {
    abused without-end 8 40
}

@test "a flood of recipients is answered, each of them" {
    abused recipients 20000 100000
}

@test "a flood of errors ends with the twentieth" {
    abused errors 20000 100000
}

@test "a flood of chunks of one octet is a message like any other" {
    abused chunks 20000 100000
}

@test "whenever a client resets the connection, only what it sent whole is delivered" {
    abused resets 56 560
}
