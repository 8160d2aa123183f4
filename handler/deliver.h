/*
 * Runs the delivery command: once, on a whole message, in a process group of its own, never longer
 * than its time. What it ends with becomes a verdict.
 */
#ifndef HANDLER_DELIVER_H
#define HANDLER_DELIVER_H

#include "facts.h"
#include "outputs.h"
#include "problem.h"

enum { DELIVER_PATH_MAX = 4096 };

struct delivery {
    enum verdict verdict;
    char ended[64];         /* "exit 0", "signal 9", "timeout", or what kept it from running */
    int64_t milliseconds;   /* that it took */
    struct outputs outputs; /* outputs_text is for the reply */
};

/*
 * Finds the program `name` as execvp(3) would. False, with `problem` filled in, where there is
 * none that can be executed.
 */
bool deliver_find_program(const char *name, char path[DELIVER_PATH_MAX], struct problem *problem);

/*
 * Whether the interpreter of the script at `path`, if it is one, can be executed. False, with
 * `problem` filled in, where it cannot.
 */
bool deliver_check_interpreter(const char *path, struct problem *problem);

/*
 * Runs the program at `path` as `command` with `facts` put in, its standard input `message`, which
 * stays open. Returns when it has ended or was killed for taking `timeout` milliseconds; processes
 * that it left behind are not waited for.
 */
void deliver_run(const char *path, char *const *command, const struct facts *facts, int message,
                 int64_t timeout, struct delivery *delivery);

#endif
