/*
 * --check: tells everything that is wrong with options, files and COMMAND, and what is in force.
 * It serves nothing, makes nothing, and gives the same answer whatever standard input is.
 */
#ifndef HANDLER_START_CHECK_H
#define HANDLER_START_CHECK_H

#include "handler/start/start.h"

/* Adds to `problems` all that is wrong for some client, not for this one alone. */
void check_all(struct start *start, struct problems *problems);

/* Checks, with what reading the options has found in `problems`. Returns the exit status. */
int check_run(struct start *start, struct problems *problems);

#endif
