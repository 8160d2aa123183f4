/*
 * What --check says of the password program: only our own, password-check, can be asked.
 */
#ifndef HANDLER_VERDICT_PASSWORD_CHECK_H
#define HANDLER_VERDICT_PASSWORD_CHECK_H

#include "handler/options/options.h"

/*
 * Has the options' program, found at `path`, look through its file if it is password-check. Adds to
 * `problems` what that finds: warnings, but an error if with --submission nobody can log in.
 */
void password_check(const char *path, const struct options *options, struct problems *problems);

#endif
