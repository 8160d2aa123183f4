#include "helpers/tls-relay/server.h"

#include <errno.h>
#include <openssl/err.h>

/*
 * ALPN (RFC 7301): a client that speaks other protocols than SMTP gets the alert
 * no_application_protocol, so that a browser cannot be made to talk to us (ALPACA). As Exim has it,
 * since no name is registered.
 */
static int choose_protocol(SSL *tls, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned offered_length, void *unused)
{
    static const unsigned char ours[] = "\4smtp\5esmtp";
    unsigned char *found = NULL;
    (void)tls, (void)unused; /* they are the same for all clients */
    int result =
        SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, offered_length);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What is wrong with the client's certificate is told, and ends nothing (RFC 3207 4.1). */
static int accept_any(int fits, X509_STORE_CTX *store)
{
    (void)fits, (void)store; /* SSL_get_verify_result(3) has it */
    return 1;
}

static bool set_ciphers(SSL_CTX *context)
{
    /* TLS 1.0 and 1.1 are deprecated (RFC 8996). */
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           /* For TLS 1.2: forward secrecy and AEAD. All ciphers of 1.3 have both. */
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           /* The groups that clients have; the fewer, the less that must be right. */
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

static void set_behaviour(SSL_CTX *context)
{
    /*
     * No session is resumed, since each has a process of its own. So no tickets are sent, which
     * could never be redeemed, and on which libesmtp hangs.
     */
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(context, 0); /* cannot fail */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Renegotiation would let a client make us compute for nothing, and TLS 1.3 has none. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* A certificate's file has its chain; no authority of clients' certificates is added. */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    /* carry.c offers what is left from another place, and takes what fits. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A connection that is idle takes little memory. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

static bool configure(struct server *server, const char *client_ca, char reason[KEYS_REASON_MAX])
{
    SSL_CTX *context = server->context;
    ERR_clear_error();
    errno = 0;
    if (context == NULL || !set_ciphers(context))
        return keys_fail(reason, "OpenSSL");
    set_behaviour(context);
    if (client_ca != NULL) {
        if (SSL_CTX_load_verify_file(context, client_ca) != 1)
            return keys_fail(reason, client_ca);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    }
    return keys_use(&server->keys, context, reason);
}

bool server_make(struct server *server, char **files, const char *client_ca,
                 char reason[KEYS_REASON_MAX])
{
    /* Its file is the administrator's, for other programs; to load it takes longer than all this.
     */
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); /* a context says what is missing */
    if (!keys_load(&server->keys, files, reason))
        return false;
    server->context = SSL_CTX_new(TLS_server_method());
    if (configure(server, client_ca, reason))
        return true;
    server_free(server);
    return false;
}

void server_free(struct server *server)
{
    SSL_CTX_free(server->context);
    keys_free(&server->keys);
    server->context = NULL;
}
