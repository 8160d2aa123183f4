/*
 * Who started us and who is at the other end: systemd, inetd, xinetd, a UCSPI server, or a
 * terminal, file, pipe or here-document. No option is needed and no name is looked up.
 */
#ifndef HANDLER_CONNECTION_H
#define HANDLER_CONNECTION_H

#include <netinet/in.h>

#include "../session.h"
#include "problem.h"

struct connection {
    int in;
    int out;
    bool in_is_socket;
    bool out_is_socket;
    bool client_waits;     /* `in` is no terminal and no device */
    bool stderr_is_client; /* as inetd and xinetd have it: nothing may be written there */
    char client_address[INET6_ADDRSTRLEN]; /* IPv4-mapped addresses as IPv4; "" where unknown */
    char client_hostname[DOMAIN_MAX + 1];  /* "" where unknown */
    unsigned client_port;                  /* 0 where unknown */
    char local_address[INET6_ADDRSTRLEN];  /* "" where unknown */
};

/*
 * Finds the connection and its ends. Where it returns false, with `problem` filled in, `in` and
 * `out` are still the descriptors to talk to a client on.
 */
bool connection_find(struct connection *connection, struct problem *problem);

#endif
