#include "helpers/milter-filter/wire.h"

/*@ requires text_ok(text);
    assigns \nothing;
    ensures \result == text->size - text->length; */
static size_t room_of(const struct text *text)
{
    return text->size - text->length;
}

/* Adds up to `count` of the octets, and returns the rest. */
/*@ requires readable(octets) && text_ok(text) && count <= octets.length;
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text) && rest_of(\result, octets);
    ensures count > 0 && \old(text->length) < text->size ==> \result.length < octets.length; */
static struct span add(struct span octets, size_t count, struct text *text)
{
    size_t before = text->length;
    text_add(text, span_first(octets, count));
    return span_after(octets, text->length - before);
}

struct span wire_encode(struct span body, bool is_text, struct text *packet)
{
    if (!is_text)
        body = add(body, body.length, packet);
    /*@ loop invariant text_ok(packet) && rest_of(body, \at(body, Pre));
        loop assigns body, packet->length, packet->octets[0 .. packet->size - 1];
        loop variant body.length; */
    while (body.length > 0 && room_of(packet) >= 2) {
        if (body.octets[0] != '\n') {
            body = add(body, span_find(body, '\n'), packet);
            continue;
        }
        text_add_string(packet, "\r\n");
        body = span_after(body, 1);
    }
    return body;
}

/* A CR, held back until it is known what follows. */
/*@ requires text_ok(text) && \valid(wire);
    requires \separated(wire, text, text->octets + (0 .. text->size - 1));
    assigns *wire, text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void decode_octet(struct wire *wire, char octet, struct text *text)
{
    if (wire->has_return && octet != '\n')
        text_add_string(text, "\r");
    wire->has_return = octet == '\r';
    if (octet != '\r')
        text_add(text, (struct span){&octet, 1});
    wire->is_open = octet != '\n';
}

struct span wire_decode(struct wire *wire, struct span octets, bool is_text, struct text *text)
{
    if (!is_text)
        octets = add(octets, octets.length, text);
    /*@ loop invariant text_ok(text) && rest_of(octets, \at(octets, Pre));
        loop assigns *wire, octets, text->length, text->octets[0 .. text->size - 1];
        loop variant octets.length; */
    while (octets.length > 0 && room_of(text) >= 2) {
        decode_octet(wire, octets.octets[0], text);
        octets = span_after(octets, 1);
    }
    return octets;
}

struct span wire_finish(const struct wire *wire, bool is_text)
{
    if (!is_text || !wire->is_open)
        return span_empty();
    return span_of(wire->has_return ? "\r\n" : "\n");
}
