load helper
load peers
load tls
load attack

# A relay and a password program that were taken over (test/drill/attack-*.c) gain nothing.

setup_file() {
    make_pairs mx
}

@test "a relay that was not taken over serves as ever" {
    attacked_relay
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
END
}

@test "without the sandbox the attacks of a relay on the kernel would succeed" {
    for ATTACK in open create connect fork signal 'map code' execute; do
        export ATTACK
        attacked_relay --no-sandbox
        shake_hands >heard
        grep -q SUCCEEDED heard || { echo "$ATTACK"; return 1; }
    done
}

@test "a relay can neither open, create, execute, connect, fork, trace, signal nor map code" {
    for ATTACK in open create execute connect fork trace signal 'map code' 'read parent'; do
        export ATTACK
        attacked_relay
        shake_hands >heard
        refute grep . heard
        eventually grep -q 'handshake client=' background
        rm background
    done
    [ ! -e captured ]
}

@test "a password program that was not taken over checks as ever" {
    attack_password none
}

@test "without the sandbox the attacks of a password program on the kernel would succeed" {
    export SMTP_HANDLER_SANDBOX=off
    for attack in open create connect fork signal 'map code' execute; do
        attack_password "$attack" || { echo "$attack"; return 1; }
    done
    [ -e captured ]
}

@test "a password program can neither open, create, execute, connect, fork, trace, signal nor map code" {
    for attack in open create execute connect fork trace signal 'map code' 'read parent'; do
        run attack_password "$attack"
        [ "$status" = 111 ] || { echo "$attack: $status"; return 1; }
        [ "$(cat said)" = 'password-check: ended by signal 31' ]
    done
    [ ! -e captured ]
}
