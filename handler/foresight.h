/*
 * What the session process can tell of the runner's verdicts by itself, so that it need not wait
 * for them. The runner judges all the same, and ends the connection where it was told wrong.
 */
#ifndef HANDLER_FORESIGHT_H
#define HANDLER_FORESIGHT_H

#include "options.h"
#include "recipients.h"

/*
 * Whether the sender of the envelope is certain to be accepted, or `recipient` if that is not NULL.
 * False where it takes a file, a library, or more than the envelope to know.
 */
bool foresight_accepts(const struct options *options, const struct recipients *recipients,
                       const struct envelope *envelope, const struct mailbox *recipient);

#endif
