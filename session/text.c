#include "text.h"

void text_add(struct text *text, struct span piece)
{
    size_t room = text->size - text->length;
    size_t length = piece.length < room ? piece.length : room;
    if (length == 0)
        return;
    memcpy(text->octets + text->length, piece.octets, length);
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
    do {
        octets[--at] = (char)('0' + number % 10);
        number /= 10;
        digits--;
    } while (number > 0 || digits > 0);
    text_add(text, (struct span){octets + at, sizeof octets - at});
}

void text_add_printable(struct text *text, struct span piece)
{
    for (size_t i = 0; i < piece.length && text->length < text->size; i++) {
        char c = piece.octets[i] == '\t' ? ' ' : piece.octets[i];
        text->octets[text->length++] = c >= ' ' && c <= '~' ? c : '?';
    }
}

struct span text_span(const struct text *text)
{
    return (struct span){text->octets, text->length};
}
