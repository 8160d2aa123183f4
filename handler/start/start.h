/*
 * What is found and checked before a client is served, whatever we were started as, and how those
 * who started us are told of it. Nothing here parses what a client says.
 */
#ifndef HANDLER_START_H
#define HANDLER_START_H

#include <limits.h>

#include "handler/connection.h"
#include "handler/delivery/command.h"
#include "handler/delivery/filters.h"
#include "handler/ledger.h"
#include "handler/newlines.h"
#include "handler/options/options.h"
#include "handler/runner/spool.h"
#include "handler/verdict/recipients.h"

/* What we were started with, and what is found before the connection is served. */
struct start {
    struct options options;
    struct connection connection;
    struct recipients recipients;
    struct ledger ledger;
    struct spool spool;
    char spool_place[PATH_MAX]; /* its directory */
    const char *hostname;
    enum tls_policy tls_policy;
    bool lacks_tls; /* it cannot be offered */
    enum newlines newlines;
    bool one_recipient; /* COMMAND runs for each recipient: the options say so, or it must */
    int64_t began;      /* milliseconds */
    char id[40];
    struct command command, recipient_check;
    struct filters filters;
    char auth_path[PROCESS_PATH_MAX];
};

/*
 * Finds all that a connection needs, and adds to `problems` what is wrong: a client is not served
 * then. With --check makes nothing, and does not look at the connection.
 */
void start_prepare(struct start *start, struct problems *problems);

/*
 * Looks at what STARTTLS needs; when it comes, it finds out the rest. If that is missing the
 * service goes on without, and the log says so; if mail needs TLS it is one of `problems`.
 */
void start_look_at_tls(struct start *start, struct problems *problems);

/* Whether --check answers on standard output, which in ExecStartPre= may be the client. */
bool start_answers(const struct start *start);

/* Tells who started us, on standard error or in the log. */
void start_tell(const struct start *start, const struct problem *problem);

/* Sends 421 to a client that waits. */
void start_turn_away(const struct start *start);

#endif
