/*
 * What the log says of a session: each refused address, each message, and the connection when it
 * ends; and of clients that a listener turned away. It is what the runner knows, but for a refused
 * message's form and how a connection ended, which the session process tells.
 */
#ifndef HANDLER_REPORT_H
#define HANDLER_REPORT_H

#include "connection.h"
#include "deliver.h"
#include "tls.h"
#include "transaction.h"

/* `recipient` NULL: the sender was refused or deferred. */
void report_address(const struct transaction *transaction, const struct connection *connection,
                    const struct mailbox *recipient, enum verdict verdict);

/* A message, or the part of it for `recipient` if that is not NULL, was given to the command. */
void report_delivery(const struct transaction *transaction, const struct connection *connection,
                     const struct tls *tls, const struct mailbox *recipient, const char *command,
                     const struct delivery *delivery);

/* A message that was not, with `verdict`; `form` is the wrong line end met, empty for none. */
void report_refusal(const struct transaction *transaction, const struct connection *connection,
                    const struct tls *tls, enum verdict verdict, struct span form);

/* A proxy did not begin with a right header, or with anything: `what` is wrong. */
void report_proxy(const struct connection *connection, bool silent, const char *what);

/* Hands were to be shaken for TLS, and could not be: `why` not. */
void report_handshake(const struct connection *connection, const char *why);

/* Credentials of `user` were judged. */
void report_credentials(const struct connection *connection, struct span user,
                        enum verdict verdict);

/* How a connection ended. Spans may be empty. */
struct report_end {
    struct span how; /* in a word */
    struct span pipelined_behind;
    unsigned errors;        /* of the client */
    const char *unconfined; /* what the sandbox lacks, in words; "" for nothing */
    int64_t milliseconds;   /* that it lasted */
};

void report_connection(const struct transaction *transaction, const struct connection *connection,
                       const struct tls *tls, const struct report_end *end);

/*
 * A client was not let in by a listener: the `limit` that was reached is an option's name. Before
 * it `unreported` others were not.
 */
void report_limit(const struct endpoint *client, const char *limit, unsigned unreported);

#endif
