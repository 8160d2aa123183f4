/*
 * Asks a program whether a name and a password are right: one as checkpassword(8) wants it, which
 * reads both from descriptor 3 and exits 0 for right, 1 for wrong.
 */
#ifndef HANDLER_VERDICT_PASSWORD_H
#define HANDLER_VERDICT_PASSWORD_H

#include "handler/options/options.h"
#include "session.h"

/*
 * Runs the options' program, found at `path`, on the credentials, for up to a minute.
 * VERDICT_ACCEPTED, VERDICT_REFUSED, or VERDICT_DEFERRED, with a line in the log, if it could not
 * tell. What the program reports its sandbox to lack, as password-check does, is added to
 * `missing`, the bits of confine.h.
 */
enum verdict password_verdict(const char *path, const struct options *options,
                              struct credentials credentials, unsigned *missing);

#endif
