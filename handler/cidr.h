/*
 * Networks of the Internet, and whether an address is in one of them. An IPv4 address counts as the
 * IPv6 address that it is mapped to.
 */
#ifndef HANDLER_CIDR_H
#define HANDLER_CIDR_H

#include <stdbool.h>

enum { CIDR_LIST_MAX = 64 };

struct cidr {
    unsigned char address[16];
    unsigned bits; /* of the prefix */
};

struct cidr_list {
    struct cidr list[CIDR_LIST_MAX];
    unsigned count;
};

/*
 * Adds what `text` names, with commas or blanks between them: addresses, or networks as
 * address/bits, all bits after the prefix being 0. False if one is neither, or there are none
 * or too many.
 */
bool cidr_add(struct cidr_list *networks, const char *text);

/* Whether `address` is in one of them; never if it is empty, or no address. */
bool cidr_contains(const struct cidr_list *networks, const char *address);

#endif
