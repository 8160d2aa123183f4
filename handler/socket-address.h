/*
 * The address of a socket, of the Internet or of a Unix socket: as the system has it, and as an
 * option says it.
 */
#ifndef HANDLER_SOCKET_ADDRESS_H
#define HANDLER_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "handler/endpoint.h"

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

/* The endpoint of `address`; empty for another family than the Internet's. */
struct endpoint socket_address_endpoint(const union socket_address *address);

/* The octets of an address of the Internet's families, or else of a Unix socket, as bind(2) has it.
 */
socklen_t socket_address_length(const union socket_address *address);

enum { SOCKET_ADDRESS_TEXT_MAX = sizeof(struct sockaddr_un) };

/*
 * Parses what a socket listens on: ADDRESS:PORT, an IPv6 address in brackets, or the path of a Unix
 * socket, which has a slash. False if `text` is malformed.
 */
bool socket_address_parse(union socket_address *address, const char *text);

/* Writes it as it is parsed; `address` must be of one of these families. */
void socket_address_write(const union socket_address *address, char text[SOCKET_ADDRESS_TEXT_MAX]);

#endif
