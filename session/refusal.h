/*
 * A refusal or deferral of MAIL, RCPT or AUTH that the machine decided, told for the log: what was
 * refused, in a text that is harmless there. Of AUTH nothing is told, since its argument may hold a
 * password. It knows no session.
 */
#ifndef SESSION_REFUSAL_H
#define SESSION_REFUSAL_H

#include <stdint.h>

#include "session/address.h"
#include "session/reply.h"

enum {
    REFUSALS_MAX = 10,             /* told of a session; the rest are counted */
    REFUSAL_TEXT_MAX = MAILBOX_MAX /* octets */
};

/* What the command at hand asks for. */
enum subject {
    SUBJECT_OTHER,
    SUBJECT_SENDER,    /* MAIL */
    SUBJECT_RECIPIENT, /* RCPT */
    SUBJECT_AUTH
};
enum { SUBJECTS = SUBJECT_AUTH + 1 };

struct refusal {
    enum subject subject; /* not SUBJECT_OTHER */
    enum reply reply;     /* 4xx or 5xx */
    bool in_transaction;
    uint64_t size; /* that MAIL announced; 0 if unknown */
    size_t length;
    char octets[REFUSAL_TEXT_MAX];
};

/*@ predicate refusal_ok(struct refusal *refusal) = \valid_read(refusal) &&
        refusal->length <= REFUSAL_TEXT_MAX; */

/*
 * Sets subject, size and text. The text is the address, "<>" for the null reverse-path, or, if it
 * is malformed, what stands in its place; printable ASCII and UTF-8, with question marks for all
 * else.
 */
/*@ requires \valid(refusal) && readable(argument);
    assigns refusal->subject, refusal->size, refusal->length,
            refusal->octets[0 .. REFUSAL_TEXT_MAX - 1];
    ensures refusal_ok(refusal); */
void refusal_describe(struct refusal *refusal, enum subject subject, struct span argument);

/* The text; empty if the client gave none. Borrowed from `refusal`. */
/*@ requires refusal_ok(refusal);
    assigns \nothing;
    ensures lies_in(\result, &refusal->octets[0], REFUSAL_TEXT_MAX); */
struct span refusal_text(const struct refusal *refusal);

#endif
