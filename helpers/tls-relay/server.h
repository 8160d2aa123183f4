/*
 * What the server speaks: versions of TLS, ciphers, extensions, and whether it asks clients for a
 * certificate. No configuration file of the library is read.
 */
#ifndef HELPERS_TLS_RELAY_SERVER_H
#define HELPERS_TLS_RELAY_SERVER_H

#include "helpers/tls-relay/keys.h"

struct server {
    SSL_CTX *context;
    struct keys keys;
};

/*
 * Makes a server of the pairs of certificate and key in `files`; with `client_ca`, if that is not
 * NULL, it asks clients for a certificate, and any certificate, or none, will do. False, with the
 * reason, if a file is not fit; there is nothing to free then. The server must not be moved.
 */
bool server_make(struct server *server, char **files, const char *client_ca,
                 char reason[KEYS_REASON_MAX]);

void server_free(struct server *server);

#endif
