/*
 * What a client calls itself in HELO, EHLO or LHLO. Nothing depends on it (RFC 5321 4.1.4), so any
 * argument is taken: what is no name and no address literal is kept for the log alone.
 */
#ifndef SESSION_HELO_H
#define SESSION_HELO_H

#include "session/address.h"

enum { HELO_MAX = DOMAIN_MAX + 1 }; /* octets: one that was cut is too long for a name */

/* The caller owns its memory and reads none of its fields. */
struct helo {
    size_t length;
    char octets[HELO_MAX];
};

/*@ predicate helo_ok(struct helo *helo) = \valid_read(helo) && helo->length <= HELO_MAX; */

/* Forgets it: the client has not greeted. */
/*@ requires \valid(helo);
    assigns helo->length;
    ensures helo_ok(helo); */
void helo_clear(struct helo *helo);

/*
 * Copies the argument of a greeting, cut to HELO_MAX, with question marks for what is not printable
 * ASCII; "unknown" if it is empty.
 */
/*@ requires \valid(helo) && readable(argument);
    assigns helo->length, helo->octets[0 .. HELO_MAX - 1];
    ensures helo_ok(helo); */
void helo_copy(struct helo *helo, struct span argument);

/* The copy, for the log: empty before the greeting. Borrowed from `helo`. */
/*@ requires helo_ok(helo);
    assigns \nothing;
    ensures lies_in(\result, &helo->octets[0], HELO_MAX) && \result.length <= HELO_MAX; */
struct span helo_text(const struct helo *helo);

/* By which the client may be called: what it said if that is a name, else "unknown". */
/*@ requires helo_ok(helo);
    assigns \nothing;
    ensures readable(\result); */
struct span helo_name(const struct helo *helo);

/*
 * Whether a client may be called `text`: an address literal, or a domain name, liberally, since
 * real ones hold underscores. Nothing in it could hurt in a header or a shell.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result ==> text.length > 0 && (text.length <= DOMAIN_MAX || text.octets[0] == '['); */
bool helo_is_name(struct span text);

#endif
