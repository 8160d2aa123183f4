/*
 * What systemd gave us to know (LoadCredential=): files in CREDENTIALS_DIRECTORY. One whose own
 * file is missing is there all the same, with the default of SetCredential=, which holds nothing.
 */
#ifndef HANDLER_CREDENTIAL_H
#define HANDLER_CREDENTIAL_H

#include <stdbool.h>

#include "handler/problem.h"
#include "handler/process.h"

/* The path of the one called `name`, which need not exist; false if nothing was given. */
bool credential_find(const char *name, char path[PROCESS_PATH_MAX]);

/* Whether `path` may be relied on; false, with `problem` filled in, if it is a credential without a
 * file. */
bool credential_check(const char *path, struct problem *problem);

#endif
