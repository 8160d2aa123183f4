/*
 * What keeps the program from serving at all: words for one line on standard error, and the exit
 * status from sysexits.h that a supervisor sees.
 */
#ifndef HANDLER_PROBLEM_H
#define HANDLER_PROBLEM_H

#include <stdbool.h>

struct problem {
    int status;
    char text[512];
};

/* Fills in `problem` as printf does, and returns false for its caller to return. */
__attribute__((format(printf, 3, 4))) bool problem_set(struct problem *problem, int status,
                                                       const char *format, ...);

#endif
