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

/*
 * Each takes an address with or without brackets; false if it is malformed, or the lines do not
 * fit. Who is no recipient need not be deleted.
 */
bool envelope_set_sender(struct envelope_edits *edits, struct span address);
bool envelope_add_recipient(struct envelope_edits *edits, struct span address);
bool envelope_delete_recipient(struct envelope_edits *edits, struct span address);

/* The reason is printable, and may be empty. */
bool envelope_quarantine(struct envelope_edits *edits, struct span reason);

#endif
