/*
 * What the log says of a session: each refused address, each message, and the connection when it
 * ends. All facts come from session.h and the connection.
 */
#ifndef HANDLER_REPORT_H
#define HANDLER_REPORT_H

#include "connection.h"
#include "deliver.h"
#include "tls.h"

/* `recipient` NULL: the sender was refused or deferred. */
void report_address(const struct session *session, const struct connection *connection,
                    const struct mailbox *recipient, enum verdict verdict);

/* A message, or the part of it for `recipient` if that is not NULL, was given to the command. */
void report_delivery(const struct session *session, const struct connection *connection,
                     const struct tls *tls, const struct mailbox *recipient, const char *command,
                     const struct delivery *delivery);

/* With WANT_DISCARD: a message that was not. */
void report_refusal(const struct session *session, const struct connection *connection,
                    const struct tls *tls);

/* A proxy did not begin with a right header, or with anything: `what` is wrong. */
void report_proxy(const struct connection *connection, bool silent, const char *what);

/* Hands were to be shaken for TLS, and could not be: `why` not. */
void report_handshake(const struct connection *connection, const char *why);

/* Credentials were judged. */
void report_credentials(const struct session *session, const struct connection *connection,
                        enum verdict verdict);

/* `how` it ended, in a word; `milliseconds` it lasted. */
void report_connection(const struct session *session, const struct connection *connection,
                       const struct tls *tls, const char *how, int64_t milliseconds);

/*
 * A client was not let in by a listener: the `limit` that was reached is an option's name. Before
 * it `unreported` others were not.
 */
void report_limit(const struct endpoint *client, const char *limit, unsigned unreported);

#endif
