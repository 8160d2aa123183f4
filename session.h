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
 * Every reply is queued only after what it vouches for has been settled.
 */
#ifndef SESSION_H
#define SESSION_H

#include "session/auth.h"
#include "session/content.h"
#include "session/envelope.h"
#include "session/header.h"
#include "session/line.h"
#include "session/proxy.h"
#include "session/reply.h"
#include "session/span.h"
#include "session/trace.h"
#include "session/xclient.h"

enum {
    SESSION_INPUT_MAX = 64 * 1024,  /* octets read at once */
    SESSION_OCTETS_MAX = 64 * 1024, /* octets of a message handed over at once */
    SESSION_ID_MAX = 64             /* octets, a message's number included */
};

/* Whether the client may, or must, have TLS before it sends mail (RFC 3207). */
enum tls_policy { TLS_POLICY_NONE, TLS_POLICY_OFFERED, TLS_POLICY_REQUIRED };

/*
 * What the machine cannot know by itself. All spans are borrowed for the session's whole life,
 * those of the client until session_introduced gives others.
 */
struct session_settings {
    struct span hostname;        /* ours: a domain name, RFC 5321 2.3.5 */
    struct span client_address;  /* in text; empty where unknown */
    struct span client_hostname; /* a domain name; empty where unknown */
    struct span id;              /* no other session's: atom characters, at most 40 octets */
    uint64_t max_size;           /* of a message, in octets; 0 for no limit */
    unsigned max_recipients;     /* a message, 1 to ENVELOPE_RECIPIENTS_MAX */
    unsigned max_messages;       /* a session */
    unsigned max_errors;         /* without a message accepted in between */
    bool lmtp;                   /* speak LMTP, RFC 2033 */
    bool one_recipient;          /* deliver to each recipient by itself */
    bool one_answer;             /* then take many all the same: retries skip who has the message */
    bool dsn;                    /* offer DSN, RFC 3461 */
    enum tls_policy tls;         /* of what is said in clear */
    bool secured;                /* TLS was there before the greeting */
    bool auth;                   /* offer AUTH, RFC 4954, to who has TLS */
    bool auth_required;          /* before MAIL, RFC 6409 4.3 */
    bool xclient;                /* the client is a proxy that may say whom it speaks for */
    enum newlines newlines;
    enum line_ending line_ending; /* of the octets handed over */
    bool trace; /* put Return-Path, Received and, for one recipient, Delivered-To in front */
};

/* What the caller shall do next; in brackets the function that settles it. */
enum want {
    WANT_NOTHING,     /* octets or time */
    WANT_VERDICT,     /* judge what session_question asks about [session_answer] */
    WANT_CREDENTIALS, /* are session_credentials right? [session_answer] */
    WANT_CLIENT,      /* take the client for whom session_xclient tells of [session_introduced] */
    WANT_TLS,         /* shake hands, as the server, now [session_secured] */
    WANT_STORE,       /* keep session_octets as the message's next ones [session_stored] */
    WANT_DELIVERY,    /* deliver the whole message, to session_recipient [session_answer] */
    WANT_DISCARD,     /* forget the message: session_result tells why [session_discarded] */
    WANT_CLOSE        /* close the connection: everything is said */
};

enum question {
    QUESTION_TLS,      /* whether it can be had; asked once, before it is offered */
    QUESTION_SENDER,   /* the envelope's sender */
    QUESTION_RECIPIENT /* session_candidate */
};

/* Why the caller ends a session that goes on otherwise. */
enum ending {
    ENDING_INPUT_OVER, /* the client sends no more: what is here is still read and answered */
    ENDING_LEFT,       /* the client is gone: nothing more is said */
    ENDING_COMMAND_TIMEOUT,
    ENDING_DATA_TIMEOUT,
    ENDING_SESSION_TIMEOUT,
    ENDING_SHUTDOWN,
    ENDING_MISCONFIGURED,       /* this and the next are said in place of the greeting, */
    ENDING_TOO_MANY_CONNECTIONS /* if that is not written yet */
};

/* Which commands make sense (RFC 5321 4.1.4). */
enum phase {
    PHASE_GREETED = 1,    /* neither HELO nor EHLO yet */
    PHASE_IDLE = 2,       /* no transaction */
    PHASE_SENDER = 4,     /* MAIL accepted, no recipient */
    PHASE_RECIPIENT = 8,  /* a recipient accepted */
    PHASE_CHUNKED = 16,   /* between the chunks of a message; RFC 3030 */
    PHASE_CONTENT = 32,   /* within the message, after DATA */
    PHASE_CHUNK = 64,     /* within a chunk */
    PHASE_REFUSED = 128,  /* within a chunk that is only read away */
    PHASE_DELIVERY = 256, /* recipients are delivered to one by one */
    PHASE_AUTH = 512,     /* within the exchange of AUTH; RFC 4954 4 */
    PHASE_OVER = 1024     /* nothing more is read */
};

/* What is known of a message when it is forgotten. */
struct session_result {
    enum verdict verdict;
    uint64_t size;           /* octets received, as RFC 1870 counts them */
    uint32_t trace;          /* octets of ours in front of those handed over */
    const char *broken_form; /* the wrong line end met, in words; NULL for none */
};

/* How a session went, for the log. */
struct session_counts {
    unsigned messages; /* transactions begun */
    unsigned accepted; /* messages delivered */
    unsigned errors;   /* 5xx replies to the client's mistakes, in all */
    unsigned commands; /* lines, whatever they held */
    bool quit;         /* the client took its leave */
    /* The first command that had octets behind it though it must end a group; NULL for none. */
    const char *pipelined_behind;
};

/*
 * The machine. The caller owns its memory and reads none of its fields: in front those that every
 * session uses, close together, since what is never touched costs no memory.
 */
