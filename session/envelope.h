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
    uint32_t starts[ENVELOPE_RECIPIENTS_MAX];
    uint16_t lengths[ENVELOPE_RECIPIENTS_MAX];
    char octets[ENVELOPE_OCTETS_MAX];
};

/*@ predicate is_within(struct envelope_list *list, integer index, integer max) =
        list->lengths[index] <= max &&
        list->starts[index] + list->lengths[index] <= ENVELOPE_OCTETS_MAX; */

struct envelope {
    struct mailbox sender;
    struct parameters parameters; /* of MAIL */
    unsigned count;               /* of recipients */
    uint16_t local_lengths[ENVELOPE_RECIPIENTS_MAX];
    struct envelope_list recipients;
    struct envelope_list notify; /* NOTIFY= of RCPT, an empty line if it had none */
    struct envelope_list orcpt;  /* ORCPT= likewise */
};

/*@ predicate envelope_ok(struct envelope *envelope) = \valid(envelope) &&
        mailbox_ok(&envelope->sender) && parameters_ok(&envelope->parameters) &&
        envelope->count <= ENVELOPE_RECIPIENTS_MAX &&
        // is_within, in full: a quantifier that speaks of fields is proved sooner.
        \forall integer i; 0 <= i < envelope->count ==>
            envelope->recipients.lengths[i] <= MAILBOX_MAX &&
            envelope->recipients.starts[i] + envelope->recipients.lengths[i] <=
                ENVELOPE_OCTETS_MAX &&
            envelope->notify.lengths[i] <= NOTIFY_MAX &&
            envelope->notify.starts[i] + envelope->notify.lengths[i] <= ENVELOPE_OCTETS_MAX &&
            envelope->orcpt.lengths[i] <= ORCPT_MAX &&
            envelope->orcpt.starts[i] + envelope->orcpt.lengths[i] <= ENVELOPE_OCTETS_MAX &&
            envelope->local_lengths[i] <= LOCAL_PART_MAX &&
            envelope->local_lengths[i] <= envelope->recipients.lengths[i]; */

/*@ requires \valid(envelope);
    assigns envelope->sender.length, envelope->sender.local_length, envelope->count,
            envelope->parameters.size, envelope->parameters.utf8, envelope->parameters.prdr,
            envelope->parameters.binary, envelope->parameters.ret,
            envelope->parameters.envid_length, envelope->parameters.notify_length,
            envelope->parameters.orcpt_length, envelope->parameters.dropped_length;
    ensures envelope_ok(envelope) && envelope->count == 0; */
void envelope_clear(struct envelope *envelope);

/*
 * Adds a copy of `mailbox` and of what was asked for it; false, and nothing changed, when there is
 * no room left.
 */
/*@ requires envelope_ok(envelope) && mailbox_ok(mailbox) && parameters_ok(parameters);
    requires \separated(envelope, mailbox, parameters);
    assigns envelope->count, envelope->local_lengths[envelope->count],
            envelope->recipients.octets[0 .. ENVELOPE_OCTETS_MAX - 1],
            envelope->recipients.starts[envelope->count],
            envelope->recipients.lengths[envelope->count],
            envelope->notify.octets[0 .. ENVELOPE_OCTETS_MAX - 1],
            envelope->notify.starts[envelope->count], envelope->notify.lengths[envelope->count],
            envelope->orcpt.octets[0 .. ENVELOPE_OCTETS_MAX - 1],
            envelope->orcpt.starts[envelope->count], envelope->orcpt.lengths[envelope->count];
    ensures envelope_ok(envelope);
    ensures envelope->count == \old(envelope->count) + (\result ? 1 : 0); */
bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox,
                  const struct parameters *parameters);

/* Recipient `index`, from 0 to count - 1, copied out. */
/*@ requires envelope_ok(envelope) && index < envelope->count;
    assigns \nothing;
    ensures \result.local_length <= \result.length <= MAILBOX_MAX;
    ensures \result.local_length <= LOCAL_PART_MAX; */
struct mailbox envelope_recipient(const struct envelope *envelope, unsigned index);

/* The lines of a list that has `count`, and line `index`. Borrowed from the envelope. */
/*@ requires \valid_read(list) && count <= ENVELOPE_RECIPIENTS_MAX;
    requires count > 0 ==> is_within(list, count - 1, ENVELOPE_OCTETS_MAX);
    assigns \nothing;
    ensures lies_in(\result, &list->octets[0], ENVELOPE_OCTETS_MAX); */
struct span envelope_lines(const struct envelope_list *list, unsigned count);
/*@ requires \valid_read(list) && index < ENVELOPE_RECIPIENTS_MAX;
    requires is_within(list, index, ENVELOPE_OCTETS_MAX);
    assigns \nothing;
    ensures lies_in(\result, &list->octets[0], ENVELOPE_OCTETS_MAX);
    ensures \result.length == list->lengths[index];
    ensures \result.octets == &list->octets[0] + list->starts[index]; */
struct span envelope_line(const struct envelope_list *list, unsigned index);

#endif
