/*
 * Everything that the server says (RFC 5321 4.2), with the enhanced status codes of RFC 3463.
 * Replies wait here until they are written. A reply line is never longer than 512 octets
 * (4.5.3.1.5).
 */
#ifndef SESSION_REPLY_H
#define SESSION_REPLY_H

#include "session/text/span.h"

enum {
    REPLY_LINE_MAX = 512,
    REPLY_ROOM = 2 * REPLY_LINE_MAX, /* octets that the longest reply, of EHLO, may take */
    REPLIES_MAX = 16 * 1024          /* octets: those to a group of some 400 commands */
};

enum reply {
    REPLY_NONE, /* no row: no reply */
    REPLY_GREETING,
    REPLY_LMTP_GREETING,
    REPLY_HELO,
    REPLY_HELP,
    REPLY_GOODBYE,
    REPLY_OK,
    REPLY_SENDER_OK,
    REPLY_RECIPIENT_OK,
    REPLY_VRFY,
    REPLY_SEND_MESSAGE,
    REPLY_CHUNK_OK,
    REPLY_EACH_RECIPIENT,
    REPLY_START_TLS,
    REPLY_AUTH_PLAIN,
    REPLY_AUTH_USER,
    REPLY_AUTH_PASSWORD,
    REPLY_AUTH_OK,

    REPLY_UNKNOWN_COMMAND,
    REPLY_LINE_TOO_LONG,
    REPLY_BAD_CHARACTERS,
    REPLY_NOT_IMPLEMENTED,
    REPLY_BAD_SEQUENCE,
    REPLY_NO_RECIPIENTS,
    REPLY_BINARY_NEEDS_BDAT,
    REPLY_ARGUMENT_MISSING,
    REPLY_ARGUMENT_UNWANTED,
    REPLY_BAD_SENDER,
    REPLY_BAD_RECIPIENT,
    REPLY_SENDER_NOT_ASCII,
    REPLY_RECIPIENT_NOT_ASCII,
    REPLY_SENDER_TOO_LONG,
    REPLY_RECIPIENT_TOO_LONG,
    REPLY_UNKNOWN_PARAMETER,
    REPLY_BAD_PARAMETER,
    REPLY_BAD_BDAT,
    REPLY_SIZE_TOO_LARGE,
    REPLY_TOO_MANY_RECIPIENTS,
    REPLY_TLS_REQUIRED,
    REPLY_TLS_UNAVAILABLE,
    REPLY_AUTH_REQUIRED,
    REPLY_AUTH_NEEDS_TLS,
    REPLY_AUTH_UNKNOWN,
    REPLY_AUTH_ENCODING,
    REPLY_AUTH_MALFORMED,
    REPLY_AUTH_NO_PASSWORD,
    REPLY_AUTH_TOO_LONG,
    REPLY_AUTH_CANCELLED,
    REPLY_AUTH_INVALID,
    REPLY_AUTH_DEFERRED,
    REPLY_XCLIENT_DENIED,

    REPLY_TOO_MANY_MESSAGES,
    REPLY_TOO_MANY_ERRORS,
    REPLY_TOO_MANY_IDLE,
    REPLY_UNSIZED_BDAT,
    REPLY_OTHER_PROTOCOL,
    REPLY_NO_LETTER,
    REPLY_TLS_PIPELINED,
    REPLY_EARLY,
    REPLY_PIPELINED,
    REPLY_AUTH_TOO_MANY,
    REPLY_TOO_MANY_CONNECTIONS,
    REPLY_COMMAND_TIMEOUT,
    REPLY_DATA_TIMEOUT,
    REPLY_SESSION_TIMEOUT,
    REPLY_SHUTDOWN,
    REPLY_MISCONFIGURED
};
enum { REPLIES = REPLY_MISCONFIGURED + 1 };

/*@ predicate reply_ok(enum reply reply) = REPLY_NONE < reply < REPLIES; */

/* What the handler, or the machine, decides about a sender, a recipient or a message. */
enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_ACCEPTED_APART,      /* a recipient: each has a delivery of its own */
    VERDICT_DEFERRED,            /* an error on our side */
    VERDICT_MISCONFIGURED,       /* our side is misconfigured */
    VERDICT_MAILBOX_TROUBLE,     /* the mailbox cannot be written now */
    VERDICT_MAILBOX_UNAVAILABLE, /* it takes no mail now */
    VERDICT_STORAGE_FULL,        /* the spool cannot take the message */
    VERDICT_TOO_MANY_RECIPIENTS, /* this one needs a message of its own */
    VERDICT_POSTPONED,           /* whom we have asked wants a retry later */
    VERDICT_UNKNOWN_MAILBOX,
    VERDICT_UNKNOWN_DOMAIN,
    VERDICT_RELAYING_DENIED,
    VERDICT_REJECTED,      /* by whom we have asked */
    VERDICT_UNSAFE_SENDER, /* the command would take it for an option or a path */
    VERDICT_UNSAFE_RECIPIENT,
    VERDICT_BAD_CONTENT,
    VERDICT_BAD_LINE_END,
    VERDICT_LOOP,
    VERDICT_TOO_LARGE,
    VERDICT_PROTOCOL_TROUBLE,
    VERDICT_NOT_PERMITTED,
    VERDICT_UNAVAILABLE,
    VERDICT_REFUSED,
    VERDICT_BROKEN_OFF /* the message never ended: there is no reply */
};
enum { VERDICTS = VERDICT_BROKEN_OFF + 1 };

