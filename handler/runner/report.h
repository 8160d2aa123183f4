/*
 * Writes the events of a session to the log: each refused address, each message, and the connection
 * when it ends. It tells what the runner knows, but for the bad line end of a refused message and
 * why a connection ended, which the frontend tells.
 */
#ifndef HANDLER_RUNNER_REPORT_H
#define HANDLER_RUNNER_REPORT_H

#include "handler/connection.h"
#include "handler/delivery/deliver.h"
#include "handler/delivery/edits.h"
#include "handler/transaction.h"

/* Who was asked about a recipient, and what that came to; zeros for nobody. */
struct report_asked {
    struct span policy;  /* the action that a policy server wants */
    const char *command; /* the program, */
    const char *ended;   /* and how it ended */
    struct span reply;   /* its text, or the list's */
    int64_t milliseconds;
    bool is_noted; /* even if the recipient is accepted */
};

/* What a filter changed. */
struct report_changes {
    bool header, message; /* fields in front; all of it */
    unsigned touched;     /* as edits.h has it */
    char fault[128];      /* why what it wrote is of no use; "" if it is */
};

/* A filter has run, by its name; `edits` are those so far. */
void report_filter(const struct transaction *transaction, const char *filter,
                   const struct delivery *delivery, const struct report_changes *changes,
                   const struct edits *edits);

/*
 * An address was refused or deferred: the recipient, or if that is NULL the sender. Or the
 * recipient was accepted by a policy server that said more than that.
 */
void report_address(const struct transaction *transaction, const struct mailbox *recipient,
                    enum verdict verdict, const struct report_asked *asked);

/*
 * The session refused or deferred a sender, a recipient or AUTH. Only if it is `in_transaction` the
 * transaction has to do with it.
 */
void report_refused(const struct transaction *transaction, const struct refusal *refusal);

/* A recipient was accepted, without this malformed parameter of RCPT. */
void report_dropped(const struct transaction *transaction, const struct mailbox *recipient,
                    struct span parameter);

/* A message was delivered or not, to all recipients or to the one whose turn it is. */
void report_delivery(const struct transaction *transaction, const char *command,
                     const struct delivery *delivery);

/* A message was not given to the command; `bad_line_end` may be empty. */
void report_refusal(const struct transaction *transaction, enum verdict verdict,
                    struct span bad_line_end);

/* A proxy sent no valid header, or, if it is `silent`, nothing. */
void report_proxy(const struct connection *connection, bool silent, const char *reason);

/* What is wrong with the certificate that the client has shown, if it has and something is. */
void report_certificate(const struct transaction *transaction);

/* A handshake failed. */
void report_handshake(const struct connection *connection, const char *reason);

/* The session ended because the client spoke another protocol. */
void report_abuse(const struct connection *connection, struct span protocol);

/* The credentials of `user` were checked, or could not be. */
void report_credentials(const struct connection *connection, struct span user,
                        enum verdict verdict);

/* What there is to say of a connection when it ends. Spans may be empty. */
struct report_end {
    struct span reason; /* in a word */
    struct span pipelined_behind;
    struct span unexpected; /* the first unexpected command */
    unsigned errors;        /* of the client */
    unsigned unreported;    /* refusals */
    bool spoke;             /* octets came from the client */
    bool stopped_at_lf;     /* it waited behind a bare LF */
    const char *unconfined; /* what the sandboxes lack, in words; "" for nothing */
    int64_t milliseconds;   /* its duration */
};

void report_connection(const struct transaction *transaction, const struct report_end *end);

#endif
