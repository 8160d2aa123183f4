/*
 * Gives a message to the command: who is left out, in which copy of it each run has its recipient's
 * name, and how it ended. It serves no request itself (messages.c).
 */
#ifndef HANDLER_RUNNER_DELIVERIES_H
#define HANDLER_RUNNER_DELIVERIES_H

#include "handler/runner/copy.h"

/*
 * Delivers it to the recipient whose turn it is, or to all, but not to those who have it already,
 * and once to one who was named more than once. The outcome is `runner->delivery`.
 */
void deliveries_deliver(struct runner *runner, const struct stored *message);

#endif
