load helper
load peers
load tls

# Real servers and clients that insist on TLS.

setup_file() {
    make_pairs mx
    printf 'alice:%s\n' "$(hashed secret-of-alice)" >"$BATS_FILE_TMPDIR/users"
    python3 -c 'import sys
print("From: Sender <sender@example.net>\nTo: user@example.org\nSubject: over TLS\n"
      "Date: Thu, 01 Oct 2026 12:00:00 +0000\nMessage-ID: <1@example.net>\n")
for number in range(20000):
    print("%075d" % number)
print(".\n..\n.dot\n")' >"$BATS_FILE_TMPDIR/mail"
}

# arrived N: message N ends with the mail, octet for octet.
arrived() {
    tail -c "$(wc -c <"$BATS_FILE_TMPDIR/mail")" "$KEPT/$1.message" | cmp - "$BATS_FILE_TMPDIR/mail"
}

@test "mail that Postfix relays, and only over TLS it trusts, arrives as it was sent" {
    serve --tls required
    start_postfix "smtp:[127.0.0.1]:$port"
    "${postfix[@]}" postconf smtp_tls_security_level=secure smtp_tls_secure_cert_match=mx.test \
        "smtp_tls_CAfile=$certificates/mx.crt" smtp_tls_loglevel=1
    touch -d '1 minute ago' postfix/main.cf
    "${postfix[@]}" sendmail -i -f sender@example.net user@example.org <"$BATS_FILE_TMPDIR/mail"
    eventually postfix_sent 1
    arrived 1
    kept_environment 1 | grep -qx CLIENT_PROTOCOL=ESMTPS
    kept_environment 1 | grep -qx TLS_PROTOCOL=TLSv1.3
    grep -q 'Verified TLS connection established' maillog
    eventually no_relay_is_left
}

# by_msmtp OPTION...: msmtp submits the mail.
by_msmtp() {
    msmtp --file=/dev/null --host=127.0.0.1 --port="$port" --domain=client.test --tls=on \
        --tls-trust-file="$certificates/mx.crt" --tls-host-override=mx.test --from=sender@example.net \
        --auth=plain --user=alice --passwordeval='echo secret-of-alice' "$@" \
        someone@elsewhere.test <"$BATS_FILE_TMPDIR/mail"
}

@test "msmtp submits with a password, over STARTTLS and over TLS before the greeting" {
    serve --submission --auth "$PASSWORD_CHECK $BATS_FILE_TMPDIR/users"
    by_msmtp --tls-starttls=on
    serve --submission --tls implicit --auth "$PASSWORD_CHECK $BATS_FILE_TMPDIR/users"
    by_msmtp --tls-starttls=off --auth=login
    for number in 1 2; do
        arrived "$number"
        kept_environment "$number" | grep -qx SASL_USERNAME=alice
        kept_environment "$number" | grep -qx CLIENT_PROTOCOL=ESMTPSA
        kept_environment "$number" | grep -qx RECIPIENT=someone@elsewhere.test
    done
    kept_environment 2 | grep -qx SASL_METHOD=LOGIN
    refute by_msmtp --tls-starttls=off --passwordeval='echo wrong'
}
