/*
 * An end of a connection: its Internet address and port.
 */
#ifndef HANDLER_ENDPOINT_H
#define HANDLER_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>

union endpoint_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_storage storage;
};

struct endpoint {
    char text[INET6_ADDRSTRLEN]; /* IPv4-mapped addresses as IPv4; "" where there is none */
    unsigned port;               /* 0 where there is none */
    unsigned char network[8];    /* of an IPv6 address the /64; an IPv4 address, zeros before it */
};

/* What `address` says; of another family than the Internet's, nothing. */
struct endpoint endpoint_of(const union endpoint_address *address);

/* What `text` says, NULL included; false where it is no address. The port stays as it is. */
bool endpoint_parse(struct endpoint *endpoint, const char *text);

#endif
