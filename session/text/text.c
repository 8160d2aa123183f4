#include "session/text/text.h"

#include "session/text/utf8.h"

void text_add(struct text *text, struct span piece)
{
    size_t room = text->size - text->length;
    size_t length = piece.length < room ? piece.length : room;
    if (length == 0)
        return;
    memmove(text->octets + text->length, piece.octets, length);
    text->length += length;
}

void text_add_string(struct text *text, const char *piece)
{
    text_add(text, span_of(piece));
}

void text_add_number(struct text *text, uint64_t number, int digits)
{
    char octets[20];
    size_t at = sizeof octets;
    /*@ loop invariant 1 <= at <= 20 && digits == \at(digits, Pre) - (20 - at);
        loop assigns at, octets[0 .. 19], number, digits;
        loop variant at; */
    do {
        octets[--at] = (char)('0' + number % 10);
        number /= 10;
        digits--;
    } while (at > 0 && (number > 0 || digits > 0));
    text_add(text, (struct span){octets + at, sizeof octets - at});
}

void text_add_printable(struct text *text, struct span piece)
{
    /*@ loop invariant 0 <= i <= piece.length && text_ok(text);
        loop invariant text->length >= \at(text->length, Pre);
        loop assigns i, text->length, text->octets[0 .. text->size - 1];
        loop variant piece.length - i; */
    for (size_t i = 0; i < piece.length && text->length < text->size; i++) {
        char c = piece.octets[i] == '\t' ? ' ' : piece.octets[i];
        text->octets[text->length++] = c >= ' ' && c <= '~' ? c : '?';
    }
}

void text_add_escaped(struct text *text, char octet)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char value = (unsigned char)octet;
    const char escaped[] = {'\\', 'x', digits[value / 16], digits[value % 16]};
    text_add(text, (struct span){escaped, sizeof escaped});
}

void text_add_visible(struct text *text, struct span piece)
{
    /*@ loop invariant rest_of(piece, \at(piece, Pre)) && text_ok(text);
        loop invariant text->length >= \at(text->length, Pre);
        loop assigns piece, text->length, text->octets[0 .. text->size - 1];
        loop variant piece.length; */
    while (piece.length > 0) {
        char c = piece.octets[0];
        size_t length = c >= ' ' && c <= '~' ? 1 : utf8_length(piece);
        if (length == 0)
            text_add_escaped(text, c);
        text_add(text, span_first(piece, length));
        piece = span_after(piece, length == 0 ? 1 : length);
    }
}

/* How many octets the first character of `piece` has; 0 if it is not harmless. */
/*@ requires readable(piece) && piece.length > 0;
    assigns \nothing;
    ensures \result <= piece.length; */
static size_t harmless_length(struct span piece)
{
    char c = piece.octets[0];
    return c >= ' ' && c <= '~' ? 1 : utf8_length(piece);
}

void text_add_harmless(struct text *text, struct span piece)
{
    /*@ loop invariant rest_of(piece, \at(piece, Pre)) && text_ok(text);
        loop invariant text->length >= \at(text->length, Pre);
        loop assigns piece, text->length, text->octets[0 .. text->size - 1];
        loop variant piece.length; */
    while (piece.length > 0) {
        size_t length = harmless_length(piece);
        struct span character = length > 0 ? span_first(piece, length) : span_of("?");
        if (character.length > text->size - text->length)
            return;
        text_add(text, character);
        piece = span_after(piece, length > 0 ? length : 1);
    }
}

bool text_is_harmless(struct span piece)
{
    /*@ loop invariant rest_of(piece, \at(piece, Pre));
        loop assigns piece;
        loop variant piece.length; */
    while (piece.length > 0) {
        size_t length = harmless_length(piece);
        if (length == 0)
            return false;
        piece = span_after(piece, length);
    }
    return true;
}

struct span text_span(const struct text *text)
{
    return (struct span){text->octets, text->length};
}
