/*
 * The privilege boundary of a connection. Two processes serve it: the frontend talks to the client
 * and parses what it sends; the runner does what touches the machine, and sees of the client only
 * what these functions pass. Each is one request to the runner and, if it returns anything, one
 * answer. The runner checks every request (handler/runner/operation.c) and ends the connection on a
 * violation. Functions without an answer block, too, if the socket buffer is full.
 *
 * If the runner is gone every function fails, and boundary_is_lost says so.
 */
#ifndef HANDLER_BOUNDARY_BOUNDARY_H
#define HANDLER_BOUNDARY_BOUNDARY_H

#include "handler/connection.h"

/* The frontend's end of the pair of sockets. */
enum { BOUNDARY_DESCRIPTOR = 3 };

/* How long a session may last beyond its time, or after SIGTERM, for its farewell. */
enum { BOUNDARY_FAREWELL_SECONDS = 30 };

/* The caller owns its memory and reads none of its fields. */
struct boundary {
    int spool;            /* the descriptor that stores the message; -1 until there is one */
    bool spool_requested; /* for the message at hand, */
    bool spool_pending;   /* and not answered yet */
    bool spool_is_file;
    bool message_closed; /* the runner has forgotten the message */
    bool lost;
    int error;       /* of our writing to the spool, -errno; the runner knows its own */
    uint64_t stored; /* octets */
};

struct boundary boundary_new(void);
bool boundary_is_lost(const struct boundary *boundary);

/* Reports what the sandbox lacks, as sandbox_enter has it. False if --require-sandbox is set. */
bool boundary_report_unconfined(struct boundary *boundary, unsigned missing);

/*
 * Replaces the endpoints by those in `connection`, if it is proxied, and the user by `user`, empty
 * for none, on the word of a trusted proxy: once by the PROXY protocol, before all else, and once
 * by XCLIENT. False if the runner is gone.
 */
bool boundary_replace_client(struct boundary *boundary, const struct connection *connection,
                             bool by_xclient, struct span user);

/*
 * No valid PROXY header arrived: logs the reason, at debug level if the client said nothing
 * (`silent`), and ends the connection.
 */
void boundary_report_proxy(struct boundary *boundary, bool silent, const char *reason);

/*
 * Resolves the client's name, which takes up to 5 s, and puts it into `connection`, if it has one:
 * once, after the PROXY protocol.
 */
void boundary_resolve(struct boundary *boundary, struct connection *connection);

/* Whether the handshake can begin: starts the relay, which loads its keys. */
bool boundary_prepare_tls(struct boundary *boundary);

/*
 * Performs the handshake, once. `*in` and `*out` carry the plaintext, the caller's to close. False
 * if the handshake failed. The runner forgets HELO and AUTH.
 */
bool boundary_handshake(struct boundary *boundary, int *in, int *out, bool *are_sockets);

/*
 * Asks whether `credentials` are right, and receives the verdict, which may take seconds: until it
 * is there BOUNDARY_DESCRIPTOR cannot be read. After TLS and EHLO only; wrong ones up to
 * AUTH_FAILURES_MAX times, those that cannot be checked up to AUTH_DEFERRALS_MAX times.
 */
void boundary_send_credentials(struct boundary *boundary, const struct session *session,
                               struct credentials credentials);
enum verdict boundary_receive_verdict(struct boundary *boundary);

/* A verdict, and the text of its reply, borrowed until the next request. */
struct boundary_verdict {
    enum verdict verdict;
    struct span text; /* empty for the usual one */
};

/*
 * Opens a transaction: its envelope's sender, with what the client said in HELO. Up to
 * --max-messages times, and not before TLS and AUTH if these must come first. If the verdict is
 * `known`, acceptance, the runner is told and not waited for; it checks for itself.
 */
struct boundary_verdict boundary_ask_sender(struct boundary *boundary,
                                            const struct session *session, bool known);

/*
 * A recipient: if it is accepted it is in the runner's envelope, too, and nobody else is delivered
 * to. Up to --max-recipients. `known` as above.
 */
struct boundary_verdict boundary_ask_recipient(struct boundary *boundary,
                                               const struct mailbox *mailbox,
                                               const struct parameters *parameters, bool known);

/* Requests the spool early, so that boundary_store need not wait for it. Idempotent. */
void boundary_request_spool(struct boundary *boundary);

/*
 * Appends `octets` of the message to the spool: memory that the runner makes, beyond
 * SPOOL_MEMORY_MAX a file of the runner's. 0, or -errno, and then no more can be stored.
 */
int boundary_store(struct boundary *boundary, struct span octets);

/*
 * Delivers what is stored to all recipients at once, or, with PRDR, LMTP or --one-recipient, to the
 * message's recipient, in their order, to each once. One who was named before gets no second
 * delivery, but the same verdict. With --done-list, recipients who have it already are left out,
 * compared without what is ours in front. The text is the command's.
 */
struct boundary_verdict boundary_deliver(struct boundary *boundary,
                                         const struct session_message *message);

/* Forgets the message, and its envelope; logs why unless it was delivered. */
void boundary_discard(struct boundary *boundary, const struct session_message *message);

/*
 * The client has acknowledged the replies to all messages before (--done-list). Once for a message,
 * and only if that was accepted for a recipient.
 */
void boundary_acknowledge(struct boundary *boundary);

/*
 * Logs what the session refused or deferred by itself, with what the client said in HELO: up to
 * REFUSALS_MAX times, and only in harmless words.
 */
void boundary_report_refusal(struct boundary *boundary, const struct session *session,
                             const struct refusal *refusal);

/* The connection has ended, for `reason`, a word for the log. The last request. */
void boundary_end(struct boundary *boundary, const struct session *session, const char *reason);

#endif
