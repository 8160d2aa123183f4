/*
 * Asks a program of the administrator's whether a recipient may be accepted. It is told what the
 * delivery command would be told of the recipient, reads nothing, and ends as that does.
 */
#ifndef HANDLER_VERDICT_RECIPIENT_CHECK_H
#define HANDLER_VERDICT_RECIPIENT_CHECK_H

#include "handler/delivery/deliver.h"

/*
 * Runs `program` on the recipient of `attributes`, which are changed to what is known before the
 * message, of whose size the client said that it is `announced`, 0 for nothing. `rules` are those
 * of process_start. `check` gets the outcome, as of a delivery, after up to half a minute; if the
 * program could not tell, that is a deferral, with a line in the log.
 */
void recipient_check_run(const struct command *program, struct attributes *attributes,
                         uint64_t announced, int rules, struct delivery *check);

#endif
