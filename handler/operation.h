/*
 * What the session process asks of the runner, one record at a time: the other side of boundary.h.
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

#endif
