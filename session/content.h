/*
 * Decodes the octets of a message: after DATA finds its end and takes the stuffed dots off
 * (RFC 5321 4.1.1.4, 4.5.2); writes line ends as the delivery command wants them. It does not
 * refuse a message: it tells its size and whether a line end was wrong.
 *
 * With NEWLINES_NORMALIZE a bare LF becomes a line end, and is counted. After DATA a line of one
 * dot with a bare LF before or behind it is a false end, which is wrong; a chunk's end is counted,
 * so there is none.
 */
#ifndef SESSION_CONTENT_H
#define SESSION_CONTENT_H

#include <stdint.h>

#include "session/line.h"

enum encoding {
    ENCODING_DOTTED, /* of DATA: ended by a dot, other dots stuffed */
    ENCODING_PLAIN,  /* of BDAT: lines, up to the end of the chunk */
    ENCODING_BINARY  /* of BDAT with BODY=BINARYMIME: octets, unchanged; RFC 3030 3 */
};

enum line_ending { LINE_ENDING_LF, LINE_ENDING_CRLF };

/* Each state names the octets that lead to it. */
enum content_state {
    CONTENT_LINE_START,      /* CR LF */
    CONTENT_AFTER_DOT,       /* CR LF . */
    CONTENT_AFTER_DOT_CR,    /* CR LF . CR */
    CONTENT_WITHIN_LINE,     /* anything else */
    CONTENT_AFTER_CR,        /* ... CR */
    CONTENT_AFTER_LF,        /* bare LF */
    CONTENT_AFTER_LF_DOT,    /* LF . */
    CONTENT_AFTER_LF_DOT_CR, /* LF . CR */
    CONTENT_ENDED            /* CR LF . CR LF */
};

enum { CONTENT_TAIL = 6 }; /* the longest smuggled end, and an octet behind it */

struct content {
    enum content_state state;
    enum encoding encoding;
    enum newlines newlines;
    enum line_ending line_ending;
    uint64_t size;            /* octets as RFC 1870 6.1 counts: CR LF ends each line, no stuffing */
    uint64_t bare_lf_count;   /* bare LFs that became line ends */
    const char *bad_line_end; /* the first bad line end, in words; or NULL */
    const char *smuggled_end; /* the first end that a laxer server would see; or NULL */
    char tail[CONTENT_TAIL];  /* the last octets up to a bare LF; all from a bad line end on */
};

/*@ predicate content_ok(struct content *content) = \valid(content) &&
        content->state <= CONTENT_ENDED; */
/* Makes `content` new: the next octet begins the message. */
/*@ requires \valid(content);
    assigns content->state, content->encoding, content->newlines, content->line_ending,
            content->size, content->bare_lf_count, content->bad_line_end, content->smuggled_end;
    ensures content_ok(content); */
void content_begin(struct content *content, enum encoding encoding, enum newlines newlines,
                   enum line_ending line_ending);

/*
 * Decodes octets off the front of `input` into the front of `output`, moving both, until the
 * input is used up, fewer than two octets of room are left, or the message has ended. After a bad
 * line end the rest of the message is discarded.
 */
/*@ requires content_ok(content) && parsable(input) && \valid(output) && writable(*output);
    requires \separated(content, input, output, output->octets + (0 .. output->length - 1));
    requires \separated(input->octets + (0 .. input->length - 1),
                        output->octets + (0 .. output->length - 1));
    assigns content->state, content->size, content->bare_lf_count, content->bad_line_end,
            content->smuggled_end, content->tail[0 .. CONTENT_TAIL - 1],
            *input, *output, output->octets[0 .. output->length - 1];
    ensures content_ok(content) && parsable(input);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output)); */
void content_decode(struct content *content, struct span *input, struct room *output);

/* The dot that ends the message has come; ENCODING_DOTTED alone has one. */
/*@ requires \valid_read(content);
    assigns \nothing;
    ensures \result <==> content->state == CONTENT_ENDED; */
bool content_ended(const struct content *content);

/* No more octets will come: a CR without its LF is a bad line end. */
/*@ requires content_ok(content);
    assigns content->bad_line_end;
    ensures content_ok(content); */
void content_finish(struct content *content);

#endif
