/*
 * Decodes what follows DATA (RFC 5321 4.1.1.4, 4.5.2): finds the end of the message, takes the
 * stuffed dots off and writes line ends as the delivery command wants them. It does not judge a
 * message: it tells its size and whether a line end was wrong.
 */
#ifndef SESSION_CONTENT_H
#define SESSION_CONTENT_H

#include <stdint.h>

#include "line.h"

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
    enum newlines newlines;
    enum line_ending line_ending;
    uint64_t size;           /* octets as RFC 1870 6.1 counts: CR LF ends each line, no stuffing */
    const char *broken_form; /* the first wrong line end that was met, in words; NULL for none */
    const char *false_end;   /* the first that a laxer server takes for the message's end */
    char tail[CONTENT_TAIL]; /* the last octets, kept from the first wrong line end on */
};

void content_begin(struct content *content, enum newlines newlines, enum line_ending line_ending);

/*
 * Decodes octets off the front of `input` into the front of `output`, moving both, until the
 * input is used up, fewer than two octets of room are left, or the message has ended. Once a
 * wrong line end was met the message is spoilt, and what is left of it is only read away.
 */
void content_decode(struct content *content, struct span *input, struct room *output);

bool content_ended(const struct content *content);

#endif
