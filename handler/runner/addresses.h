/*
 * Serves the requests for a sender and its recipients: whether each may take part. The contracts
 * are in boundary.h. Each returns the violation of the protocol in the request, NULL for none.
 */
#ifndef HANDLER_RUNNER_ADDRESSES_H
#define HANDLER_RUNNER_ADDRESSES_H

#include "handler/runner/state.h"

const char *addresses_serve_sender(struct runner *runner, const struct request *request);
const char *addresses_serve_recipient(struct runner *runner, const struct request *request);
const char *addresses_serve_refused(struct runner *runner, const struct request *request);

/*
 * Whether a filter may give the message this sender, or add this recipient beside that: one whom
 * the client could have named itself. `route` is the recipient's; it `is_apart` if the command
 * must run for it alone.
 */
bool addresses_allow_sender(struct runner *runner, const struct mailbox *sender);
bool addresses_allow_recipient(struct runner *runner, const struct mailbox *sender,
                               const struct mailbox *recipient, struct route *route,
                               bool *is_apart);

#endif
