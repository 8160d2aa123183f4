/*
 * TLS for the connection. The handshake, the key and the library are a process of their own,
 * helpers/tls-relay, or the superserver's where that speaks UCSPI-TLS; here are only descriptors.
 */
#ifndef HANDLER_TLS_H
#define HANDLER_TLS_H

#include "connection.h"
#include "options.h"

enum { TLS_FACTS_MAX = 64 * 1024 }; /* octets: some superservers tell whole certificates */

/* The caller owns its memory, zeros at first. */
struct tls {
    pid_t relay; /* 0 where there is none of ours */
    int control; /* a socket to the relay */
    int in, out; /* what is said behind TLS, in clear; -1 when they are given away */
    bool are_sockets;
    bool secured;
    size_t facts_length;
    char facts[TLS_FACTS_MAX]; /* what was agreed: "NAME=value" and a NUL each */
};

/* What the options, and whoever started us, offer those who speak in clear. */
enum tls_policy tls_policy(const struct options *options);

/*
 * Starts the relay, unless it runs already or the superserver has one. False, with `problem`
 * filled in, where TLS cannot be had: a certificate is missing, expired, or not the key's.
 */
bool tls_prepare(struct tls *tls, const struct options *options,
                 const struct connection *connection, struct problem *problem);

/* Looks at certificates and keys as tls_prepare does, where TLS is wanted; no relay stays. */
bool tls_check(struct tls *tls, const struct options *options, const struct connection *connection,
               struct problem *problem);

/*
 * Shakes hands with the client, up to `timeout` milliseconds or SIGTERM, after which tls->in and
 * tls->out are what is said behind TLS, both sockets where tls->are_sockets says so. False, with
 * `problem` filled in, where that failed.
 */
bool tls_shake_hands(struct tls *tls, int64_t timeout, struct problem *problem);

/* tls->in and tls->out are somebody else's from now on, and are closed here. */
void tls_let_go(struct tls *tls);

/* What was agreed, by its name in UCSPI-TLS; octets are NULL where it was not. */
struct span tls_fact(const struct tls *tls, const char *name);

/* The connection has ended: waits for the relay to say the last of it, a little. */
void tls_finish(struct tls *tls);

#endif
