/*
 * Starts other programs: each with the descriptors that it is given and no others, and with the
 * signals' initial handlers and mask.
 */
#ifndef HANDLER_PROCESS_H
#define HANDLER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "handler/problem.h"

enum { PROCESS_PATH_MAX = 4096 };

/*
 * Finds the program `name` as execvp(3) would. False, with `problem` filled in, if there is none
 * that can be executed; `what` it is, in words.
 */
bool process_find_program(const char *what, const char *name, char path[PROCESS_PATH_MAX],
                          struct problem *problem);

/* Why `path` is no program that we may execute, in words; NULL if it is one. */
const char *process_find_fault(const char *path);

/* As of dup2(2): our descriptor, and its number in the new process. */
struct process_descriptor {
    int from;
    int to;
};

enum process_kind {
    PROCESS_COMMAND, /* in a group of its own, so that it can be killed whole; dies with us */
    PROCESS_HELPER,  /* dies with us */
    PROCESS_SESSION  /* ourselves once more: SIGTERM waits until we can receive it */
};

enum { PROCESS_UNRULED = -1 };

/*
 * How to start a program. No `from` may equal an earlier row's `to`: process_move gets it out of
 * the way.
 */
struct process_plan {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const struct process_descriptor *descriptors;
    size_t descriptor_count;
    enum process_kind kind;
    int rules; /* of landlock.h, or PROCESS_UNRULED */
};

/* Starts a program. 0, or -errno. */
int process_start(pid_t *process, const struct process_plan *plan);

/* What an errno of it, or of fork(2), means, in words. */
const char *process_error(int error);

/*
 * Moves `*descriptor` above those that new processes get, close-on-exec. 0, or -errno, with the
 * descriptor closed.
 */
int process_move(int *descriptor);

/* Whether the process has ended; `*status` is that of waitpid(2) then. */
bool process_has_ended(pid_t process, int *status);

/* Waits up to `timeout` milliseconds until it has. */
bool process_wait(pid_t process, int64_t timeout, int *status);

#endif
