/*
 * The one place that knows libsystemd. The library is loaded when the environment shows that
 * systemd started us, and not before: a connection without it maps nothing but libc. Without
 * it, or built with WITH_SYSTEMD=no, a connection that systemd passes cannot be served, the journal
 * cannot be reached, and nobody is told a status.
 */
#ifndef HANDLER_SYSTEMD_H
#define HANDLER_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "problem.h"

/*
 * The descriptor of the connection that systemd passed (sd_listen_fds(3)), close-on-exec; -1 where
 * none was. False, with `problem` filled in, where one was passed that cannot be served. LISTEN_*
 * is taken out of the environment.
 */
bool systemd_find_connection(int *descriptor, struct problem *problem);

/* Sends one entry, a "FIELD=value" in each of `fields` (sd_journal_sendv(3)); false if it cannot.
 */
bool systemd_journal_send(const struct iovec *fields, size_t count);

/* Tells the service manager `state`, lines as in sd_notify(3). Nobody may be listening. */
void systemd_notify(const char *state);

#endif
