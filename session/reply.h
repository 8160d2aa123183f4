/*
 * Everything the server says (RFC 5321 4.2), with the enhanced status codes of RFC 3463. Replies
 * wait here until they are written. A reply line is never longer than 512 octets (4.5.3.1.5).
 */
#ifndef SESSION_REPLY_H
#define SESSION_REPLY_H

#include "span.h"

enum {
    REPLY_LINE_MAX = 512,
    REPLY_ROOM = 2 * REPLY_LINE_MAX, /* octets that the longest reply, of EHLO, may take */
    REPLIES_MAX = 16 * 1024          /* octets: those to a group of some 400 commands */
};

enum reply {
    REPLY_NONE, /* has no row: nothing is said */
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
    REPLY_CHUNK_TAKEN,
    REPLY_EACH_RECIPIENT,
    REPLY_START_TLS,
    REPLY_AUTH_PLAIN,
    REPLY_AUTH_USER,
    REPLY_AUTH_PASSWORD,
    REPLY_AUTH_OK,

    REPLY_UNKNOWN_COMMAND,
    REPLY_LINE_TOO_LONG,
    REPLY_LINE_BROKEN,
    REPLY_NOT_IMPLEMENTED,
    REPLY_BAD_SEQUENCE,
    REPLY_NO_RECIPIENTS,
    REPLY_BINARY_WANTS_BDAT,
    REPLY_ARGUMENT_MISSING,
    REPLY_ARGUMENT_UNWANTED,
    REPLY_BAD_HELO,
    REPLY_BAD_SENDER,
    REPLY_BAD_RECIPIENT,
    REPLY_SENDER_NOT_ASCII,
    REPLY_RECIPIENT_NOT_ASCII,
    REPLY_SENDER_TOO_LONG,
    REPLY_RECIPIENT_TOO_LONG,
    REPLY_UNKNOWN_PARAMETER,
    REPLY_BAD_PARAMETER,
    REPLY_BAD_CHUNK,
    REPLY_SIZE_TOO_LARGE,
    REPLY_TOO_MANY_RECIPIENTS,
    REPLY_TLS_REQUIRED,
    REPLY_TLS_UNAVAILABLE,
    REPLY_AUTH_REQUIRED,
    REPLY_AUTH_WANTS_TLS,
    REPLY_AUTH_UNKNOWN,
    REPLY_AUTH_ENCODING,
    REPLY_AUTH_MALFORMED,
    REPLY_AUTH_TOO_LONG,
    REPLY_AUTH_CANCELLED,
    REPLY_AUTH_WRONG,
    REPLY_AUTH_TROUBLE,
    REPLY_XCLIENT_DENIED,

    REPLY_TOO_MANY_MESSAGES,
    REPLY_TOO_MANY_ERRORS,
    REPLY_LOST_COUNT,
    REPLY_TLS_PIPELINED,
    REPLY_AUTH_TOO_MANY,
    REPLY_TOO_MANY_CONNECTIONS,
    REPLY_COMMAND_TIMEOUT,
    REPLY_DATA_TIMEOUT,
    REPLY_SESSION_TIMEOUT,
    REPLY_SHUTDOWN,
    REPLY_MISCONFIGURED
};

/* How the handler, or the machine itself, judges a sender, a recipient or a message. */
enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_DEFERRED,        /* trouble on our side */
    VERDICT_MISCONFIGURED,   /* our side is set up wrongly */
    VERDICT_MAILBOX_TROUBLE, /* the mailbox cannot be written now */
    VERDICT_STORAGE_FULL,    /* the spool cannot take the message */
    VERDICT_UNKNOWN_MAILBOX,
    VERDICT_UNKNOWN_DOMAIN,
    VERDICT_RELAYING_DENIED,
    VERDICT_UNSAFE_SENDER, /* it would be taken for an option by the command */
    VERDICT_UNSAFE_RECIPIENT,
    VERDICT_BAD_CONTENT,
    VERDICT_BAD_LINE_END,
    VERDICT_LOOP,
    VERDICT_TOO_LARGE,
    VERDICT_PROTOCOL_TROUBLE,
    VERDICT_NOT_PERMITTED,
    VERDICT_UNAVAILABLE,
    VERDICT_REFUSED,
    VERDICT_BROKEN_OFF /* the end of the message never came: there is no reply */
};
enum { VERDICTS = VERDICT_BROKEN_OFF + 1 };

enum outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_DEFERRED, /* 4xx: the client shall try again */
    OUTCOME_REFUSED   /* 5xx: it need not */
};

struct replies {
    size_t start; /* of what is not written yet */
    size_t end;
    char octets[REPLIES_MAX];
};

void replies_clear(struct replies *replies);

/* Whether there is room for another reply, whichever it is, and for a last one behind it. */
bool replies_have_room(const struct replies *replies);

struct span replies_waiting(const struct replies *replies);
void replies_written(struct replies *replies, size_t length);

/* Adds `reply`; `detail` stands where its text has a place for one. */
void reply_add(struct replies *replies, enum reply reply, struct span detail);

/* The first digit of its code. */
char reply_class(enum reply reply);

/* Adds one line of an EHLO reply (RFC 5321 4.1.1.1). */
void reply_add_keyword(struct replies *replies, struct span keyword, bool last);

/*
 * Adds the reply for `verdict`. `text`, where it is not empty, replaces the text of the reply;
 * an enhanced status code in front of it replaces that of the reply, if it is of the same class
 * (RFC 2034 4). Otherwise the reply's own text is said, with `id` in it.
 */
void reply_add_verdict(struct replies *replies, enum verdict verdict, struct span text,
                       struct span id);

enum outcome verdict_outcome(enum verdict verdict);

/* Its enhanced status code (RFC 3463), "5.1.1". */
const char *verdict_status(enum verdict verdict);

#endif
