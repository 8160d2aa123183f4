/*
 * What the log says of a session: each refused address, each message, and the connection when it
 * ends. All facts come from session.h and the connection.
 */
#ifndef HANDLER_REPORT_H
#define HANDLER_REPORT_H

#include "connection.h"
#include "deliver.h"

/* `recipient` NULL: the sender was refused or deferred. */
void report_address(const struct session *session, const struct connection *connection,
                    const struct mailbox *recipient, enum verdict verdict);

/* With WANT_DISCARD; `delivery` NULL where the command was not run. */
void report_message(const struct session *session, const struct connection *connection,
                    const struct delivery *delivery);

/* `how` it ended, in a word; `milliseconds` it lasted. */
void report_connection(const struct session *session, const struct connection *connection,
                       const char *how, int64_t milliseconds);

#endif
