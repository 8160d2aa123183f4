/*
 * Reads requests as if an enemy had written them: each value within its bounds, and by the grammar
 * that parses what a client sends, so that a frontend cannot make the runner believe anything that
 * a client could not have said. It does not know when a request may come (operation.c). All
 * functions return false for a malformed value.
 */
#ifndef HANDLER_RUNNER_REQUEST_H
#define HANDLER_RUNNER_REQUEST_H

#include "handler/boundary/record.h"
#include "handler/connection.h"
#include "handler/options/options.h"
#include "handler/transaction.h"

/* Printable ASCII, for the log. Borrowed from `text`. */
bool request_copy_words(struct span *words, const struct record_text *text);

/* Harmless in the log, by text_is_harmless. Borrowed from `text`. */
bool request_copy_harmless(struct span *words, const struct record_text *text);

/* What the client said in HELO, as helo_copy has it; empty before that. */
bool request_copy_helo(struct transaction *transaction, const struct record_text *text);

/*
 * The endpoints that a proxy names, the client's name, and its user. Nothing changes unless all are
 * valid. The PROXY protocol (not `by_xclient`) names endpoints only.
 */
bool request_copy_client(struct connection *connection, struct span *user,
                         const struct request *request, bool by_xclient);

/* Of a client that sent EHLO. Borrowed from `request`. */
bool request_copy_credentials(struct credentials *credentials, const struct request *request);

/* The sender with its parameters, and HELO. */
bool request_copy_sender(struct transaction *transaction, const struct request *request,
                         const struct options *options);

/*
 * What the session refused; its text only if that is harmless, its reply only if that refuses or
 * defers.
 */
bool request_copy_refusal(struct refusal *refusal, const struct request *request);

/* A recipient with its parameters. */
bool request_copy_recipient(struct mailbox *mailbox, struct parameters *parameters,
                            const struct request *request, const struct transaction *transaction,
                            const struct options *options);

#endif
