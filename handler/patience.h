/*
 * How long the client may take: for a command, for the octets of a message, for it all. Times are
 * clock_milliseconds.
 */
#ifndef HANDLER_PATIENCE_H
#define HANDLER_PATIENCE_H

#include "options.h"

struct patience {
    int64_t command_timeout; /* milliseconds, as all here */
    int64_t data_timeout;
    int64_t min_rate; /* octets a second, 0 for any */
    int64_t session_until;
    int64_t command_until;
    int64_t data_until;
    int64_t unpaid; /* thousandths of octets that did not buy a whole millisecond yet */
};

/* The session began at `now`. */
void patience_begin(struct patience *patience, const struct options *options, int64_t now);

/* The client did what was waited for: the wait for a command, or for a message, begins anew. */
void patience_renew(struct patience *patience, int64_t now);

/*
 * Octets of a message came: each buys the time that it may take at the least rate, never more than
 * the data timeout in all.
 */
void patience_octets_came(struct patience *patience, size_t count, int64_t now);

/* Whether the session has lasted as long as it may. */
bool patience_session_is_over(const struct patience *patience, int64_t now);

/* Nothing but a last reply is to be written: five seconds are left at most. */
void patience_hurry(struct patience *patience, int64_t now);

/*
 * How long to wait yet, 0 when time is over; `ending` says which time it is.
 */
int64_t patience_left(const struct patience *patience, bool within_message, int64_t now,
                      enum ending *ending);

#endif
