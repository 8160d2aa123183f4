/*
 * Finds the programs beside this one that it starts by itself.
 */
#ifndef HANDLER_HELPER_H
#define HANDLER_HELPER_H

#include "handler/process.h"

enum { HELPER_SAID_MAX = 16 * 1024 };

/*
 * Finds the helper `name` as built, in helpers/ and a directory of that name beside this program,
 * or as installed. False, with `problem` filled in, if it is in neither.
 */
bool helper_find(const char *name, char path[PROCESS_PATH_MAX], struct problem *problem);

/*
 * Runs the helper at `path` for --check. `said` becomes the lines that it writes to its standard
 * output, as far as there is room, and the result its exit status, or -1 if it has none.
 */
int helper_ask(const char *path, char *const *arguments, char said[HELPER_SAID_MAX]);

#endif
