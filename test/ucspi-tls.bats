load helper
load peers
load tls

# TLS from a UCSPI-TLS server, as s6-networking and ucspi-ssl offer it.

setup_file() {
    make_pairs mx
}

# serve_ucspi OPTION...: the handler under a UCSPI-TLS server, for one connection.
serve_ucspi() {
    port=$(free_port)
    rm -f background
    in_background "$commands/ucspi-tls" "$port" "$certificates/mx.crt" "$certificates/mx.key" \
        "$SMTP_HANDLER" --hostname mx.test --domain example.org --log stderr "$@" -- "${delivery[@]}"
    eventually grep -q listening background
}

@test "mail comes through a UCSPI-TLS server, and the client's QUIT is answered" {
    serve_ucspi
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message("Subject: test\r\n\r\n" + "line\r\n" * 100000).startswith("250")
client.expect("221", "QUIT")
assert client.is_over()
END
    [ "$(kept_count)" = 1 ]
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=ESMTPS
    kept_environment 1 | grep -qx TLS_PROTOCOL=TLSv1.3
    kept_environment 1 | grep -qE '^TLS_CIPHER=TLS_'
    kept_environment 1 | refute grep -qE '^(UCSPITLS|SSL(CTL|READ|WRITE)FD)='
    eventually grep -q 'connection .*ended=quit' background
    wait "${started[-1]}"
}

@test "within a UCSPI-TLS session the command holds none of the server's descriptors" {
    delivery=(sh -c 'exec >"$KEPT/descriptors"; exec ls -l /proc/self/fd')
    serve_ucspi
    client <<'END'
client = Client(port)
client.starttls()
assert client.send_message().startswith("250")
END
    grep ' 1 -> ' "$KEPT/descriptors"
    refute grep -E ' ([3-9]|[1-9][0-9]) -> (pipe|socket):' "$KEPT/descriptors"
}

@test "a UCSPI-TLS server that passes no descriptors does not make us offer STARTTLS" {
    port=$(free_port)
    UCSPITLS='' in_background tcpserver -HRl mx.test 127.0.0.1 "$port" "$SMTP_HANDLER" --log stderr true
    eventually is_listening "$port"
    client <<'END'
client = Client(port)
assert "STARTTLS" not in client.expect("250", "EHLO client.test")
client.expect("454", "STARTTLS")
END
    eventually grep -q 'SSLCTLFD' background
}
