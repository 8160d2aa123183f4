/*
 * Starts other programs: each with the descriptors that it is given and no others, and with signals
 * as they were when we were started.
 */
#ifndef HANDLER_PROCESS_H
#define HANDLER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "problem.h"

enum { PROCESS_PATH_MAX = 4096 };

/*
 * Finds the program `name` as execvp(3) would. False, with `problem` filled in, where there is
 * none that can be executed; `what` it is for, in words.
 */
bool process_find_program(const char *what, const char *name, char path[PROCESS_PATH_MAX],
                          struct problem *problem);

/*
 * Whether the interpreter of the script at `path`, if it is one, can be executed. False, with
 * `problem` filled in, where it cannot.
 */
bool process_check_interpreter(const char *what, const char *path, struct problem *problem);

/* A descriptor of ours, and the number that the new process has it under. */
struct process_descriptor {
    int ours;
    int its;
};

enum process_kind {
    PROCESS_COMMAND, /* in a group of its own, so that it can be killed whole; dies with us */
    PROCESS_HELPER,
    PROCESS_SESSION /* ourselves once more: SIGTERM waits until we are there to hear it */
};

/*
 * Starts the program at `path`. No descriptor of ours may be one that another row puts in its place
 * before; process_move helps. 0, or -errno.
 */
int process_start(pid_t *process, const char *path, char *const *arguments,
                  char *const *environment, const struct process_descriptor *descriptors,
                  size_t count, enum process_kind kind);

/*
 * Moves `*descriptor` above those that new processes get, close-on-exec. 0, or -errno, with the
 * descriptor closed.
 */
int process_move(int *descriptor);

/* Whether the process has ended; `*status` is that of waitpid(2) then. */
bool process_has_ended(pid_t process, int *status);

/* Waits for that up to `timeout` milliseconds. */
bool process_wait(pid_t process, int64_t timeout, int *status);

#endif
