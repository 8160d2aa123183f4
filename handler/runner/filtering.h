/*
 * Runs the filters on a message, one after the other, each on what the one before made of it.
 */
#ifndef HANDLER_RUNNER_FILTERING_H
#define HANDLER_RUNNER_FILTERING_H

#include "handler/runner/filtered.h"

/*
 * Runs them, unless that is done for this message; they are not told of the recipients who are left
 * out. True if the message may go on, as runner->filtered has it then; else that has the verdict of
 * every recipient.
 */
bool filtering_pass(struct runner *runner, const struct stored *message, const bool *is_left_out);

#endif
