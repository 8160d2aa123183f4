#include "helpers/milter-filter/wire.h"

static size_t room_of(const struct text *text)
{
    return text->size - text->length;
}

/* Moves up to `count` octets. */
static void move(struct span *from, size_t count, struct text *to)
{
    size_t length = count < room_of(to) ? count : room_of(to);
    text_add(to, span_first(*from, length));
    *from = span_after(*from, length);
}

void wire_encode(struct span *body, bool is_text, struct text *packet)
{
    if (!is_text)
        move(body, body->length, packet);
    while (body->length > 0 && room_of(packet) >= 2) {
        size_t line = span_find(*body, '\n');
        move(body, line, packet);
        if (body->length == 0 || body->octets[0] != '\n' || room_of(packet) < 2)
            continue;
        text_add_string(packet, "\r\n");
        *body = span_after(*body, 1);
    }
}

/* A CR, held back until it is known what follows. */
static void decode_octet(struct wire *wire, char octet, struct text *text)
{
    if (wire->has_return && octet != '\n')
        text_add_string(text, "\r");
    wire->has_return = octet == '\r';
    if (octet != '\r')
        text_add(text, (struct span){&octet, 1});
    wire->is_open = octet != '\n';
}

void wire_decode(struct wire *wire, struct span *octets, bool is_text, struct text *text)
{
    if (!is_text)
        move(octets, octets->length, text);
    while (octets->length > 0 && room_of(text) >= 2) {
        decode_octet(wire, octets->octets[0], text);
        *octets = span_after(*octets, 1);
    }
}

struct span wire_finish(const struct wire *wire, bool is_text)
{
    if (!is_text || !wire->is_open)
        return span_empty();
    return span_of(wire->has_return ? "\r\n" : "\n");
}
