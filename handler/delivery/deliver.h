/*
 * Runs the delivery command: once, on a whole message, in a process group of its own, never longer
 * than its time. Its exit status becomes a verdict.
 */
#ifndef HANDLER_DELIVERY_DELIVER_H
#define HANDLER_DELIVERY_DELIVER_H

#include "handler/delivery/attributes.h"
#include "handler/delivery/command.h"
#include "handler/delivery/outputs.h"

struct delivery {
    enum verdict verdict;
    bool discarded;         /* accepted, but the command kept nothing */
    char ended[96];         /* "exit 0", "signal 9", "timeout", or what kept it from running */
    bool left;              /* it left processes behind: in its group, or that hold its outputs */
    int64_t milliseconds;   /* how long it ran */
    unsigned left_out;      /* recipients who have the message, or were named before */
    struct outputs outputs; /* outputs_text is for the reply */
};

/* Sets the outcome, `verdict` and the `text` of a reply, and runs nothing. */
void deliver_skip(struct delivery *delivery, enum verdict verdict, struct span text);

/* Turns a refusal, or status 99, of the command that was run into a deferral. */
void deliver_defer(struct delivery *delivery);

/*
 * Runs `command` with `attributes` put in; its standard input is `message`, which stays open, its
 * `rules` are those of process_start. Returns when the command has ended, or was killed after
 * `timeout` milliseconds; it does not wait for processes that the command left behind.
 */
void deliver_run(const struct command *command, const struct attributes *attributes, int message,
                 int64_t timeout, int rules, struct delivery *delivery);

/* What a filter may write to, beside the outputs of a command. */
struct deliver_ends {
    int message;         /* its descriptor 3, and */
    int edits;           /* its descriptor 4: files, above those that a program gets */
    uint64_t file_max;   /* octets up to which it may write into a file; 0: as many as we may */
    struct text *fields; /* gets its standard output, cut to fit */
};

/* The same for a filter. */
void deliver_filter(const struct command *command, const struct attributes *attributes, int message,
                    int64_t timeout, int rules, const struct deliver_ends *ends,
                    struct delivery *delivery);

#endif
