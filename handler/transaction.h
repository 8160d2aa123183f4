/*
 * What the runner knows of the client and of its transaction: what came across the boundary and was
 * checked, not what the frontend believes.
 */
#ifndef HANDLER_TRANSACTION_H
#define HANDLER_TRANSACTION_H

#include "handler/connection.h"
#include "session.h"

/* What the list of recipients has for one of them; all are empty for nothing. Borrowed. */
struct route {
    struct span entry;   /* the line that is for it */
    struct span last;    /* the line that this leads to; the same if it is no alias */
    struct span address; /* by which that was found, if an alias says so */
};

extern const struct route route_none;

/* The caller owns its memory, zeros at first. */
struct transaction {
    const struct connection *connection; /* borrowed */
    struct span tls;   /* parameters as UCSPI-TLS has them, "NAME=value" and a NUL each; borrowed */
    unsigned number;   /* of transactions so far, this one included */
    unsigned accepted; /* messages so far, each for one recipient or more */
    bool extended;     /* greeted with EHLO or LHLO */
    bool lmtp, secured;
    struct helo helo;
    size_t user_length; /* 0 if not authenticated */
    char user[AUTH_NAME_MAX];
    const char *mechanism; /* of the authentication */
    char id[SESSION_ID_MAX];
    struct envelope envelope;
    struct route routes[ENVELOPE_RECIPIENTS_MAX];
    uint16_t same_as[ENVELOPE_RECIPIENTS_MAX]; /* the first recipient that is the same */
    bool apart; /* each recipient must have a delivery of its own, since their commands differ */

    bool each;          /* each recipient has one */
    unsigned recipient; /* then: the one whose turn it is */
    int64_t time;       /* when the message began, in seconds since 1970, UTC */
    uint64_t announced; /* the size of MAIL; 0 if unknown */
    uint64_t size;      /* octets received, as RFC 1870 counts them */
    uint64_t stored;    /* octets that the command gets */
    uint64_t bare_lf_count;
    struct span quarantine; /* why a filter would have it held; borrowed; empty if none would */
};

/* Begins the next transaction of the session `session_id`; HELO and AUTH stay. */
void transaction_begin(struct transaction *transaction, const char *session_id);

/* Forgets HELO and AUTH. */
void transaction_forget_client(struct transaction *transaction);

/* `user` has max AUTH_NAME_MAX octets. */
void transaction_set_user(struct transaction *transaction, struct span user, const char *mechanism);

/* Borrowed from `transaction`; may be empty. */
struct span transaction_id(const struct transaction *transaction);
/*@ requires \valid_read(transaction) && helo_ok(&transaction->helo);
    assigns \nothing;
    ensures readable(\result) && \result.length <= HELO_MAX; */
struct span transaction_helo(const struct transaction *transaction); /* as it was said */
struct span transaction_user(const struct transaction *transaction);

/* A parameter of TLS by its name in UCSPI-TLS; octets are NULL if the handshake gave none. */
struct span transaction_tls(const struct transaction *transaction, const char *name);

/* As in Received: RFC 3848, RFC 6531 4.3. */
struct span transaction_protocol(const struct transaction *transaction);

/*
 * Adds a recipient, its route, and the number of the first one that it is the same as, or else its
 * own; false if the envelope has no room.
 */
bool transaction_add(struct transaction *transaction, const struct mailbox *recipient,
                     const struct parameters *parameters, const struct route *route,
                     unsigned same_as);

/* Whether recipient `index` was named before. */
bool transaction_is_repeated(const struct transaction *transaction, unsigned index);

/* Copies the recipient whose turn it is, or the only one; false if it is all at once. */
bool transaction_recipient(const struct transaction *transaction, struct mailbox *recipient);

/* The route of the recipient whose turn it is, or of the first. */
const struct route *transaction_route(const struct transaction *transaction);

/* Whether all recipients at hand have the same last entry as that. */
bool transaction_has_one_route(const struct transaction *transaction);

/* Makes `rest` the same transaction for fewer: without each recipient that is `left_out`. */
void transaction_leave_out(const struct transaction *transaction, const bool *left_out,
                           struct transaction *rest);

/* Their NOTIFY= and ORCPT= (RFC 3461), a line each; borrowed. */
struct span transaction_notify(const struct transaction *transaction);
struct span transaction_orcpt(const struct transaction *transaction);

#endif
