#include "handler/verdict/policy-question.h"

#include <ctype.h>
#include <string.h>

enum { DIGEST_TEXT_MAX = 3 * 64 }; /* octets as Postfix writes them, of SHA-512 */

/* An attribute; octets that would end it become question marks. */
static void add(struct text *question, const char *name, struct span value)
{
    text_add_string(question, name);
    text_add_string(question, "=");
    text_add_harmless(question, value);
    text_add_string(question, "\n");
}

static void add_number(struct text *question, const char *name, uint64_t value)
{
    text_add_string(question, name);
    text_add_string(question, "=");
    text_add_number(question, value, 1);
    text_add_string(question, "\n");
}

static void add_port(struct text *question, const char *name, unsigned port)
{
    if (port > 0)
        add_number(question, name, port);
    else
        add(question, name, span_empty());
}

static void add_client(struct text *question, const struct transaction *transaction)
{
    const struct connection *connection = transaction->connection;
    const char *hostname = connection->client_hostname;
    struct span name = span_of(hostname[0] != '\0' ? hostname : "unknown");
    add(question, "client_address", span_of(connection->client.text));
    add(question, "client_name", name);
    add_port(question, "client_port", connection->client.port);
    add(question, "reverse_client_name", name);
    add(question, "server_address", span_of(connection->local.text));
    add_port(question, "server_port", connection->local.port);
    add(question, "helo_name", transaction_helo(transaction));
}

/* The digest in "SHA256:...", as Postfix writes it: capitals, and a colon between the octets. */
static struct span write_digest(char octets[DIGEST_TEXT_MAX], struct span hash)
{
    size_t length = 0, first = span_find(hash, ':') + 1;
    for (size_t i = first; i < hash.length && length < DIGEST_TEXT_MAX - 1; i++) {
        if (i > first && (i - first) % 2 == 0)
            octets[length++] = ':';
        octets[length++] = (char)toupper((unsigned char)hash.octets[i]);
    }
    return (struct span){octets, length};
}

/* The bits of a cipher's key, by its name; 0 without TLS. */
static uint64_t find_key_size(struct span cipher)
{
    if (cipher.length == 0)
        return 0;
    return memmem(cipher.octets, cipher.length, "128", 3) != NULL ? 128 : 256;
}

/*
 * The subject and the issuer of a certificate are left empty: their common name cannot be told
 * apart from what the client has put into another part of its name.
 */
static void add_authentication(struct text *question, const struct transaction *transaction)
{
    char digest[DIGEST_TEXT_MAX];
    struct span user = transaction_user(transaction);
    struct span cipher = transaction_tls(transaction, "SSL_CIPHER");
    add(question, "sasl_method", user.length > 0 ? span_of(transaction->mechanism) : span_empty());
    add(question, "sasl_username", user);
    add(question, "sasl_sender", span_empty());
    add(question, "ccert_subject", span_empty());
    add(question, "ccert_issuer", span_empty());
    add(question, "ccert_fingerprint",
        write_digest(digest, transaction_tls(transaction, "SSL_PEER_CERT_HASH")));
    add(question, "ccert_pubkey_fingerprint", span_empty());
    add(question, "encryption_protocol", transaction_tls(transaction, "SSL_PROTOCOL"));
    add(question, "encryption_cipher", cipher);
    add_number(question, "encryption_keysize", find_key_size(cipher));
}

void policy_question_write(const struct transaction *transaction, const struct mailbox *recipient,
                           struct text *question)
{
    add(question, "request", span_of("smtpd_access_policy"));
    add(question, "protocol_state", span_of("RCPT"));
    add(question, "protocol_name", span_of(transaction->extended ? "ESMTP" : "SMTP"));
    add_client(question, transaction);
    add(question, "sender", mailbox_whole(&transaction->envelope.sender));
    add(question, "recipient", mailbox_whole(recipient));
    add_number(question, "recipient_count", 0); /* as Postfix has it before DATA */
    add(question, "queue_id", transaction_id(transaction));
    add(question, "instance", transaction_id(transaction));
    add_number(question, "size", transaction->announced);
    add(question, "etrn_domain", span_empty());
    add(question, "stress", span_empty());
    add_authentication(question, transaction);
    add(question, "policy_context", span_empty());
    text_add_string(question, "\n");
}
