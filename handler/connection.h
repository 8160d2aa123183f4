/*
 * Who started us and who is at the other end: systemd, inetd, xinetd, a UCSPI server, or a
 * terminal, file, pipe or here-document. No option is needed and no name is looked up.
 */
#ifndef HANDLER_CONNECTION_H
#define HANDLER_CONNECTION_H

#include "../session.h"
#include "endpoint.h"
#include "problem.h"

struct connection {
    int in;
    int out;
    bool in_is_socket;
    bool out_is_socket;
    bool out_is_file;
    bool is_one_socket;       /* `in` and `out` are the same */
    bool client_waits;        /* `in` is no terminal and no device */
    bool carries_descriptors; /* to the client, maybe: a socket other than of TCP, as of AF_UNIX */
    bool stderr_is_client;    /* as inetd and xinetd have it: nothing may be written there */
    struct endpoint client;
    struct endpoint local;
    bool is_proxied;       /* a proxy named others than those that the superserver sees */
    struct endpoint proxy; /* then: whom it sees in the client's place */
    char client_hostname[DOMAIN_MAX + 1]; /* "" where unknown */
};

/*
 * Finds the connection, descriptor `passed` where that is not -1, and its ends. Where it returns
 * false, with `problem` filled in, `in` and `out` are still the descriptors to talk to a client on.
 */
bool connection_find(struct connection *connection, int passed, struct problem *problem);

/* What is written to standard error from now on comes to nobody. */
void connection_detach_standard_error(void);

#endif
