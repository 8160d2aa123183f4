/*
 * Confines a process before it reads what strangers send: it can then do no more than its filter of
 * system calls allows. There is no way back. This module includes nothing else of the handler, so
 * that the helpers are confined as the frontend is.
 */
#ifndef HANDLER_CONFINE_H
#define HANDLER_CONFINE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a kernel may lack, as bits. */
enum confine_part {
    CONFINE_NO_NEW_PRIVILEGES = 1,
    CONFINE_SECCOMP = 2,  /* all other system calls end the process: see filter.c */
    CONFINE_LANDLOCK = 4, /* no other file, no connection, no signal to others */
    CONFINE_LIMITS = 8,   /* the process's own, no new processes, no core dump */
    CONFINE_NOT_DUMPABLE = 16,
    CONFINE_PARTS = 31
};

enum { CONFINE_WORDS_MAX = 256 };

/* A resource of setrlimit(2) and its max. */
struct confine_limit {
    unsigned resource;
    uint64_t max;
};

struct confinement {
    const struct sock_filter *filter; /* a program for seccomp(2), as filter.c writes it */
    size_t filter_length;             /* instructions */
    const struct confine_limit *limits;
    size_t limit_count;
    const char *const *readable; /* files and directories that may still be read; NULL ends them */
    const char *const *executable; /* files that may still be executed; either may be NULL */
    bool forks;                    /* it may start processes */
    bool speaks;                   /* standard error stays open */
};

/*
 * If `hidden`, no other process of the user may read this one's memory or trace it, until it
 * executes a program, and it leaves no core dump. Its children inherit that.
 */
bool confine_hide(bool hidden);

/* Points standard error at /dev/null. */
void confine_silence(void);

/*
 * Confines this process for good, and silences it unless it speaks: standard error may be the log,
 * which a process that was taken over could forge. Returns what the kernel lacks.
 */
unsigned confine_enter(const struct confinement *confinement);

/*
 * Adds the names of the `missing` parts to the string `words`, separated by commas, each behind
 * `whom`, the process that lacks it ("relay:").
 */
void confine_add_words(char words[CONFINE_WORDS_MAX], const char *whom, unsigned missing);

#endif
