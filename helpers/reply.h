/*
 * Replies of SMTP and LMTP that a server or milter sent, and the exit status that refuses as they
 * do. Reads and writes nothing, and believes nothing: any octets may come.
 */
#ifndef HELPERS_REPLY_H
#define HELPERS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum {
    REPLY_LINE_MAX = 4096, /* with its line end; RFC 5321 4.5.3.1.5 has 512 */
    REPLY_LINES_MAX = 100,
    REPLY_TEXT_MAX = 480, /* of which the handler makes a line of 512 octets */
    REPLY_ENHANCED_MAX = 10
};

struct reply {
    int code;
    unsigned lines;
    bool is_complete;
    char enhanced[REPLY_ENHANCED_MAX + 1]; /* RFC 3463, empty if missing or of another class */
    size_t length;
    char text[REPLY_TEXT_MAX + 1]; /* of all lines, printable ASCII, without the enhanced code */
};

/*@ predicate reply_ok(struct reply *reply) = \valid(reply) && reply->length <= REPLY_TEXT_MAX; */

/* Before its first line. */
/*@ requires \valid(reply);
    assigns *reply;
    ensures reply_ok(reply); */
void reply_clear(struct reply *reply);

/*
 * Adds a line, without its line end, to the reply. False if it is not a line of a reply, has
 * another code than those before it, or is one too many.
 */
/*@ requires reply_ok(reply) && \valid_read(line + (0 .. length - 1));
    requires \separated(reply, line + (0 .. length - 1));
    assigns *reply;
    ensures reply_ok(reply); */
bool reply_add_line(struct reply *reply, const char *line, size_t length);

/* Extensions that a line of the reply to LHLO may offer. */
enum {
    EXTENSION_PIPELINING = 1 << 0,
    EXTENSION_SIZE = 1 << 1,
    EXTENSION_8BITMIME = 1 << 2,
    EXTENSION_SMTPUTF8 = 1 << 3,
    EXTENSION_CHUNKING = 1 << 4,
    EXTENSION_BINARYMIME = 1 << 5
};

/* The extension that this line offers, 0 if none that we know. */
/*@ requires \valid_read(line + (0 .. length - 1));
    assigns \nothing; */
unsigned reply_extension(const char *line, size_t length);

/* As in qmail-command(8): refuse, for no reason that sysexits.h has. */
enum { REPLY_STATUS_REFUSED = 100 };

/*
 * The exit status that refuses as a complete reply of 5xx does, to RCPT if `is_of_recipient`: of
 * those that the handler knows, the one whose reply is nearest; it sends the enhanced code.
 */
/*@ requires \valid_read(reply);
    assigns \nothing; */
int reply_refusal_status(const struct reply *reply, bool is_of_recipient);

#endif