struct session {
    struct session_settings settings;
    enum phase phase;
    enum want want;
    enum question question;
    bool input_is_over; /* what is here already is the last of it */
    bool extended;      /* greeted with EHLO */
    bool secured;       /* TLS protects what is said */
    bool tls_asked;     /* QUESTION_TLS */
    bool tls_available; /* the answer */
    bool introduced;    /* by XCLIENT; TLS would have had to come before */
    bool message_open;  /* octets of a message were let in, and it is not forgotten yet */
    bool storing;       /* octets of it may have been handed over */
    uint32_t trace_length;
    uint64_t chunk_size;
    uint64_t chunk_left; /* octets of the chunk that are still to come */
    bool chunk_is_last;
    unsigned recipient;      /* in PHASE_DELIVERY: the one whose turn it is */
    enum verdict summary;    /* of the verdicts on the recipients so far */
    enum phase phase_behind; /* the refused chunk */
    enum reply refusal;      /* of it */
    enum verdict verdict;
    struct session_counts counts;
    unsigned errors_in_row;
    int64_t now;
    size_t input_start, input_end;
    size_t octets_length;
    struct line line;
    struct content content;
    struct auth auth;
    char helo[DOMAIN_MAX];
    size_t helo_length;
    char id[SESSION_ID_MAX];
    size_t id_length;
    struct replies replies;
    struct header header;
    struct xclient xclient;
    struct mailbox candidate;
    struct parameters candidate_parameters;
    struct envelope envelope;
    char input[SESSION_INPUT_MAX];
    char octets[SESSION_OCTETS_MAX];
};

/* Makes `session` new and queues the greeting. Spans within `settings` are borrowed. */
void session_begin(struct session *session, const struct session_settings *settings);

/* Where octets from the client may be read to; no room while the machine cannot take any. */
struct room session_room(struct session *session);

/* `length` octets were read into the room at `now`, in seconds since 1970, UTC. */
void session_fed(struct session *session, size_t length, int64_t now);

/* Octets that wait to be written to the client; empty for none. */
struct span session_replies(const struct session *session);
/* The first `length` of them were. */
void session_written(struct session *session, size_t length);

/* Never WANT_NOTHING for ever: then there is room, a reply waits, or the caller must end it. */
enum want session_want(const struct session *session);

/* With WANT_VERDICT: what about, and which recipient it is that is not in the envelope yet. */
enum question session_question(const struct session *session);
const struct mailbox *session_candidate(const struct session *session);
const struct parameters *session_candidate_parameters(const struct session *session);

/* The transaction's envelope and id; the client's name as it gave it, empty before HELO. */
const struct envelope *session_envelope(const struct session *session);
struct span session_id(const struct session *session);
struct span session_helo(const struct session *session);
bool session_is_extended(const struct session *session); /* it was given with EHLO or LHLO */

/* Who the client has proved to be with AUTH; empty where it has not. */
struct span session_user(const struct session *session);

/* With WANT_CREDENTIALS: what the client says, neither with a NUL in it. */
struct credentials session_credentials(const struct session *session);

/* With WANT_CLIENT: what a proxy told of the client. */
const struct xclient *session_xclient(const struct session *session);

/* The protocol by its name in RFC 3848 and RFC 6531 4.3 ("ESMTP", "LMTP", "UTF8SMTPSA"). */
struct protocol {
    bool extended, lmtp, utf8, secured, authenticated;
};
struct span protocol_name(struct protocol protocol);
struct span session_protocol(const struct session *session);

/*
 * The one recipient to deliver to, copied out; before WANT_DELIVERY, the only one of the envelope.
 * False where it is all those of the envelope at once.
 */
bool session_recipient(const struct session *session, struct mailbox *recipient);

/*
 * What was asked with NOTIFY= and ORCPT= (RFC 3461) for the recipients that are delivered to, or
 * before WANT_DELIVERY for those of the envelope: a line for each, empty where nothing was.
 */
struct span session_notify(const struct session *session);
struct span session_orcpt(const struct session *session);

/* With WANT_STORE: the octets, up to SESSION_OCTETS_MAX. */
struct span session_octets(const struct session *session);

/*
 * Settles WANT_VERDICT, WANT_CREDENTIALS or WANT_DELIVERY. `text` is what the client shall be told
 * instead of the usual words, empty for those; it is cleaned and cut to fit. Of credentials it is
 * told nothing but whether they are right, wrong, or could not be looked at.
 */
void session_answer(struct session *session, enum verdict verdict, struct span text);

/*
 * Settles WANT_TLS: hands were shaken. All that was said in clear is forgotten (RFC 3207 4.2).
 * Where they could not be, session_end does.
 */
void session_secured(struct session *session);

/*
 * Settles WANT_CLIENT: the client is `taken` for another, whose address and name are from now on
 * these, borrowed. False where an address that was told is none.
 */
void session_introduced(struct session *session, bool taken, struct span client_address,
                        struct span client_hostname);

/* Settles WANT_STORE. If the octets could not be kept the client is told 452 in the end. */
void session_stored(struct session *session, bool kept);

/* Settles WANT_DISCARD. */
void session_discarded(struct session *session);
struct session_result session_result(const struct session *session);

/*
 * Ends the session whatever it is doing, with WANT_DISCARD first where a message is open; with
 * ENDING_INPUT_OVER only when no more can be made of the octets that were read.
 */
void session_end(struct session *session, enum ending ending);

/* Whether a message is under way, between its chunks too. */
bool session_within_message(const struct session *session);

/* Whether octets of the message under way are to be kept, now or later. */
bool session_keeps_octets(const struct session *session);

/* So far. */
struct session_counts session_counts(const struct session *session);

#endif
