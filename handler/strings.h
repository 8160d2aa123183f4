/*
 * Strings for execve(2), arguments or environment: a vector that NULL ends, in memory of fixed
 * size.
 */
#ifndef HANDLER_STRINGS_H
#define HANDLER_STRINGS_H

#include "session/text/span.h"

enum {
    STRINGS_MAX = 4096,
    STRINGS_OCTETS_MAX = 480 * 1024 /* the three lists of a full envelope, and all the rest */
};

struct strings {
    char *list[STRINGS_MAX + 1]; /* ended by NULL */
    size_t count;
    size_t used; /* of `octets` */
    bool full;   /* a string or an octet did not fit: the list is of no use */
    char octets[STRINGS_OCTETS_MAX];
};

void strings_clear(struct strings *strings);

/* Begins a string, a copy of `octets`, which holds no NUL. */
void strings_add(struct strings *strings, struct span octets);

/* Continues the string that was begun last. */
void strings_append(struct strings *strings, struct span octets);

/* Adds a string of the caller's, which stays where it is. */
void strings_borrow(struct strings *strings, char *string);

#endif
