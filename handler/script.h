/*
 * Whether the kernel can start a program that may be a script: what execve(2) finds out too late.
 */
#ifndef HANDLER_SCRIPT_H
#define HANDLER_SCRIPT_H

#include "handler/problem.h"

/*
 * Adds to `problems` why the program at `path`, if it can be read, will not start, or may not;
 * `what` it is, in words.
 */
void script_check(const char *what, const char *path, struct problems *problems);

#endif
