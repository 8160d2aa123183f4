/*
 * The envelope of one message: its sender, its recipients, and their parameters. It keeps copies,
 * so that it outlives the input.
 */
#ifndef SESSION_ENVELOPE_H
#define SESSION_ENVELOPE_H

#include <stdint.h>

#include "session/address.h"
#include "session/parameter.h"

enum {
    /* RFC 5321 4.5.3.1.8 asks for at least 100. */
    ENVELOPE_RECIPIENTS_MAX = 1000,
    /*
     * Of each list, line feeds included: a program can be passed strings of up to 128 KiB (Linux,
     * MAX_ARG_STRLEN). Holds 240 of the longest mailboxes.
     */
    ENVELOPE_OCTETS_MAX = 120 * 1024
};

/* A text for each recipient, one a line, without a line end behind the last. */
struct envelope_list {
    uint32_t ends[ENVELOPE_RECIPIENTS_MAX];
    char octets[ENVELOPE_OCTETS_MAX];
};

struct envelope {
    struct mailbox sender;
    struct parameters parameters; /* of MAIL */
    unsigned count;               /* of recipients */
    uint16_t local_lengths[ENVELOPE_RECIPIENTS_MAX];
    struct envelope_list recipients;
    struct envelope_list notify; /* NOTIFY= of RCPT, an empty line if it had none */
    struct envelope_list orcpt;  /* ORCPT= likewise */
};

void envelope_clear(struct envelope *envelope);

/*
 * Adds a copy of `mailbox` and of what was asked for it; false, and nothing changed, when there is
 * no room left.
 */
bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox,
                  const struct parameters *parameters);

/* Recipient `index`, from 0 to count - 1, copied out. */
struct mailbox envelope_recipient(const struct envelope *envelope, unsigned index);

/* The lines of a list that has `count`, and line `index`. Borrowed from the envelope. */
struct span envelope_lines(const struct envelope_list *list, unsigned count);
struct span envelope_line(const struct envelope_list *list, unsigned index);

#endif
