/*
 * TLS for the connection. The handshake, the key and the library are in a process of their own,
 * helpers/tls-relay/, or in that of a superserver that speaks UCSPI-TLS; here are only descriptors.
 */
#ifndef HANDLER_RUNNER_TLS_H
#define HANDLER_RUNNER_TLS_H

#include "handler/connection.h"
#include "handler/options/options.h"

enum { TLS_PARAMETERS_MAX = 64 * 1024 }; /* octets: some superservers pass whole certificates */

/* The caller owns its memory, zeros at first. */
struct tls {
    pid_t relay;      /* ours; 0 for none */
    bool is_kept;     /* a keeper started one for us */
    unsigned missing; /* what its sandbox lacks, as confine.h has it */
    int control;      /* a socket to the relay */
    int in, out;      /* the plaintext side of the relay; -1 after tls_close_plaintext */
    bool are_sockets;
    size_t length;
    char parameters[TLS_PARAMETERS_MAX]; /* of the handshake: "NAME=value" and a NUL each */
};

/*
 * Starts the relay, unless it runs already or the superserver has one. False, with `problem`
 * filled in, if TLS is not available: a certificate is missing, expired, or not the key's, or the
 * relay must be confined and cannot be.
 */
bool tls_prepare(struct tls *tls, const struct options *options,
                 const struct connection *connection, struct problem *problem);

/*
 * Looks whether TLS can be offered: there are files and a relay, or the superserver has one. False,
 * with `problem` filled in, if not. Does not check that certificate and key are valid.
 */
bool tls_look(const struct options *options, const struct connection *connection,
              struct problem *problem);

/* Checks certificates and keys as tls_prepare does, if TLS is wanted; no relay stays. */
bool tls_check(struct tls *tls, const struct options *options, const struct connection *connection,
               struct problem *problem);

/*
 * Performs the handshake, for up to `timeout` milliseconds or until SIGTERM. Then tls->in and
 * tls->out carry the plaintext, and tls->parameters is set. False, with `problem` filled in, if it
 * failed.
 */
bool tls_perform_handshake(struct tls *tls, int64_t timeout, struct problem *problem);

/* Closes our copies of tls->in and tls->out once the frontend has them. */
void tls_close_plaintext(struct tls *tls);

/* The connection has ended: lets the relay send the rest, for a short time. */
void tls_finish(struct tls *tls);

#endif
