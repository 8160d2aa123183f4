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
/*@ requires \valid(words) && \valid_read(text) && \separated(words, text);
    assigns *words;
    ensures words->octets == &text->octets[0];
    ensures \result ==> words->length <= RECORD_TEXT_MAX && readable(*words); */
bool request_copy_words(struct span *words, const struct record_text *text);

/* Harmless in the log, by text_is_harmless. Borrowed from `text`. */
/*@ requires \valid(words) && \valid_read(text) && \separated(words, text);
    assigns *words;
    ensures words->octets == &text->octets[0];
    ensures \result ==> words->length <= RECORD_TEXT_MAX && readable(*words); */
bool request_copy_harmless(struct span *words, const struct record_text *text);

/* What the client said in HELO, as helo_copy has it; empty before that. */
/*@ requires \valid(transaction) && \valid_read(text) && \separated(transaction, text);
    assigns transaction->helo;
    ensures helo_ok(&transaction->helo); */
bool request_copy_helo(struct transaction *transaction, const struct record_text *text);

/*
 * The endpoints that a proxy names, the client's name, and its user. Nothing changes unless all are
 * valid. The PROXY protocol (not `by_xclient`) names endpoints only.
 */
/*@ requires \valid(connection) && \valid(user) && \valid_read(request);
    requires \separated(connection, user, request);
    assigns *connection, *user;
    ensures \result ==> readable(*user) && user->length <= AUTH_NAME_MAX; */
bool request_copy_client(struct connection *connection, struct span *user,
                         const struct request *request, bool by_xclient);

/* Of a client that sent EHLO. Borrowed from `request`. */
/*@ requires \valid(credentials) && \valid_read(request) && \separated(credentials, request);
    assigns *credentials;
    ensures \result ==> readable(credentials->user) && readable(credentials->password) &&
        credentials->user.length <= AUTH_NAME_MAX &&
        credentials->password.length <= AUTH_PASSWORD_MAX; */
bool request_copy_credentials(struct credentials *credentials, const struct request *request);

/* The sender with its parameters, and HELO. */
/*@ requires \valid(transaction) && \valid_read(request) && \valid_read(options);
    requires parameters_ok(&transaction->envelope.parameters);
    requires \separated(transaction, request, options);
    assigns transaction->extended, transaction->announced, transaction->helo;
    assigns transaction->envelope.sender, transaction->envelope.parameters;
    ensures parameters_ok(&transaction->envelope.parameters) && helo_ok(&transaction->helo);
    ensures \result ==> mailbox_ok(&transaction->envelope.sender); */
bool request_copy_sender(struct transaction *transaction, const struct request *request,
                         const struct options *options);

/*
 * What the session refused; its text only if that is harmless, its reply only if that refuses or
 * defers.
 */
/*@ requires \valid(refusal) && \valid_read(request) && \separated(refusal, request);
    assigns *refusal;
    ensures \result ==> refusal->length <= REFUSAL_TEXT_MAX && reply_ok(refusal->reply) &&
        SUBJECT_OTHER < refusal->subject < SUBJECTS; */
bool request_copy_refusal(struct refusal *refusal, const struct request *request);

/* A recipient with its parameters. */
/*@ requires \valid(mailbox) && \valid(parameters) && \valid_read(request);
    requires \valid_read(transaction) && \valid_read(options);
    requires \separated(mailbox, parameters, request, transaction, options);
    assigns *mailbox, *parameters;
    ensures parameters_ok(parameters) && (\result ==> mailbox_ok(mailbox)); */
bool request_copy_recipient(struct mailbox *mailbox, struct parameters *parameters,
                            const struct request *request, const struct transaction *transaction,
                            const struct options *options);

#endif
