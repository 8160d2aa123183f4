/*
 * Line ends of a message's body: here LF, or CR LF, as its first line has it; CR LF on the wire. A
 * body with CR LF passes as it is. Reads and writes nothing.
 */
#ifndef HELPERS_MILTER_FILTER_WIRE_H
#define HELPERS_MILTER_FILTER_WIRE_H

#include "session/text/text.h"

/*
 * Adds octets from the front of `body` to the packet until it is full: each LF as CR LF if
 * `is_text`. Returns the rest of them.
 */
/*@ requires readable(body) && text_ok(packet);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet) && rest_of(\result, body); */
struct span wire_encode(struct span body, bool is_text, struct text *packet);

/* State of the way back; begins as zero. */
struct wire {
    bool has_return; /* a CR came last, and is not written yet */
    bool is_open;    /* the last line has no LF */
};

/*
 * Adds octets from the front of `octets` to `text` until that is full: each CR LF as LF if
 * `is_text`. Returns the rest of them.
 */
/*@ requires \valid(wire) && readable(octets) && text_ok(text);
    requires \separated(wire, text, text->octets + (0 .. text->size - 1));
    assigns *wire, text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && rest_of(\result, octets); */
struct span wire_decode(struct wire *wire, struct span octets, bool is_text, struct text *text);

/* The octets that end the body: what is held back, and a line end that is missing in text. */
/*@ requires \valid_read(wire);
    assigns \nothing;
    ensures readable(\result); */
struct span wire_finish(const struct wire *wire, bool is_text);

#endif
