/*
 * Cuts command lines out of the input (RFC 5321 2.3.8, 4.5.3.1.4). A line that is too long is
 * discarded up to its end; only its first and last octets are kept.
 */
#ifndef SESSION_LINE_H
#define SESSION_LINE_H

#include "session/text/span.h"

/*
 * Octets of a command line, its end included. RFC 5321 4.5.3.1.4 asks for 512, and what each
 * extension adds.
 */
enum { COMMAND_LINE_MAX = 2048 };

enum { LINE_KEPT_MAX = 32 }; /* octets of each end of a line that is too long */

/* What may end a line. A bare LF is one without a CR before it. */
enum newlines {
    NEWLINES_STRICT,    /* CR LF alone; a message with a bare LF is refused */
    NEWLINES_NORMALIZE, /* CR LF; within a message also a bare LF, but it has no part in its end */
    NEWLINES_LENIENT    /* LF, with or without a CR before it */
};

enum line_result {
    LINE_INCOMPLETE, /* its end has not come yet */
    LINE_COMPLETE,   /* it may hold a CR or LF that does not end a line */
    LINE_TOO_LONG,
    LINE_REST /* of a line whose beginning line_cut took */
};

/* What is kept of a line whose beginning was discarded, or taken. */
struct line {
    bool too_long;
    bool is_cut; /* line_cut took its beginning */
    bool after_cr;
    size_t first_length, last_length;
    char kept[2 * LINE_KEPT_MAX]; /* the first octets, and the last ones */
};

/*@ predicate line_ok(struct line *line) = \valid(line) &&
        line->first_length <= LINE_KEPT_MAX && line->last_length <= LINE_KEPT_MAX &&
        (line->too_long ==> line->first_length == LINE_KEPT_MAX && line->last_length > 0);
    predicate taken(struct span text, struct span input, struct line *line) = readable(text) &&
        ((text.octets == input.octets && text.length <= input.length) ||
            (text.octets == &line->kept[0] && text.length <= 2 * LINE_KEPT_MAX)); */
/* Makes `line` new: the next octet begins one. */
/*@ requires \valid(line);
    assigns line->too_long, line->is_cut, line->after_cr, line->first_length, line->last_length;
    ensures line_ok(line) && line->last_length == 0; */
void line_begin(struct line *line);

/*
 * Parses one line off the front of `input` into `text`, without its end; if it is too long, its
 * first and last octets, LINE_KEPT_MAX of each. It is borrowed from input and line until the next
 * call; with LINE_INCOMPLETE it is undefined.
 */
/*@ requires line_ok(line) && parsable(input) && \valid(text) && \separated(line, input, text);
    requires \separated(line, input->octets + (0 .. input->length - 1));
    requires \separated(text, input->octets + (0 .. input->length - 1));
    assigns line->too_long, line->is_cut, line->after_cr, line->first_length,
            line->last_length, line->kept[0 .. 2 * LINE_KEPT_MAX - 1], *input, *text;
    ensures line_ok(line);
    ensures parsable(input);
    ensures rest_of(*input, \old(*input));
    ensures \result != LINE_INCOMPLETE ==> input->length < \old(input->length);
    ensures input->length < \old(input->length) || line->last_length == 0 ||
        \old(line->last_length) > 0;
    ensures \result != LINE_INCOMPLETE ==> taken(*text, \old(*input), line);
    ensures \result != LINE_INCOMPLETE ==> text->length <= COMMAND_LINE_MAX;
    ensures \result == LINE_TOO_LONG ==> text->length >= LINE_KEPT_MAX; */
enum line_result line_parse(struct line *line, enum newlines newlines, struct span *input,
                            struct span *text);

/*
 * Whether what is here of an incomplete line, with `input`, ends with a bare LF: a client that
 * sends no more waits for a reply, and would wait forever.
 */
/*@ requires \valid_read(line) && line->last_length <= LINE_KEPT_MAX && readable(input);
    assigns \nothing;
    ensures \result ==> input.length > 0 || line->last_length > 0; */
bool line_stops_at_lf(const struct line *line, struct span input);

/* Takes that off `input`, LF included, as line_parse does a line. What follows is its LINE_REST. */
/*@ requires line_ok(line) && parsable(input) && \valid(text) && \separated(line, input, text);
    requires \separated(line, input->octets + (0 .. input->length - 1));
    requires \separated(text, input->octets + (0 .. input->length - 1));
    assigns line->too_long, line->is_cut, line->after_cr, line->first_length,
            line->last_length, line->kept[0 .. 2 * LINE_KEPT_MAX - 1], *input, *text;
    ensures line_ok(line) && line->last_length == 0;
    ensures input->length == 0 && rest_of(*input, \old(*input));
    ensures taken(*text, \old(*input), line);
    ensures \result != LINE_INCOMPLETE;
    ensures \result == LINE_TOO_LONG ==> text->length >= LINE_KEPT_MAX; */
enum line_result line_cut(struct line *line, struct span *input, struct span *text);

#endif
