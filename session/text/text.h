/*
 * Text built piece by piece in a buffer of fixed size. A piece that does not fit is cut; buffers
 * are sized so that only what a client chose can be cut.
 */
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include <stdint.h>

#include "session/text/span.h"

struct text {
    char *octets; /* borrowed */
    size_t length;
    size_t size;
};

/*@ predicate text_ok(struct text *text) = \valid(text) && text->length <= text->size &&
        \valid(text->octets + (0 .. text->size - 1)) &&
        \separated(text, text->octets + (0 .. text->size - 1)); */

/*@ requires text_ok(text) && readable(piece);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text);
    ensures text->length == \min(\old(text->length) + piece.length, text->size); */
void text_add(struct text *text, struct span piece);
/*@ requires text_ok(text) && \valid_read(piece);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_string(struct text *text, const char *piece);

/* In decimal, with leading zeros up to `digits`. */
/*@ requires text_ok(text) && digits >= 0;
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_number(struct text *text, uint64_t number, int digits);

/* Tabs become spaces, and other octets that are not printable ASCII question marks. */
/*@ requires text_ok(text) && readable(piece);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_printable(struct text *text, struct span piece);

/* As \xNN. */
/*@ requires text_ok(text);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_escaped(struct text *text, char octet);

/* Octets that are neither printable ASCII nor of UTF-8 as an address may have it are escaped. */
/*@ requires text_ok(text) && readable(piece);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_visible(struct text *text, struct span piece);

/*
 * Printable ASCII and the characters of utf8_length stay, other octets become question marks. Cut
 * between characters.
 */
/*@ requires text_ok(text) && readable(piece);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && text->length >= \old(text->length); */
void text_add_harmless(struct text *text, struct span piece);

/* Whether text_add_harmless would leave all of `piece`. */
/*@ requires readable(piece);
    assigns \nothing; */
bool text_is_harmless(struct span piece);

/*@ requires text_ok(text);
    assigns \nothing;
    ensures \result.octets == text->octets && \result.length == text->length;
    ensures readable(\result); */
struct span text_span(const struct text *text);

#endif
