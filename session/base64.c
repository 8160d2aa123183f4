#include "base64.h"

#include <stdint.h>

/* What a character stands for; -1 for none. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of them "="; false where they are no group. */
static bool decode_group(const char *group, size_t padding, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? value_of(group[i]) : 0;
        if (value < 0)
            return false;
        *bits = *bits << 6 | (uint32_t)value;
    }
    /* The bits that padding leaves over are zero, so that each value has one form. */
    return (*bits & ((1U << 8 * padding) - 1)) == 0;
}

bool base64_decode(struct span text, struct room *room)
{
    size_t used = 0;
    if (text.length % 4 != 0)
        return false;
    for (size_t at = 0; at < text.length; at += 4) {
        const char *group = text.octets + at;
        bool last = at + 4 == text.length;
        size_t padding = !last || group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
        uint32_t bits;
        if (!decode_group(group, padding, &bits) || room->length - used < 3 - padding)
            return false;
        for (size_t i = 0; i < 3 - padding; i++)
            room->octets[used++] = (char)(bits >> (16 - 8 * i) & 0xff);
    }
    room->length = used;
    return true;
}
