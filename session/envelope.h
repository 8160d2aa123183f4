/*
 * The envelope of one message: who sent it and who shall have it. It keeps copies, so that it
 * stays whole while the input it was read from moves on.
 */
#ifndef SESSION_ENVELOPE_H
#define SESSION_ENVELOPE_H

#include <stdint.h>

#include "address.h"

enum {
    /* RFC 5321 4.5.3.1.8 asks for at least 100. */
    ENVELOPE_RECIPIENTS_MAX = 1000,
    /*
     * All recipients with an octet between each two: a program can be handed no longer string
     * than 128 KiB (Linux, MAX_ARG_STRLEN). Holds 472 of the longest paths.
     */
    ENVELOPE_OCTETS_MAX = 120 * 1024
};

struct recipient_place {
    uint32_t start;
    uint16_t length;
    uint16_t local_length;
};

struct envelope {
    struct mailbox sender;
    unsigned count; /* of recipients */
    size_t used;    /* of octets */
    struct recipient_place places[ENVELOPE_RECIPIENTS_MAX];
    char octets[ENVELOPE_OCTETS_MAX];
};

void envelope_clear(struct envelope *envelope);

/* Adds a copy of `mailbox`; false, and nothing changed, when there is no room left. */
bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox);

/* Recipient `index`, from 0 to count - 1, copied out. */
struct mailbox envelope_recipient(const struct envelope *envelope, unsigned index);

/* All recipients, one a line, without a line end behind the last. Borrowed from the envelope. */
struct span envelope_recipients(const struct envelope *envelope);

#endif
