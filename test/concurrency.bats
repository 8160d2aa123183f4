load helper

fifty_clients() {
    python3 "$commands/clients" "$port" "$KEPT"
}

@test "fifty clients at once under tcpserver: whole messages arrive once, broken ones never" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test -b 128 -c 100 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org --log none \
        sh -c 'cat >"$KEPT/$TRANSACTION_ID"'
    eventually is_listening "$port"
    fifty_clients
}

@test "fifty clients at once under systemd-socket-activate: whole messages arrive once, broken ones never" {
    port=$(free_port)
    in_background systemd-socket-activate --accept --inetd -E KEPT -l "127.0.0.1:$port" "$SMTP_HANDLER" \
        --domain example.org --log none sh -c 'cat >"$KEPT/$TRANSACTION_ID"'
    eventually is_listening "$port"
    fifty_clients
}

@test "fifty deliveries at once into one Maildir, through the handler" {
    port=$(free_port)
    in_background tcpserver -HRl mx.test -b 128 -c 100 127.0.0.1 "$port" "$SMTP_HANDLER" --domain example.org --log none \
        "$MAILDIR_DELIVER" "$KEPT/box"
    eventually is_listening "$port"
    python3 "$commands/clients" "$port" "$KEPT/box/new"
}
