/*
 * Asks a server of Postfix's policy protocol (SMTPD_POLICY_README) about recipients, over one
 * connection for a session's questions.
 */
#ifndef HANDLER_VERDICT_POLICY_H
#define HANDLER_VERDICT_POLICY_H

#include "handler/problem.h"
#include "handler/transaction.h"
#include "handler/verdict/policy-answer.h"

enum { POLICY_ANSWER_MAX = 4096 };

/* Its memory is the caller's, who reads none of it. */
struct policy {
    const char *name; /* of the socket; borrowed */
    int socket;       /* -1 if there is no connection */
    bool is_reported; /* to the log, that it is down */
    unsigned silent;  /* the number of the transaction in which it did not answer in time */
    char octets[POLICY_ANSWER_MAX];
};

/* No connection to the socket `name`, ADDRESS:PORT or a path with a slash. */
void policy_begin(struct policy *policy, const char *name);

/*
 * Asks about a recipient of the transaction, whose client must have an address: servers die of one
 * that is unknown. Takes up to ten seconds. What `answer` says is borrowed until the next question.
 * A server that is down, or answers nothing that it may, defers, with one line in the log; after
 * a silence nothing more is asked in that transaction.
 */
void policy_ask(struct policy *policy, const struct transaction *transaction,
                const struct mailbox *recipient, struct policy_answer *answer);

/* Ends the connection, if there is one. */
void policy_end(struct policy *policy);

/* What --check says: whether somebody answers the call. */
bool policy_check(const char *name, struct problem *problem);

#endif
