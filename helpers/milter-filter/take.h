/*
 * What a milter's answers do to the visit. Reads and writes nothing but the new body.
 */
#ifndef HELPERS_MILTER_FILTER_TAKE_H
#define HELPERS_MILTER_FILTER_TAKE_H

#include "helpers/milter-filter/state.h"

/* The first stage of which an answer is missing; STAGES if there is none. */
enum stage take_awaited(const struct visit *visit);

/* Takes the packet as an answer to that. */
void take_answer(struct visit *visit, const struct packet *packet);

#endif
