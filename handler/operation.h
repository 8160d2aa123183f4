/*
 * What the session process asks of the runner: the other side of boundary.h, where the contracts
 * are. Every record is looked at as if an enemy had written it: whether it may come now, whether
 * its values are in their bounds, whether it agrees with what the runner knows itself.
 */
#ifndef HANDLER_OPERATION_H
#define HANDLER_OPERATION_H

#include "runner.h"

/*
 * Does what `request` asks and fills in runner->answer; `*answers` tells whether it is to be sent.
 * False, with runner->wrong set, where the record may not come now, or a value of it is out of its
 * bounds, or not in keeping with what the runner knows.
 */
bool operation_take(struct runner *runner, const struct request *request, bool *answers);

/*
 * To be called behind each record that was taken, when it was answered: does what nobody waits for,
 * such as to forget a message that was delivered to all.
 */
void operation_conclude(struct runner *runner);

#endif
