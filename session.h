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
/*@ requires \valid(session) && \valid_read(settings) && settings_ok(settings);
    requires \separated(session, settings);
    requires \separated(session, settings->hostname.octets + (0 .. settings->hostname.length - 1));
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_begin(struct session *session, const struct session_settings *settings);

/* Room to read octets from the client into; none while the machine cannot take any. */
/*@ requires session_ok(session) && answerable(session);
    assigns session->input_start, session->input_end,
            session->input[0 .. SESSION_INPUT_MAX - 1];
    ensures session_ok(session) && answerable(session) && writable(\result);
    ensures \result.length > 0 ==> \result.octets == &session->input[0] + session->input_end;
    ensures \result.length <= SESSION_INPUT_MAX - session->input_end; */
struct room session_room(struct session *session);

/* `length` octets were read into the room at `now`, in seconds since 1970, UTC. */
/*@ requires session_ok(session) && answerable(session);
    requires length <= SESSION_INPUT_MAX - session->input_end;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_fed(struct session *session, size_t length, int64_t now);

/*
 * Whether the command line that is here so far ends with a bare LF, which does not end it. A client
 * that sends no more waits for a reply: call session_paused then, which refuses the line, and what
 * comes of it later, too. That must not be done as long as more may be on its way.
 */
/*@ requires session_ok(session);
    assigns \nothing; */
bool session_stops_at_lf(const struct session *session);
/*@ requires session_ok(session) && answerable(session);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_paused(struct session *session);

/* Octets that wait to be written to the client; empty for none. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->replies.octets[0], REPLIES_MAX);
    ensures \result.length == session->replies.end - session->replies.start; */
struct span session_replies(const struct session *session);
/* The first `length` of them were. */
/*@ requires session_ok(session) && answerable(session);
    requires length <= session->replies.end - session->replies.start;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_written(struct session *session, size_t length);

/*
 * After WANT_NOTHING there is always room to read, a reply to write, or nothing left but
 * session_end.
 */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result.kind == WANT_NOTHING || \result.kind == WANT_REPORT ||
        \result.kind == WANT_CLOSE || \result.kind == session->want;
    ensures \result.kind == WANT_VERDICT ==>
        mailbox_ok(\result.verdict.mailbox) && parameters_ok(\result.verdict.parameters);
    ensures \result.kind == WANT_CREDENTIALS ==>
        lies_in(\result.credentials.user, &session->auth.user[0], AUTH_NAME_MAX) &&
        lies_in(\result.credentials.password, &session->auth.password[0], AUTH_PASSWORD_MAX);
    ensures \result.kind == WANT_XCLIENT ==> \result.xclient == &session->xclient;
    ensures \result.kind == WANT_STORE ==>
        lies_in(\result.octets, &session->octets[0], SESSION_OCTETS_MAX);
    ensures \result.kind == WANT_DELIVERY || \result.kind == WANT_DISCARD ==>
        lies_in(\result.message.recipient, &session->envelope.recipients.octets[0],
            ENVELOPE_OCTETS_MAX);
    ensures \result.kind == WANT_REPORT ==> \result.refusal == &session->refusal; */
struct want session_want(const struct session *session);

/* The transaction's envelope; what the client said in HELO (helo_text), empty before that. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result == &session->envelope && envelope_ok(\result); */
const struct envelope *session_envelope(const struct session *session);
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->helo.octets[0], HELO_MAX); */
struct span session_helo(const struct session *session);
/*@ requires session_ok(session);
    assigns \nothing; */
bool session_is_extended(const struct session *session); /* it was given with EHLO or LHLO */

/* Who the client is, by AUTH or XCLIENT; empty if unauthenticated. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->auth.user[0], AUTH_NAME_MAX); */
struct span session_user(const struct session *session);

/*
 * Settles WANT_VERDICT, WANT_CREDENTIALS or WANT_DELIVERY. `text` replaces the reply's own text if
 * it is not empty; it is cleaned and cut to fit. The reply to credentials tells only whether they
 * are right, wrong, or could not be checked.
 */
/*@ requires session_ok(session) && answerable(session) && verdict_ok(verdict);
    requires session->want == WANT_VERDICT || session->want == WANT_CREDENTIALS ||
        session->want == WANT_DELIVERY;
    requires readable(text);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_answer(struct session *session, enum verdict verdict, struct span text);

/*
 * Settles WANT_TLS after the handshake. All that was said in plaintext is forgotten (RFC 3207 4.2).
 * If the handshake fails session_end settles it.
 */
/*@ requires session_ok(session) && answerable(session);
    requires session->want == WANT_TLS && session->input_start == session->input_end;
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_secured(struct session *session);

/*
 * Settles WANT_XCLIENT: the client's identity is `replaced`, its address and name are these from
 * now on, borrowed. False if an address is malformed.
 */
/*@ requires session_ok(session) && answerable(session);
    requires session->want == WANT_XCLIENT;
    requires readable(client_address) && readable(client_hostname);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_xclient_done(struct session *session, bool replaced, struct span client_address,
                          struct span client_hostname);

/* Settles WANT_STORE. If the octets could not be kept the client gets 452 in the end. */
/*@ requires session_ok(session) && answerable(session);
    requires session->want == WANT_STORE;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_stored(struct session *session, bool kept);

/* Settles WANT_DISCARD. */
/*@ requires session_ok(session) && answerable(session);
    requires session->want == WANT_DISCARD;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_discarded(struct session *session);

/*
 * Settles WANT_REPORT: max REFUSALS_MAX a session. It is for what the machine refused or deferred
 * itself; the caller knows what it answered.
 */
/*@ requires session_ok(session) && answerable(session) && session->refusal_is_due;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_reported(struct session *session);

/*
 * Ends the session whatever it is doing, with WANT_DISCARD first if a message is open; with
 * ENDING_INPUT_OVER only when no more can be made of the octets that were read.
 */
/*@ requires session_ok(session) && answerable(session);
    requires ENDING_INPUT_OVER <= ending <= ENDING_SHUTDOWN;
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void session_end(struct session *session, enum ending ending);

/* Whether a message is under way, between its chunks too. */
/*@ requires session_ok(session);
    assigns \nothing; */
bool session_within_message(const struct session *session);

/* Whether octets of the message under way will be stored, now or later. */
/*@ requires session_ok(session);
    assigns \nothing; */
bool session_will_store(const struct session *session);

/*
 * The first command that was unknown, not implemented or misplaced, harmless for the log; empty if
 * there was none. Behind AUTH, a line that is no command may be a password: it is not told.
 */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->unexpected[0], SESSION_UNEXPECTED_MAX); */
struct span session_unexpected(const struct session *session);

/* So far. */
/*@ requires session_ok(session);
    assigns \nothing; */
struct session_counts session_counts(const struct session *session);

#endif
