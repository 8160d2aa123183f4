/*
 * Why the program cannot serve, or may not serve as somebody thinks: texts of one line for standard
 * error, each with the exit status of sysexits.h for the supervisor.
 */
#ifndef HANDLER_PROBLEM_H
#define HANDLER_PROBLEM_H

#include <stdbool.h>

enum { PROBLEMS_MAX = 100 };

struct problem {
    int status;       /* EX_OK for a warning: nothing stands in the way */
    const char *page; /* of the manual that helps; NULL if none does */
    char text[512];
};

/* What was found, in this order. Zeros at first; the caller owns its memory. */
struct problems {
    unsigned count;       /* of all, of which the list has the first PROBLEMS_MAX */
    const char *page;     /* of those that come without one; NULL for none */
    struct problem error; /* the first that is no warning; its status is EX_OK if there is none */
    struct problem list[PROBLEMS_MAX];
};

/* Fills in `problem`, without a page, the text as printf does. Returns false, for the caller to
 * return. */
__attribute__((format(printf, 3, 4))) bool problem_set(struct problem *problem, int status,
                                                       const char *format, ...);

/* Adds a problem, or with EX_OK a warning, the text as printf does; not twice the same. */
__attribute__((format(printf, 3, 4))) void problems_add(struct problems *problems, int status,
                                                        const char *format, ...);

/* Adds a copy of `problem` unless `fine`, which is what a function returned that fills it in. */
void problems_add_unless(struct problems *problems, bool fine, const struct problem *problem);

/* Which page helps with what is added from now on, unless that or its text names another. */
void problems_about(struct problems *problems, const char *page);

/* Whether there are warnings only, or nothing at all. */
bool problems_allow(const struct problems *problems);

#endif
