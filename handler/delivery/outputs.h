/*
 * What a command writes: the first line of its standard output is for the reply, the lines of its
 * standard error go to the log, up to a limit; the rest is discarded.
 */
#ifndef HANDLER_DELIVERY_OUTPUTS_H
#define HANDLER_DELIVERY_OUTPUTS_H

#include "session.h"
#include "session/text/text.h"

enum {
    OUTPUTS_TEXT_MAX = 512,  /* octets kept of the first line of standard output */
    OUTPUTS_LINES_MAX = 100, /* lines of standard error that go to the log */
    OUTPUTS_LINE_MAX = 500   /* octets of each */
};

/* A pipe: an end is -1 once it is closed here. */
struct output {
    int read_end;
    int write_end;
};

struct outputs {
    struct output standard;
    struct output error;
    struct span id;      /* of the message, for the log; borrowed */
    struct span filter;  /* whose they are; borrowed; empty for the delivery command */
    struct text *fields; /* gets all of standard output; borrowed; NULL for the delivery command */
    bool text_ended;
    size_t text_length;
    char text[OUTPUTS_TEXT_MAX];
    unsigned lines; /* in the log so far */
    size_t line_length;
    char line[OUTPUTS_LINE_MAX];
};

/* Opens both pipes. 0, or -errno; call outputs_close in both cases. */
int outputs_open(struct outputs *outputs, struct span id);

/* Closes our copies of the ends that the command has. */
void outputs_close_write_ends(struct outputs *outputs);

/* Reads what is there; never blocks. */
void outputs_read(struct outputs *outputs);

/*
 * Reads the rest, waits for no process that the command left behind, and closes. Whether such a
 * process has one of them open.
 */
bool outputs_close(struct outputs *outputs);

/* The first line of standard output. */
struct span outputs_text(const struct outputs *outputs);

#endif
