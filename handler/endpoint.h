/*
 * An end of a connection: its Internet address and port.
 */
#ifndef HANDLER_ENDPOINT_H
#define HANDLER_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "session/text/span.h"

enum { ENDPOINT_TEXT_MAX = 45 }; /* octets of an address, INET6_ADDRSTRLEN without its NUL */

struct endpoint {
    char text[ENDPOINT_TEXT_MAX + 1]; /* IPv4-mapped addresses as IPv4; "" if there is none */
    unsigned port;                    /* 0 if there is none */
    uint64_t prefix;                  /* the first 64 bits of an IPv6 address; an IPv4 address */
};

/* Sets the address to these octets, 4 of IPv4 or 16 of IPv6; the port stays as it is. */
/*@ requires \valid(endpoint) && readable(octets) && (octets.length == 4 || octets.length == 16);
    assigns endpoint->text[0 .. ENDPOINT_TEXT_MAX], endpoint->prefix; */
void endpoint_set(struct endpoint *endpoint, struct span octets);

/* Parses an address; false if `octets` is malformed. The port stays as it is. */
/*@ requires \valid(endpoint) && readable(octets);
    assigns endpoint->text[0 .. ENDPOINT_TEXT_MAX], endpoint->prefix; */
bool endpoint_parse(struct endpoint *endpoint, struct span octets);

#endif
