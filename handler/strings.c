#include "handler/strings.h"

void strings_clear(struct strings *strings)
{
    strings->list[0] = NULL;
    strings->count = strings->used = 0;
    strings->full = false;
}

void strings_borrow(struct strings *strings, char *string)
{
    strings->full |= strings->count == STRINGS_MAX;
    if (strings->full)
        return;
    strings->list[strings->count++] = string;
    strings->list[strings->count] = NULL;
}

/* Adds the octets and a NUL, which the next to be appended overwrite. */
static void put(struct strings *strings, struct span octets)
{
    strings->full |= octets.length >= sizeof strings->octets - strings->used;
    if (strings->full)
        return;
    if (octets.length > 0)
        memcpy(strings->octets + strings->used, octets.octets, octets.length);
    strings->used += octets.length;
    strings->octets[strings->used++] = '\0';
}

void strings_add(struct strings *strings, struct span octets)
{
    strings_borrow(strings, strings->octets + strings->used);
    put(strings, octets);
}

void strings_append(struct strings *strings, struct span octets)
{
    if (strings->used > 0)
        strings->used--; /* the NUL */
    put(strings, octets);
}
