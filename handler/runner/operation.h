/*
 * The runner's side of boundary.h, which has the contracts: when each request may come, and whether
 * it is answered. No request is believed (request.h); one that may not come, or with values that a
 * client could not have caused, is a violation of the protocol.
 */
#ifndef HANDLER_RUNNER_OPERATION_H
#define HANDLER_RUNNER_OPERATION_H

#include "handler/runner/state.h"

/*
 * Serves `request` and fills in runner->answer; `*is_answered` tells whether to send that. Returns
 * the violation in it, NULL for none.
 */
const char *operation_serve(struct runner *runner, const struct request *request,
                            bool *is_answered);

/* Call after the answer is sent: clean-up that the frontend need not wait for. */
void operation_after_answer(struct runner *runner);

#endif
