/*
 * What a frontend knows of its client. Its functions are in frontend.h, its life, and wants.h, its
 * loop.
 */
#ifndef HANDLER_FRONTEND_STATE_H
#define HANDLER_FRONTEND_STATE_H

#include "handler/boundary/boundary.h"
#include "handler/frontend/acknowledgement.h"
#include "handler/frontend/stream.h"
#include "handler/frontend/timeouts.h"
#include "handler/ledger.h"
#include "handler/options/options.h"

struct recipients;

/*
 * The caller owns its memory; it sets what stands in front of `stream`, and all else is zero at
 * first. The session comes last: pages that are never touched cost nothing.
 */
struct frontend {
    const struct options *options;
    const struct recipients *recipients;
    struct connection *connection;
    const char *hostname;
    const char *id; /* of the session */
    enum tls_policy tls_policy;
    bool lacks_tls; /* it cannot be offered */
    enum newlines newlines;
    bool one_recipient;
    int64_t began; /* milliseconds */
    struct ledger ledger;
    struct stream stream;
    struct boundary boundary;
    struct timeouts timeouts;
    struct acknowledgement acknowledgement;
    unsigned reads;     /* within messages */
    bool read_was_full; /* the last read filled the buffer, so read again before polling */
    bool client_left;
    const char *reason; /* why we closed the connection; NULL if the client did */
    struct want want;   /* the one that is carried out */
    struct session session;
};

#endif
