/*
 * The SMTP server of RFC 5321 as a machine. The caller gives it the octets that the client sent,
 * takes the replies away, and does what the machine wants done; the machine itself makes no system
 * call, allocates nothing, reads no clock and never waits.
 *
 *     for (;;) ask session_want:
 *         something to do   do it, then call the function that settles it
 *         WANT_NOTHING      write what session_replies holds, read into session_room
 *         WANT_CLOSE        end
 *
 * Every reply is queued only after what it promises has been done.
 */
#ifndef SESSION_H
#define SESSION_H

#include "session/state.h"

/* Why the caller ends a session that goes on otherwise. */
enum ending {
    ENDING_INPUT_OVER, /* the client sends no more: what is here is still read and answered */
    ENDING_LEFT,       /* the client is gone: nothing more is said */
    ENDING_COMMAND_TIMEOUT,
    ENDING_DATA_TIMEOUT,
    ENDING_SESSION_TIMEOUT,
    ENDING_SHUTDOWN
};

/* The message to deliver, or to discard. */
struct session_message {
    struct span recipient;    /* to deliver to alone; empty: to all of the envelope */
    enum verdict verdict;     /* why it is discarded */
    uint64_t size;            /* octets received, as RFC 1870 counts them */
    uint32_t trace;           /* octets of our trace fields in front of those handed over, */
    uint32_t added;           /* and behind them of what keeps the client's apart */
    uint64_t bare_lf_count;   /* that became line ends */
    const char *bad_line_end; /* the first that was met, in words; NULL for none */
};

/* What the caller shall do next, with what it needs for that, borrowed until it is settled. */
struct want {
    enum want_kind kind;
    union {
        struct {
            enum question question;
            const struct mailbox *mailbox;       /* the sender, or a recipient that is */
            const struct parameters *parameters; /* not in the envelope yet; and its command's */
        } verdict;                               /* WANT_VERDICT */
        struct credentials credentials;          /* WANT_CREDENTIALS */
        const struct xclient *xclient;           /* WANT_XCLIENT: what the proxy told */
        struct span octets;                      /* WANT_STORE: up to SESSION_OCTETS_MAX */
        struct session_message message;          /* WANT_DELIVERY, WANT_DISCARD */
        const struct refusal *refusal;           /* WANT_REPORT */
    };
};

/* Makes `session` new and queues the greeting. Spans within `settings` are borrowed. */
void session_begin(struct session *session, const struct session_settings *settings);

/* Room to read octets from the client into; none while the machine cannot take any. */
struct room session_room(struct session *session);

/* `length` octets were read into the room at `now`, in seconds since 1970, UTC. */
void session_fed(struct session *session, size_t length, int64_t now);

/*
 * Whether the command line that is here so far ends with a bare LF, which does not end it. A client
 * that sends no more waits for a reply: call session_paused then, which refuses the line, and what
 * comes of it later, too. That must not be done as long as more may be on its way.
 */
bool session_stops_at_lf(const struct session *session);
void session_paused(struct session *session);

/* Octets that wait to be written to the client; empty for none. */
struct span session_replies(const struct session *session);
/* The first `length` of them were. */
void session_written(struct session *session, size_t length);

/*
 * After WANT_NOTHING there is always room to read, a reply to write, or nothing left but
 * session_end.
 */
struct want session_want(const struct session *session);

/* The transaction's envelope; what the client said in HELO (helo_text), empty before that. */
const struct envelope *session_envelope(const struct session *session);
struct span session_helo(const struct session *session);
bool session_is_extended(const struct session *session); /* it was given with EHLO or LHLO */

/* Who the client is, by AUTH or XCLIENT; empty if unauthenticated. */
struct span session_user(const struct session *session);

/*
 * Settles WANT_VERDICT, WANT_CREDENTIALS or WANT_DELIVERY. `text` replaces the reply's own text if
 * it is not empty; it is cleaned and cut to fit. The reply to credentials tells only whether they
 * are right, wrong, or could not be checked.
 */
void session_answer(struct session *session, enum verdict verdict, struct span text);

/*
 * Settles WANT_TLS after the handshake. All that was said in plaintext is forgotten (RFC 3207 4.2).
 * If the handshake fails session_end settles it.
 */
void session_secured(struct session *session);

/*
 * Settles WANT_XCLIENT: the client's identity is `replaced`, its address and name are these from
 * now on, borrowed. False if an address is malformed.
 */
void session_xclient_done(struct session *session, bool replaced, struct span client_address,
                          struct span client_hostname);

/* Settles WANT_STORE. If the octets could not be kept the client gets 452 in the end. */
void session_stored(struct session *session, bool kept);

/* Settles WANT_DISCARD. */
void session_discarded(struct session *session);

/*
 * Settles WANT_REPORT: max REFUSALS_MAX a session. It is for what the machine refused or deferred
 * itself; the caller knows what it answered.
 */
void session_reported(struct session *session);

/*
 * Ends the session whatever it is doing, with WANT_DISCARD first if a message is open; with
 * ENDING_INPUT_OVER only when no more can be made of the octets that were read.
 */
void session_end(struct session *session, enum ending ending);

/* Whether a message is under way, between its chunks too. */
bool session_within_message(const struct session *session);

/* Whether octets of the message under way will be stored, now or later. */
bool session_will_store(const struct session *session);

/*
 * The first command that was unknown, not implemented or misplaced, harmless for the log; empty if
 * there was none. Behind AUTH, a line that is no command may be a password: it is not told.
 */
struct span session_unexpected(const struct session *session);

/* So far. */
struct session_counts session_counts(const struct session *session);

#endif
