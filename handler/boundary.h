/*
 * The privilege boundary of a connection. Two processes serve it: the session process talks to the
 * client and reads what it says; the runner does what touches the machine, and never sees an octet
 * from the client that was not asked about here. These are all the things that the session process
 * can have done. Each is one record to the runner, and one back where it is answered; the runner
 * checks that it makes sense where it comes (operation.c), and ends the connection where it does
 * not. What is only told waits as well where the runner is many records behind.
 *
 * Where the runner is gone everything fails, and boundary_is_lost says so.
 */
#ifndef HANDLER_BOUNDARY_H
#define HANDLER_BOUNDARY_H

#include "connection.h"

/* The session process has its end of the pair as this descriptor. */
enum { BOUNDARY_DESCRIPTOR = 3 };

enum boundary_told { BOUNDARY_TOLD_NOTHING, BOUNDARY_TOLD_WAITING, BOUNDARY_TOLD_RECEIVING };

/* The caller owns its memory and reads none of its fields. */
struct boundary {
    int spool;          /* where the message is kept; -1 for nowhere yet */
    bool spool_asked;   /* for the message at hand, */
    bool spool_pending; /* and not answered yet */
    bool spool_is_file;
    bool settled;            /* the runner has forgotten the message */
    enum boundary_told told; /* the runner, of what is going on */
    bool is_watched;         /* by a service manager */
    bool lost;
    int error;       /* of writing to it, -errno: the runner knows of its own */
    uint64_t stored; /* octets */
};

struct boundary boundary_of_session_process(void);
bool boundary_is_lost(const struct boundary *boundary);

/*
 * The kernel cannot confine us as sandbox_enter would: `missing` says what. False where that is
 * not to be borne (--require-sandbox).
 */
bool boundary_report_unconfined(struct boundary *boundary, unsigned missing);

/*
 * The ends of the connection are from now on those in `connection`, if it is proxied, and the
 * client has proved to be `user`, by the word of a proxy that may be believed: once by the PROXY
 * protocol, before all else, and once by XCLIENT. Empty for nobody. False where the runner is gone.
 */
bool boundary_take_client(struct boundary *boundary, const struct connection *connection,
                          bool by_xclient, struct span user);

/* There is no right header of the PROXY protocol: this is the end. For the log. */
void boundary_report_proxy(struct boundary *boundary, bool silent, const char *what);

/* Whether TLS can be had: the relay is started, and loads its keys. */
bool boundary_prepare_tls(struct boundary *boundary);

/*
 * Shakes hands with the client, once. `*in` and `*out` are what is said behind TLS, the caller's to
 * close; false where that failed. The runner forgets what it was told before.
 */
bool boundary_shake_hands(struct boundary *boundary, int *in, int *out, bool *are_sockets);

/* Whether they are right. Behind TLS alone, and wrong ones AUTH_FAILURES_MAX times at most. */
enum verdict boundary_judge_credentials(struct boundary *boundary, struct credentials credentials);

/*
 * Opens a transaction: its envelope's sender, with who the client says it is. At most
 * --max-messages times, and not before TLS and AUTH where these must come first. Where it is
 * `certain` that it is accepted the runner is told, and not waited for; it sees for itself.
 */
enum verdict boundary_judge_sender(struct boundary *boundary, const struct session *session,
                                   bool certain);

/*
 * The recipient in question: where it is accepted it is in the runner's envelope, too, and nobody
 * else is delivered to. At most --max-recipients. `certain` as above.
 */
enum verdict boundary_judge_recipient(struct boundary *boundary, const struct session *session,
                                      bool certain);

/*
 * What is going on, for the service manager, if there is one: a message is received, or else
 * commands are waited for. May be called over and over.
 */
void boundary_tell_status(struct boundary *boundary, bool receiving);

/*
 * Octets of a message are to be kept, though perhaps not yet: boundary_store finds the place for
 * them ready then. May be called over and over.
 */
void boundary_expect_octets(struct boundary *boundary);

/*
 * Keeps `octets` of the message behind those kept before: in memory that the runner makes, and
 * beyond SPOOL_MEMORY_MAX in a file of the runner's. 0, or -errno; then no more can be kept.
 */
int boundary_store(struct boundary *boundary, struct span octets);

/*
 * Delivers what is stored to all recipients at once, or, with PRDR, LMTP or --one-recipient, to the
 * one whose turn it is; nobody's comes twice. With --done-list, who has it already is left out by
 * what the session process says is trace in front of it. `text` is what the command says, borrowed
 * until something else is asked.
 */
enum verdict boundary_deliver(struct boundary *boundary, const struct session *session,
                              struct span *text);

/* Forgets the message, its envelope too: for the log why, where it was not delivered. */
void boundary_discard(struct boundary *boundary, const struct session *session);

/*
 * The client has shown that it heard the answers to all messages before: for --done-list. Once for
 * each message at most, and only for one that somebody was delivered.
 */
void boundary_tell_heard(struct boundary *boundary);

/* The connection has ended, `how` in a word; nothing comes behind that. */
void boundary_end(struct boundary *boundary, const struct session *session, const char *how);

#endif
