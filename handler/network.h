/*
 * Networks of the Internet, and whether an address is in one of them. IPv4 addresses are looked at
 * as the IPv6 addresses that they are mapped to.
 */
#ifndef HANDLER_NETWORK_H
#define HANDLER_NETWORK_H

#include <stdbool.h>

enum { NETWORKS_MAX = 64 };

struct network {
    unsigned char address[16];
    unsigned bits; /* of it that count */
};

struct networks {
    struct network list[NETWORKS_MAX];
    unsigned count;
};

/*
 * Adds those that `text` names, with commas or blanks between them: addresses, or networks as
 * address/bits, where all bits behind those are 0. False where one is neither, or they are none or
 * too many.
 */
bool networks_add(struct networks *networks, const char *text);

/* Whether `address` is in one of them; one that is empty, or no address, is not. */
bool networks_contain(const struct networks *networks, const char *address);

#endif
