/*
 * A keeper: holds certificates and keys, and forks a relay for each connection, so that these are
 * loaded once. A request is one datagram on descriptor 3, of any octet, with descriptors beside it:
 *
 *     three, of the client, of the control, and of the plaintext: a relay serves them, as if it had
 *     been started with them;
 *     one: "R" and an octet come, or what is wrong if a file is missing or empty.
 *
 * The keeper reads nothing else, so no client can reach it. All its relays have its memory's
 * layout. So that nobody can guess that by trying, it executes itself anew after a relay's death by
 * a signal, and after KEEP_RELAYS_MAX of them; relays that run are not touched.
 *
 * If systemd has started it for a request (LISTEN_FDS), and no pair is fit, it ends after the
 * answer.
 */
#ifndef HELPERS_TLS_RELAY_KEEP_H
#define HELPERS_TLS_RELAY_KEEP_H

#include <sys/stat.h>

#include "helpers/tls-relay/server.h"

enum { KEEP_SOCKET = 3, KEEP_RELAYS_MAX = 1000 };

/* Set by the caller in front of `servers`; zeros at first behind. */
struct keeper {
    char **argv; /* to execute itself with */
    char **files;
    const char *client_ca;
    bool unconfined;
    bool confined; /* it was executed anew, and what confined it holds */
    struct server servers[2];
    struct server *server;        /* the one in use; NULL if no pair has been fit yet */
    char reason[KEYS_REASON_MAX]; /* why there is none */
    bool unfit;                   /* the files as they are now */
    int64_t tried;                /* to load them, in milliseconds */
    struct stat known[KEYS_FILES_MAX];
    unsigned relays;
};

/*
 * Serves requests. Returns in each relay, with descriptors 0, 1, 3 and 4 in their places, or in the
 * keeper when nobody can request anything any more, or it cannot serve: then *status is its exit
 * status, and the result NULL; in a relay NULL, with keeper->reason, if there is no server.
 */
struct server *keep_relays(struct keeper *keeper, bool *is_relay, int *status);

#endif
