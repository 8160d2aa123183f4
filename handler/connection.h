/*
 * Who started us and who is at the other end: systemd, inetd, xinetd, a UCSPI server, or a
 * terminal, file, pipe or here-document; and our own name. No option is needed and no name is
 * looked up.
 */
#ifndef HANDLER_CONNECTION_H
#define HANDLER_CONNECTION_H

#include "handler/endpoint.h"
#include "handler/problem.h"
#include "session.h"

struct connection {
    int in;
    int out;
    bool in_is_socket;
    bool out_is_socket;
    bool out_is_file;
    bool is_one_socket;       /* `in` and `out` are the same */
    bool is_announced;        /* the environment speaks of a client, as superservers have it */
    bool client_waits;        /* `in` is no terminal and no device */
    bool carries_descriptors; /* perhaps: it is no TCP socket, so it may be one of AF_UNIX */
    bool stderr_is_client;    /* as inetd and xinetd have it: nothing may be written there */
    struct endpoint client;
    struct endpoint local;
    bool is_proxied;                      /* a proxy named the client and the local end */
    struct endpoint proxy;                /* then: who connected to us */
    char client_hostname[DOMAIN_MAX + 1]; /* "" if unknown */
};

/*
 * Finds the connection, descriptor `passed` if that is not -1, and its endpoints. If it returns
 * false, with `problem` filled in, `in` and `out` are still the descriptors to talk to a client on.
 */
bool connection_find(struct connection *connection, int passed, struct problem *problem);

/* Whether systemd passed the connection, or a superserver of the Internet handed it to us. */
bool connection_is_handed(const struct connection *connection);

/*
 * Acknowledges now what the client has sent: one that does not set TCP_NODELAY sends no more until
 * then (RFC 896), and the system acknowledges late what it has nothing to answer to, such as the
 * end of a handshake.
 */
void connection_acknowledge(const struct connection *connection);

/* The client's name, of up to DOMAIN_MAX octets; empty if unknown. */
/*@ requires \valid(connection) && readable(hostname) && hostname.length <= DOMAIN_MAX;
    assigns connection->client_hostname[0 .. DOMAIN_MAX]; */
static inline void connection_set_hostname(struct connection *connection, struct span hostname)
{
    memmove(connection->client_hostname, hostname.octets, hostname.length);
    connection->client_hostname[hostname.length] = '\0';
}

/*
 * A proxy named the endpoints and the client's hostname, empty if that is unknown: they take the
 * place of those before.
 */
/*@ requires \valid(connection) && \valid_read(client) && \valid_read(local);
    requires readable(client_hostname) && client_hostname.length <= DOMAIN_MAX;
    requires \separated(connection, client, local);
    assigns *connection; */
static inline void connection_set_proxied(struct connection *connection,
                                          const struct endpoint *client,
                                          const struct endpoint *local, struct span client_hostname)
{
    if (!connection->is_proxied)
        connection->proxy = connection->client;
    connection->is_proxied = true;
    connection->client = *client;
    connection->local = *local;
    connection_set_hostname(connection, client_hostname);
}

/* Whether the client has an address, and no name. */
bool connection_lacks_hostname(const struct connection *connection);

/*
 * Our name: the one that was `given`; if that is NULL, the host's own if it is a domain, or else
 * "localhost". Valid until the next call.
 */
const char *connection_hostname(const char *given);

#endif
