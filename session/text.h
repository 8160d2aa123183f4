/*
 * Text put together piece by piece in a buffer of fixed size. A piece that no longer fits is cut;
 * the callers' buffers are sized so that only what a client chose can be.
 */
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include <stdint.h>

#include "span.h"

struct text {
    char *octets; /* borrowed */
    size_t length;
    size_t size;
};

void text_add(struct text *text, struct span piece);
void text_add_string(struct text *text, const char *piece);

/* In decimal, with zeros in front up to `digits`. */
void text_add_number(struct text *text, uint64_t number, int digits);

/* With a space for each tab and a question mark for each octet that is not printable ASCII. */
void text_add_printable(struct text *text, struct span piece);

struct span text_span(const struct text *text);

#endif
