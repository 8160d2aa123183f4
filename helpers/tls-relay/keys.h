/*
 * The certificates and keys of a server, each file parsed once, and which of them a client gets.
 */
#ifndef HELPERS_TLS_RELAY_KEYS_H
#define HELPERS_TLS_RELAY_KEYS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    KEYS_PAIRS_MAX = 16,
    KEYS_FILES_MAX = 2 * KEYS_PAIRS_MAX + 1, /* with that of clients' authorities */
    KEYS_REASON_MAX = 1024
};

struct keys_pair {
    X509 *certificate;
    STACK_OF(X509) * chain; /* what follows it in its file */
    EVP_PKEY *key;
    bool shares_name; /* with the first pair, or is the first */
};

struct keys {
    char **files; /* of each pair the certificate's and the key's; NULL ends them */
    size_t count;
    struct keys_pair pairs[KEYS_PAIRS_MAX];
};

/*
 * Loads the pairs of certificate and key in `files`, up to KEYS_PAIRS_MAX, which live as long as
 * `keys`. False, with the reason, if a file is not fit; there is nothing to free then.
 */
bool keys_load(struct keys *keys, char **files, char reason[KEYS_REASON_MAX]);

void keys_free(struct keys *keys);

/* Whether all certificates are valid now; false, with the reason, if one is not. */
bool keys_check_dates(const struct keys *keys, char reason[KEYS_REASON_MAX]);

/*
 * Gives all pairs to the server, for clients that ask for any name; false, with the reason, if the
 * library rejects one. The server uses `keys` as long as it lives.
 */
bool keys_use(struct keys *keys, SSL_CTX *server, char reason[KEYS_REASON_MAX]);

/* Writes "WHAT: " and why the library failed last, or why the system did (errno). Returns false. */
bool keys_fail(char reason[KEYS_REASON_MAX], const char *what);

#endif
