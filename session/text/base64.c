#include "session/text/base64.h"

#include <stdint.h>

/* The value of a character; -1 if it has none. */
/*@ assigns \nothing;
    ensures -1 <= \result <= 63; */
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

/* Four characters, the last `padding` of them "="; false if they are not a group. */
/*@ requires \valid_read(group + (0 .. 3)) && padding <= 2;
    requires \valid(bits) && \separated(bits, group + (0 .. 3));
    assigns *bits; */
static bool decode_group(const char *group, size_t padding, uint32_t *bits)
{
    *bits = 0;
    /*@ loop invariant 0 <= i <= 4;
        loop assigns i, *bits;
        loop variant 4 - i; */
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
    /*@ loop invariant 0 <= at <= text.length && at % 4 == 0 && used <= room->length;
        loop assigns at, used, room->octets[0 .. room->length - 1];
        loop variant text.length - at; */
    for (size_t at = 0; at < text.length; at += 4) {
        const char *group = text.octets + at;
        bool last = at + 4 == text.length;
        size_t padding = !last || group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
        uint32_t bits;
        if (!decode_group(group, padding, &bits) || room->length - used < 3 - padding)
            return false;
        /*@ loop invariant 0 <= i <= 3 - padding && used == \at(used, LoopEntry) + i;
            loop assigns i, used, room->octets[0 .. room->length - 1];
            loop variant 3 - padding - i; */
        for (size_t i = 0; i < 3 - padding; i++)
            room->octets[used++] = (char)(bits >> (16 - 8 * i) & 0xff);
    }
    room->length = used;
    return true;
}
