/*
 * What a milter's answers do to the visit. Reads and writes nothing but the new body.
 */
#ifndef HELPERS_MILTER_FILTER_TAKE_H
#define HELPERS_MILTER_FILTER_TAKE_H

#include "helpers/milter-filter/state.h"

/* The first stage of which an answer is missing; STAGES if there is none. */
/*@ requires \valid_read(visit);
    assigns \nothing;
    ensures \result <= STAGES; */
enum stage take_awaited(const struct visit *visit);

/* Takes the packet as an answer to that. */
/*@ requires visit_ok(visit) && \valid_read(packet) && readable(packet->data);
    requires \separated(visit, packet);
    requires \separated(visit->asked + (0 .. VISIT_ASKED_MAX - 1),
        packet->data.octets + (0 .. packet->data.length - 1));
    assigns *visit;
    ensures visit_ok(visit); */
void take_answer(struct visit *visit, const struct packet *packet);

#endif
