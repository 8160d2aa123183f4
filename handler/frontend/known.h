/*
 * Verdicts of the runner that the frontend knows itself, so that it need not wait for them. The
 * runner decides all the same, and ends the connection if the frontend told it wrong.
 */
#ifndef HANDLER_FRONTEND_KNOWN_H
#define HANDLER_FRONTEND_KNOWN_H

#include "handler/options/options.h"
#include "handler/verdict/recipients.h"

/* Whether the verdict on a recipient may take seconds. */
bool known_takes_time(const struct options *options);

/*
 * Whether the sender of the envelope is known to be accepted, or `recipient` if that is not NULL.
 * False if that takes a file, a library, or more than the envelope to know.
 */
bool known_accepted(const struct options *options, const struct recipients *recipients,
                    const struct envelope *envelope, const struct mailbox *recipient);

#endif
