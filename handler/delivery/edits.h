/*
 * What filters change of a message's envelope: lines that they write, and what all of them come
 * to. The client's envelope itself stays as it was.
 */
#ifndef HANDLER_DELIVERY_EDITS_H
#define HANDLER_DELIVERY_EDITS_H

#include "handler/transaction.h"

enum {
    EDITS_OCTETS_MAX = 64 * 1024, /* of a filter's lines */
    EDITS_ADDED_MAX = 100,        /* recipients of a message */
    EDITS_TEXT_MAX = 512          /* octets, of `quarantine` */
};

/* What an edit touches. */
enum edit { EDIT_SENDER = 1, EDIT_RECIPIENTS = 2, EDIT_QUARANTINE = 4 };

/* The caller owns its memory, which is zeros at first. */
struct edits {
    unsigned touched; /* by the lines that were parsed last */
    bool has_sender;
    struct mailbox sender;
    bool is_removed[ENVELOPE_RECIPIENTS_MAX]; /* of the client's recipients */
    unsigned removed;                         /* so many */
    unsigned added;                           /* whom the client did not name, */
    struct mailbox recipients[EDITS_ADDED_MAX];
    struct route routes[EDITS_ADDED_MAX]; /* and, the caller's, what the list has for them, */
    bool is_apart[EDITS_ADDED_MAX];       /* and who of them needs a run by itself */
    size_t quarantine_length;
    char quarantine[EDITS_TEXT_MAX];
};

/*
 * Does what `lines` say to `edits` of the client's envelope. NULL; or the line that says nothing
 * of the kind, cut, or names a recipient who is not there, and `edits` is of no use.
 */
const char *edits_parse(struct edits *edits, struct span lines,
                        const struct transaction *transaction);

/* Whether they change anything. */
bool edits_are_any(const struct edits *edits);

#endif
