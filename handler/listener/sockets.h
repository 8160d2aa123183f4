/*
 * Accepts connections on sockets that listen, as a superserver does, and starts this program anew
 * for each, with the connection as its standard input and output: every session has an address
 * space of its own. Nothing that a client sends is read here.
 */
#ifndef HANDLER_LISTENER_SOCKETS_H
#define HANDLER_LISTENER_SOCKETS_H

#include <poll.h>
#include <sys/types.h>

#include "handler/endpoint.h"
#include "handler/ledger.h"
#include "handler/listener/bind.h"
#include "handler/options/options.h"

enum { SOCKETS_MAX = OPTIONS_SOCKETS_MAX, SOCKETS_VARIABLES_MAX = 4096 };

/* A connection that was accepted. */
struct sockets_arrival {
    int descriptor;
    struct endpoint client;
};

struct sockets_session {
    pid_t process;
    struct endpoint client;
};

struct sockets {
    bool stderr_is_usable; /* sessions inherit it; otherwise the connection takes its place */
    bool are_ours;         /* bound by us, and not handed to us */
    unsigned count;
    unsigned turn; /* of the sockets: the last one accepted from */
    struct pollfd polled[SOCKETS_MAX];
    struct bind_file files[SOCKETS_MAX];          /* of those that are ours */
    char *environment[SOCKETS_VARIABLES_MAX + 3]; /* of the sessions */
    int keeper;                                   /* for them; -1 for none */
    struct ledger ledger;                         /* for them */
    uint64_t started;                             /* sessions so far */
    unsigned session_count;                       /* now */
    struct sockets_session sessions[OPTIONS_CONNECTIONS_MAX];
};

/*
 * Takes the `count` descriptors from `first` on; false if one of them is no stream socket that
 * listens, or they are too many.
 */
bool sockets_take(struct sockets *sockets, int first, int count);

/*
 * Binds one for each of the addresses. False, with `problem` filled in and nothing left bound, if
 * that fails.
 */
bool sockets_bind(struct sockets *sockets, const struct options_addresses *addresses,
                  struct problem *problem);

/* Says on standard error what they listen on, a line each. */
void sockets_announce(const struct sockets *sockets);

/*
 * Prepares what sessions are handed: our environment as it is now, and a ledger. 0, or -errno; they
 * go without the ledger then.
 */
int sockets_share(struct sockets *sockets);

/* Hands sessions from now on a socket to a keeper of keys, or none if that is -1. */
void sockets_hand_keeper(struct sockets *sockets, int keeper);

/*
 * Waits until `deadline` as wait_until. Returns 1 with an arrival, whose descriptor the caller
 * closes or gives to sockets_start, 0 if none came or a signal did, or -errno.
 */
int sockets_wait(struct sockets *sockets, int64_t deadline, struct sockets_arrival *arrival);

/*
 * Whether there are `max` sessions with clients of the arrival's IPv4 address, or of its IPv6
 * network of 64 bits; four times as many of 56 bits, or sixteen times of 48. Never if it has no
 * address.
 */
bool sockets_are_full_of(const struct sockets *sockets, const struct sockets_arrival *arrival,
                         unsigned max);

/*
 * Starts the program with `argv` for the arrival, while there are fewer than
 * OPTIONS_CONNECTIONS_MAX sessions. 0, or -errno; its descriptor is the caller's still then.
 */
int sockets_start(struct sockets *sockets, const struct sockets_arrival *arrival, char **argv);

/*
 * Forgets the sessions that have ended; the log names one that a signal ended. Returns a process
 * that has ended and was no session, with its status as of waitpid(2), or 0 if there are no more.
 */
pid_t sockets_reap(struct sockets *sockets, int *status);

/* Accepts no more, removes the files of Unix sockets that are ours, and asks all sessions to end.
 */
void sockets_stop(struct sockets *sockets);

#endif
