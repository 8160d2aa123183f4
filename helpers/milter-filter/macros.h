/*
 * The macros of a milter, which tell it the facts of a message: names in braces, or of one letter,
 * each with its value. Reads and writes nothing.
 */
#ifndef HELPERS_MILTER_FILTER_MACROS_H
#define HELPERS_MILTER_FILTER_MACROS_H

#include "helpers/milter-filter/answer.h"
#include "helpers/milter-filter/facts.h"

/*
 * Adds to the packet of macros those for the command, or, if the milter has asked for others at its
 * stage, those of them that we know.
 */
/*@ requires facts_ok(facts) && agreement_ok(agreement) && text_ok(packet);
    requires \separated(packet, facts, agreement);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet); */
void macros_add(const struct facts *facts, char command, const struct agreement *agreement,
                struct text *packet);

#endif
