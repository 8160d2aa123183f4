/*
 * How long the client may take: for a command, for the octets of a message, for the session. Times
 * are clock_milliseconds.
 */
#ifndef HANDLER_FRONTEND_TIMEOUTS_H
#define HANDLER_FRONTEND_TIMEOUTS_H

#include "handler/options/options.h"

struct timeouts {
    int64_t command_timeout; /* milliseconds, as all here */
    int64_t data_timeout;
    int64_t min_rate; /* octets a second, 0 for any */
    int64_t session_until;
    int64_t command_until;
    int64_t data_until;
    int64_t credit; /* thousandths of octets, less than buy a millisecond */
};

/* The session began at `now`. */
void timeouts_begin(struct timeouts *timeouts, const struct options *options, int64_t now);

/* The client did what was waited for: the wait for a command, or for a message, begins anew. */
void timeouts_renew(struct timeouts *timeouts, int64_t now);

/*
 * `count` octets of a message came: each buys the time that it may take at the minimum rate, up to
 * the data timeout in all.
 */
void timeouts_credit(struct timeouts *timeouts, size_t count, int64_t now);

/* Whether the session has lasted as long as it may. */
bool timeouts_session_is_over(const struct timeouts *timeouts, int64_t now);

/* Only a last reply is to be written: leaves the session five seconds. */
void timeouts_limit(struct timeouts *timeouts, int64_t now);

/*
 * Until when to wait; `ending` says what time is over then. With `crowded` the client has no longer
 * than timeouts_when_crowded.
 */
int64_t timeouts_deadline(const struct timeouts *timeouts, bool within_message, bool crowded,
                          enum ending *ending);

/*
 * The time for a command, or for the octets of a message, when most connections are taken: a tenth
 * of the usual. It is also how often to check whether they are.
 */
int64_t timeouts_when_crowded(const struct timeouts *timeouts, bool within_message);

/*
 * The seconds of processor time that no session with these options can need: by the octets of its
 * messages if they are bounded, and never more than its own time.
 */
uint64_t timeouts_processor_seconds(const struct options *options);

#endif
