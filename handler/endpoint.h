/*
 * An end of a connection: its Internet address and port; and what a socket listens on.
 */
#ifndef HANDLER_ENDPOINT_H
#define HANDLER_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "session/text/span.h"

union endpoint_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

struct endpoint {
    char text[INET6_ADDRSTRLEN]; /* IPv4-mapped addresses as IPv4; "" if there is none */
    unsigned port;               /* 0 if there is none */
    uint64_t prefix;             /* the first 64 bits of an IPv6 address; an IPv4 address */
};

/* The endpoint of `address`; empty for another family than the Internet's. */
struct endpoint endpoint_of(const union endpoint_address *address);

/* The octets of an address of the Internet's families, or else of a Unix socket, as bind(2) has it.
 */
socklen_t endpoint_length(const union endpoint_address *address);

/* Parses an address; false if `octets` is malformed. The port stays as it is. */
bool endpoint_parse(struct endpoint *endpoint, struct span octets);

enum { ENDPOINT_TEXT_MAX = sizeof(struct sockaddr_un) };

/*
 * Parses what a socket listens on: ADDRESS:PORT, an IPv6 address in brackets, or the path of a Unix
 * socket, which has a slash. False if `text` is malformed.
 */
bool endpoint_parse_listening(union endpoint_address *address, const char *text);

/* Writes it as it is parsed; `address` must be of one of these families. */
void endpoint_write_listening(const union endpoint_address *address, char text[ENDPOINT_TEXT_MAX]);

#endif
