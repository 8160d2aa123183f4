/*
 * Cuts command lines out of the input (RFC 5321 2.3.8, 4.5.3.1.4). A line that is too long is
 * swallowed up to its end without being kept.
 */
#ifndef SESSION_LINE_H
#define SESSION_LINE_H

#include "span.h"

/*
 * Octets of a command line, its end included. RFC 5321 4.5.3.1.4 asks for 512, and what each
 * extension adds.
 */
enum { COMMAND_LINE_MAX = 2048 };

enum newlines {
    NEWLINES_STRICT, /* CR LF alone ends a line */
    NEWLINES_LENIENT /* LF does, with or without a CR before it */
};

enum line_result {
    LINE_UNFINISHED, /* its end is not here yet */
    LINE_TAKEN,      /* it may hold a CR or LF that does not end a line */
    LINE_TOO_LONG
};

/* What is remembered of a line whose beginning was swallowed. */
struct line {
    bool too_long;
    bool after_cr;
};

/*
 * Takes one line off the front of `input` and sets `text` to it, without its end. Unless
 * LINE_TAKEN is returned, `text` means nothing. `text` borrows from the input.
 */
enum line_result line_take(struct line *line, enum newlines newlines, struct span *input,
                           struct span *text);

#endif
