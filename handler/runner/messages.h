/*
 * Serves the requests for a message: its spool, its deliveries, and its end. The contracts are in
 * boundary.h. Each returns the violation of the protocol in the request, NULL for none.
 */
#ifndef HANDLER_RUNNER_MESSAGES_H
#define HANDLER_RUNNER_MESSAGES_H

#include "handler/runner/state.h"

const char *messages_serve_spool(struct runner *runner, const struct request *request);
const char *messages_serve_spool_file(struct runner *runner, const struct request *request);
const char *messages_serve_delivery(struct runner *runner, const struct request *request);
const char *messages_serve_discard(struct runner *runner, const struct request *request);
const char *messages_serve_acknowledgement(struct runner *runner, const struct request *request);

/* Forgets the message; `is_finished` tells that no recipient's delivery is still to come. */
void messages_close(struct runner *runner, bool is_finished);

#endif
