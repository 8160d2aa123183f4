/*
 * Edits of the envelope, as lines for descriptor 4 of a filter. Reads and writes nothing.
 */
#ifndef HELPERS_MILTER_FILTER_ENVELOPE_H
#define HELPERS_MILTER_FILTER_ENVELOPE_H

#include "session/text/text.h"

enum { ENVELOPE_LINES_MAX = 64 * 1024, ENVELOPE_REASON_MAX = 256 };

struct envelope_edits {
    struct span recipients; /* of the message, one a line; borrowed */
    size_t length;
    char lines[ENVELOPE_LINES_MAX];
};

/*@ predicate edits_ok(struct envelope_edits *edits) = \valid(edits) &&
        edits->length <= ENVELOPE_LINES_MAX && readable(edits->recipients); */

/*
 * Each takes an address with or without brackets; false if it is malformed, or the lines do not
 * fit. Who is no recipient need not be deleted.
 */
/*@ requires edits_ok(edits) && readable(address);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
bool envelope_set_sender(struct envelope_edits *edits, struct span address);
/*@ requires edits_ok(edits) && readable(address);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
bool envelope_add_recipient(struct envelope_edits *edits, struct span address);
/*@ requires edits_ok(edits) && readable(address);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
bool envelope_delete_recipient(struct envelope_edits *edits, struct span address);

/* The reason is printable, and may be empty. */
/*@ requires edits_ok(edits) && readable(reason);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
bool envelope_quarantine(struct envelope_edits *edits, struct span reason);

#endif