/*@ predicate verdict_ok(enum verdict verdict) = VERDICT_ACCEPTED <= verdict < VERDICTS; */

enum outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_DEFERRED, /* 4xx: the client should try again */
    OUTCOME_REFUSED   /* 5xx: it should not */
};

/*@ predicate outcome_ok(enum outcome outcome) = OUTCOME_ACCEPTED <= outcome <= OUTCOME_REFUSED; */

struct replies {
    size_t start; /* of what is not written yet */
    size_t end;
    char octets[REPLIES_MAX];
};

/*@ predicate replies_ok(struct replies *replies) = \valid(replies) &&
        replies->start <= replies->end <= REPLIES_MAX;
    predicate replies_fit(struct replies *replies, integer octets) =
        replies->end + octets <= REPLIES_MAX; */

/*@ requires \valid(replies);
    assigns replies->start, replies->end;
    ensures replies_ok(replies) && replies->end == 0; */
void replies_clear(struct replies *replies);

/* Whether there is room for any reply, and for a last one after it. */
/*@ requires replies_ok(replies);
    assigns \nothing;
    ensures \result <==> replies_fit(replies, 2 * REPLY_ROOM); */
bool replies_have_room(const struct replies *replies);

/*@ requires replies_ok(replies);
    assigns \nothing;
    ensures lies_in(\result, &replies->octets[0], REPLIES_MAX);
    ensures \result.length == replies->end - replies->start; */
struct span replies_waiting(const struct replies *replies);
/*@ requires replies_ok(replies) && length <= replies->end - replies->start;
    assigns replies->start, replies->end;
    ensures replies_ok(replies) && replies->end <= \old(replies->end); */
void replies_written(struct replies *replies, size_t length);

/* Writes `reply` into `line`, and returns it: a 421 in place of the greeting needs no session. */
/*@ requires \valid(line + (0 .. REPLY_LINE_MAX - 1)) && reply_ok(reply) && readable(detail);
    assigns line[0 .. REPLY_LINE_MAX - 1];
    ensures \result.octets == line && \result.length <= REPLY_LINE_MAX; */
struct span reply_write(char line[REPLY_LINE_MAX], enum reply reply, struct span detail);

/* Adds `reply`, with `detail` if its text has a place for one. */
/*@ requires replies_ok(replies) && replies_fit(replies, REPLY_LINE_MAX);
    requires reply_ok(reply) && readable(detail);
    assigns replies->end, replies->octets[0 .. REPLIES_MAX - 1];
    ensures replies_ok(replies) && replies->end <= \old(replies->end) + REPLY_LINE_MAX; */
void reply_add(struct replies *replies, enum reply reply, struct span detail);

/* The first digit of its code, and its enhanced status code, "" for none; not of REPLY_NONE. */
/*@ requires reply_ok(reply);
    assigns \nothing; */
char reply_class(enum reply reply);
/*@ requires reply_ok(reply);
    assigns \nothing;
    ensures \valid_read(\result); */
const char *reply_status(enum reply reply);

/* Adds one line of an EHLO reply (RFC 5321 4.1.1.1). */
/*@ requires replies_ok(replies) && replies_fit(replies, REPLY_LINE_MAX) && readable(keyword);
    assigns replies->end, replies->octets[0 .. REPLIES_MAX - 1];
    ensures replies_ok(replies);
    ensures replies->end <= \old(replies->end) + \min(keyword.length + 6, REPLY_LINE_MAX); */
void reply_add_keyword(struct replies *replies, struct span keyword, bool last);

/*
 * Adds the reply for `verdict`. `text` replaces the reply's text if it is not empty; an enhanced
 * status code at its front replaces the reply's if it is of the same class (RFC 2034 4). The
 * reply's own text has `id` in it.
 */
/*@ requires replies_ok(replies) && replies_fit(replies, REPLY_LINE_MAX);
    requires verdict_ok(verdict) && readable(text) && readable(id);
    assigns replies->end, replies->octets[0 .. REPLIES_MAX - 1];
    ensures replies_ok(replies) && replies->end <= \old(replies->end) + REPLY_LINE_MAX; */
void reply_add_verdict(struct replies *replies, enum verdict verdict, struct span text,
                       struct span id);

/* Whether `text` begins with an enhanced status code (RFC 3463 2), of whatever class. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result ==> text.length > 0; */
bool reply_has_status(struct span text);

/* The enhanced status code of the reply that this `text` makes. Borrowed from it, or constant. */
/*@ requires verdict_ok(verdict) && readable(text);
    assigns \nothing;
    ensures readable(\result); */
struct span reply_verdict_status(enum verdict verdict, struct span text);

/*@ requires verdict_ok(verdict);
    assigns \nothing;
    ensures outcome_ok(\result); */
enum outcome verdict_outcome(enum verdict verdict);

/* Its enhanced status code (RFC 3463), "5.1.1". */
/*@ requires verdict_ok(verdict);
    assigns \nothing;
    ensures \valid_read(\result); */
const char *verdict_status(enum verdict verdict);

#endif
