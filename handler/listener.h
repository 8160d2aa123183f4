/*
 * Accepts connections on sockets that listen, as a superserver does, and starts this program anew
 * for each, with the connection as its standard input and output: every session has an address
 * space of its own. Nothing that a client sends is read here.
 */
#ifndef HANDLER_LISTENER_H
#define HANDLER_LISTENER_H

#include <poll.h>
#include <sys/types.h>

#include "endpoint.h"
#include "options.h"

enum { LISTENER_SOCKETS_MAX = 16, LISTENER_VARIABLES_MAX = 4096 };

/* A connection that was accepted. */
struct listener_arrival {
    int descriptor;
    struct endpoint client;
};

struct listener_connection {
    pid_t process;
    struct endpoint client;
};

struct listener {
    bool stderr_is_usable; /* by a session; otherwise its connection takes the place, as under inetd
                            */
    unsigned socket_count;
    unsigned turn; /* of the sockets: who was served last */
    struct pollfd sockets[LISTENER_SOCKETS_MAX];
    char *environment[LISTENER_VARIABLES_MAX + 1]; /* of the sessions */
    uint64_t started;                              /* sessions so far */
    unsigned count;                                /* of those that are there now */
    struct listener_connection connections[OPTIONS_CONNECTIONS_MAX];
};

/*
 * Takes the `count` descriptors from `first` on; false where there is one among them that is no
 * listening stream socket, or they are too many.
 */
bool listener_take(struct listener *listener, int first, int count);

/*
 * Waits up to `timeout` milliseconds, -1 for ever, with the signals of signals_waiting let in.
 * Returns 1 with an arrival, whose descriptor is the caller's to close, or listener_start's, 0
 * where none came or a signal did, or -errno.
 */
int listener_wait(struct listener *listener, int64_t timeout, struct listener_arrival *arrival);

/* How many sessions there are with clients of the arrival's network; 0 where it has no address. */
unsigned listener_count_network(const struct listener *listener,
                                const struct listener_arrival *arrival);

/*
 * Starts the program with `argv` for the arrival, while there are fewer than
 * OPTIONS_CONNECTIONS_MAX sessions. 0, or -errno; its descriptor is the caller's still then.
 */
int listener_start(struct listener *listener, const struct listener_arrival *arrival, char **argv);

/* Forgets the sessions that have ended; one that a signal ended is named in the log. */
void listener_reap(struct listener *listener);

/* Accepts no more, and asks all sessions to end. */
void listener_stop(struct listener *listener);

#endif
