/*
 * Which command is for a recipient: that of its route, or that of the options.
 */
#ifndef HANDLER_RUNNER_ROUTES_H
#define HANDLER_RUNNER_ROUTES_H

#include "handler/runner/state.h"

/*
 * The command for `route`, which `routed` keeps if the list has it. NULL, and logged once a
 * connection, if it is wrong, or there is none.
 */
const struct command *routes_find(struct runner *runner, const struct route *route,
                                  struct routed *routed);

/* The command for the recipients of `transaction` at hand, or NULL as above. */
const struct command *routes_find_to_run(struct runner *runner,
                                         const struct transaction *transaction);

/*
 * Whether a recipient with `command` needs a message of its own, beside those that the transaction
 * has, one or more.
 */
bool routes_differ(struct runner *runner, const struct command *command);

#endif
