/*
 * Asks those whom the administrator has set over recipients, in their order, each if all before it
 * accepted.
 */
#ifndef HANDLER_RUNNER_JUDGES_H
#define HANDLER_RUNNER_JUDGES_H

#include "handler/runner/report.h"
#include "handler/runner/state.h"

/*
 * The verdict on a recipient whom domain and list have let in, with its route, or who `is_relayed`,
 * so that they were not asked. Fills in `asked`, which borrows from memory that the next call
 * writes.
 */
enum verdict judges_ask(struct runner *runner, const struct mailbox *recipient,
                        const struct route *route, bool is_relayed, struct report_asked *asked);

#endif
