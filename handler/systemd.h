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
#include <stdint.h>
#include <sys/uio.h>

#include "problem.h"

/* What systemd passed (sd_listen_fds(3)). */
struct systemd_descriptors {
    int first;
    int count;      /* 0 where nothing was passed */
    int connection; /* the one of that name, or the first; -1 where nothing was passed */
};

/*
 * Takes the descriptors, close-on-exec, and LISTEN_* out of the environment. False, with `problem`
 * filled in, where they cannot be had.
 */
bool systemd_take_descriptors(struct systemd_descriptors *passed, struct problem *problem);

/* Sends one entry, a "FIELD=value" in each of `fields` (sd_journal_sendv(3)); false if it cannot.
 */
bool systemd_journal_send(const struct iovec *fields, size_t count);

/* Milliseconds between two "WATCHDOG=1" that the service manager waits for; -1 where it does not.
 */
int64_t systemd_watchdog_interval(void);

/* Tells the service manager `state`, lines as in sd_notify(3). Nobody may be listening. */
void systemd_notify(const char *state);

#endif
