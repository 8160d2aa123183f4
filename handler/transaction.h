/*
 * What the runner knows of the client and of its transaction: what it was told across the boundary
 * and has judged, not what the session process believes.
 */
#ifndef HANDLER_TRANSACTION_H
#define HANDLER_TRANSACTION_H

#include "../session.h"

/* The caller owns its memory, zeros at first. */
struct transaction {
    unsigned number;   /* of transactions so far, this one included */
    unsigned accepted; /* messages so far, by one recipient at least */
    bool extended;     /* greeted with EHLO or LHLO */
    bool lmtp, secured;
    size_t helo_length;
    char helo[DOMAIN_MAX];
    size_t user_length; /* 0 where the client has not proved to be anybody */
    char user[AUTH_NAME_MAX];
    const char *mechanism; /* that it has proved it by */
    char id[SESSION_ID_MAX];
    struct envelope envelope;
    bool each;          /* recipients are delivered to one by one */
    unsigned recipient; /* then: the one whose turn it is */
    uint64_t size;      /* octets received, as RFC 1870 counts them */
};

/* The next transaction begins; `session_id` is that of the connection. Who the client is stays. */
void transaction_begin(struct transaction *transaction, const char *session_id);

/* The client is anybody again, and has said nothing. */
void transaction_forget_client(struct transaction *transaction);

/* `user` is AUTH_NAME_MAX octets at most. */
void transaction_know_user(struct transaction *transaction, struct span user,
                           const char *mechanism);

/* Borrowed from `transaction`; empty where there is nothing to say. */
struct span transaction_id(const struct transaction *transaction);
struct span transaction_helo(const struct transaction *transaction);
struct span transaction_user(const struct transaction *transaction);

/* As in Received: RFC 3848, RFC 6531 4.3. */
struct span transaction_protocol(const struct transaction *transaction);

/*
 * The one recipient whose turn it is, or who is the only one, copied out; false where it is all
 * those of the envelope at once.
 */
bool transaction_recipient(const struct transaction *transaction, struct mailbox *recipient);

/* Makes `rest` the same transaction for fewer: without each recipient that `done` is true of. */
void transaction_leave_out(const struct transaction *transaction, const bool *done,
                           struct transaction *rest);

/* What was asked with NOTIFY= and ORCPT= (RFC 3461) for those, a line for each; borrowed. */
struct span transaction_notify(const struct transaction *transaction);
struct span transaction_orcpt(const struct transaction *transaction);

#endif
