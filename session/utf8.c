#include "utf8.h"

/* The characters of each length, by the first octet's mark. */
static const struct {
    unsigned mask;
    unsigned mark;
    uint32_t least; /* what is less has a shorter form */
    uint32_t most;
} rows[] = {
    [2] = {0xe0, 0xc0, 0xa0, 0x7ff}, /* U+0080 to U+009F are control characters */
    [3] = {0xf0, 0xe0, 0x800, 0xffff},
    [4] = {0xf8, 0xf0, 0x10000, 0x10ffff},
};

size_t utf8_length(struct span text)
{
    unsigned first = text.length > 0 ? (unsigned char)text.octets[0] : 0;
    size_t length = 2;
    while (length <= UTF8_LENGTH_MAX && (first & rows[length].mask) != rows[length].mark)
        length++;
    if (length > UTF8_LENGTH_MAX || text.length < length)
        return 0;
    uint32_t character = first & ~rows[length].mask;
    for (size_t i = 1; i < length; i++) {
        unsigned octet = (unsigned char)text.octets[i];
        if ((octet & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (octet & 0x3f);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    bool separator = character == 0x2028 || character == 0x2029;
    bool in_range = character >= rows[length].least && character <= rows[length].most;
    return in_range && !surrogate && !separator ? length : 0;
}

struct span utf8_encode(uint32_t character, char octets[UTF8_LENGTH_MAX])
{
    size_t length = 2;
    if (character >= ' ' && character <= '~') {
        octets[0] = (char)character;
        return (struct span){octets, 1};
    }
    if (character > rows[UTF8_LENGTH_MAX].most)
        return span_empty();
    while (character > rows[length].most)
        length++;
    for (size_t i = length - 1; i > 0; i--) {
        octets[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    octets[0] = (char)(rows[length].mark | character);
    struct span text = {octets, length};
    return utf8_length(text) == length ? text : span_empty();
}
