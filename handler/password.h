/*
 * Who says whether a name and a password are right: a program as checkpassword(8) wants it, which
 * reads both from descriptor 3 and exits 0 for right, 1 for wrong.
 */
#ifndef HANDLER_PASSWORD_H
#define HANDLER_PASSWORD_H

#include "../session.h"

/*
 * Runs `program`, found at `path`, on the credentials, up to a minute. VERDICT_ACCEPTED,
 * VERDICT_REFUSED, or VERDICT_DEFERRED, with a line in the log, where it could not say.
 */
enum verdict password_judge(const char *path, char *const *program, struct credentials credentials);

#endif
