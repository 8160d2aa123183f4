/*
 * Runs the delivery command: once, on a whole message, in a process group of its own, never longer
 * than its time. What it ends with becomes a verdict.
 */
#ifndef HANDLER_DELIVER_H
#define HANDLER_DELIVER_H

#include "facts.h"
#include "outputs.h"

struct delivery {
    enum verdict verdict;
    char ended[64];         /* "exit 0", "signal 9", "timeout", or what kept it from running */
    int64_t milliseconds;   /* that it took */
    unsigned done;          /* recipients who were left out, since they have the message */
    struct outputs outputs; /* outputs_text is for the reply */
};

/* Concludes with `verdict` and the `text` of a reply, and runs nothing. */
void deliver_skip(struct delivery *delivery, enum verdict verdict, const char *text);

/*
 * Runs the program at `path` as `command` with `facts` put in, its standard input `message`, which
 * stays open. Returns when it has ended or was killed for taking `timeout` milliseconds; processes
 * that it left behind are not waited for.
 */
void deliver_run(const char *path, char *const *command, const struct facts *facts, int message,
                 int64_t timeout, struct delivery *delivery);

#endif
