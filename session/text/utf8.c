#include "session/text/utf8.h"

/* The characters of each length, by the mark of the first octet. */
static const struct {
    unsigned mask;
    unsigned mark;
    uint32_t min; /* below it a shorter form exists */
    uint32_t max;
} rows[] = {
    [2] = {0xe0, 0xc0, 0xa0, 0x7ff}, /* U+0080 to U+009F are control characters */
    [3] = {0xf0, 0xe0, 0x800, 0xffff},
    [4] = {0xf8, 0xf0, 0x10000, 0x10ffff},
};

/* Further controls: line separators and directions of writing. */
/*@ assigns \nothing; */
static bool is_control(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } controls[] = {
        {0x61c, 0x61c},
        {0x200e, 0x200f},
        {0x2028, 0x202e},
        {0x2066, 0x2069},
    };
    /*@ loop invariant 0 <= i <= 4;
        loop assigns i;
        loop variant 4 - i; */
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (character >= controls[i].first && character <= controls[i].last)
            return true;
    return false;
}

size_t utf8_length(struct span text)
{
    unsigned first = text.length > 0 ? (unsigned char)text.octets[0] : 0;
    size_t length = 2;
    /*@ loop invariant 2 <= length <= 5;
        loop assigns length;
        loop variant 5 - length; */
    while (length <= UTF8_LENGTH_MAX && (first & rows[length].mask) != rows[length].mark)
        length++;
    if (length > UTF8_LENGTH_MAX || text.length < length)
        return 0;
    uint32_t character = first & ~rows[length].mask;
    /*@ loop invariant 1 <= i <= length;
        loop assigns i, character;
        loop variant length - i; */
    for (size_t i = 1; i < length; i++) {
        unsigned octet = (unsigned char)text.octets[i];
        if ((octet & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (octet & 0x3f);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    bool in_range = character >= rows[length].min && character <= rows[length].max;
    return in_range && !surrogate && !is_control(character) ? length : 0;
}

struct span utf8_encode(uint32_t character, char octets[UTF8_LENGTH_MAX])
{
    size_t length = 2;
    if (character >= ' ' && character <= '~') {
        octets[0] = (char)character;
        return (struct span){octets, 1};
    }
    if (character > rows[UTF8_LENGTH_MAX].max)
        return span_empty();
    /*@ loop invariant 2 <= length <= 4;
        loop assigns length;
        loop variant 4 - length; */
    while (character > rows[length].max)
        length++;
    /*@ loop invariant 0 <= i < length;
        loop assigns i, character, octets[1 .. 3];
        loop variant i; */
    for (size_t i = length - 1; i > 0; i--) {
        octets[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    octets[0] = (char)(rows[length].mark | character);
    struct span text = {octets, length};
    return utf8_length(text) == length ? text : span_empty();
}
