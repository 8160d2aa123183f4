/*
 * What the delivery command says: the first line of its standard output is kept for the reply, the
 * lines of its standard error go to the log. Floods are read away.
 */
#ifndef HANDLER_OUTPUTS_H
#define HANDLER_OUTPUTS_H

#include "../session.h"

enum {
    OUTPUTS_TEXT_MAX = 512,  /* octets kept of the first line of standard output */
    OUTPUTS_LINES_MAX = 100, /* lines of standard error that go to the log */
    OUTPUTS_LINE_MAX = 500   /* octets of each */
};

/* A pipe: our end is -1 once everything is read, the command's once it is closed here. */
struct output {
    int ours;
    int commands;
};

struct outputs {
    struct output standard;
    struct output error;
    struct span id; /* of the message, for the log; borrowed */
    bool text_ended;
    size_t text_length;
    char text[OUTPUTS_TEXT_MAX];
    unsigned lines; /* in the log so far */
    size_t line_length;
    char line[OUTPUTS_LINE_MAX];
};

/* Opens both pipes. 0, or -errno. outputs_close is due in any case. */
int outputs_open(struct outputs *outputs, struct span id);

/* The command has its own ends now. */
void outputs_close_commands(struct outputs *outputs);

/* Reads what is there, without waiting. */
void outputs_read(struct outputs *outputs);

/* Reads what is left, without waiting for processes that the command left behind, and closes. */
void outputs_close(struct outputs *outputs);

/* The first line of standard output. */
struct span outputs_text(const struct outputs *outputs);

#endif
