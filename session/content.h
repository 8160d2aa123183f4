/*
 * Decodes the octets of a message: after DATA finds its end and takes the stuffed dots off
 * (RFC 5321 4.1.1.4, 4.5.2); writes line ends as the delivery command wants them. It does not judge
 * a message: it tells its size and whether a line end was wrong.
 */
#ifndef SESSION_CONTENT_H
#define SESSION_CONTENT_H

#include <stdint.h>

#include "line.h"

enum encoding {
    ENCODING_DOTTED, /* of DATA: ended by a dot, other dots stuffed */
    ENCODING_PLAIN,  /* of BDAT: lines, whose end is known otherwise */
    ENCODING_BINARY  /* of BDAT with BODY=BINARYMIME: octets, none changed; RFC 3030 3 */
};

enum line_ending { LINE_ENDING_LF, LINE_ENDING_CRLF };

/* Each state names the octets that lead to it. */
enum content_state {
    CONTENT_LINE_START,   /* CR LF */
    CONTENT_AFTER_DOT,    /* CR LF . */
    CONTENT_AFTER_DOT_CR, /* CR LF . CR */
    CONTENT_WITHIN_LINE,  /* anything else */
    CONTENT_AFTER_CR,     /* ... CR */
    CONTENT_ENDED         /* CR LF . CR LF */
};

enum { CONTENT_TAIL = 5 };

struct content {
    enum content_state state;
    enum encoding encoding;
    enum newlines newlines;
    enum line_ending line_ending;
    uint64_t size;           /* octets as RFC 1870 6.1 counts: CR LF ends each line, no stuffing */
    const char *broken_form; /* the first wrong line end that was met, in words; NULL for none */
    const char *false_end;   /* the first that a laxer server takes for the message's end */
    char tail[CONTENT_TAIL]; /* the last octets, kept from the first wrong line end on */
};

/* Makes `content` new: the next octet begins the message. */
void content_begin(struct content *content, enum encoding encoding, enum newlines newlines,
                   enum line_ending line_ending);

/*
 * Decodes octets off the front of `input` into the front of `output`, moving both, until the
 * input is used up, fewer than two octets of room are left, or the message has ended. Once a
 * wrong line end was met the message is spoilt, and what is left of it is only read away.
 */
void content_decode(struct content *content, struct span *input, struct room *output);

/* The dot that ends the message has come; ENCODING_DOTTED alone has one. */
bool content_ended(const struct content *content);

/* No more octets will come: a CR that waits for its LF is a wrong line end. */
void content_finish(struct content *content);

#endif
