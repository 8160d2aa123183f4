/*
 * What systemd offers a service. systemd.c, which alone knows libsystemd, loads that library if the
 * environment shows that systemd started us; without it, it takes no descriptors and reaches
 * neither journal nor service manager. systemd-protocol.c, in the static build and with
 * WITH_SYSTEMD=no, speaks the documented protocols itself.
 */
#ifndef HANDLER_SYSTEMD_H
#define HANDLER_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "handler/problem.h"

/* What systemd passed (sd_listen_fds(3)). */
struct systemd_descriptors {
    int first;
    int count;      /* 0 if nothing was passed */
    int connection; /* the one of that name, or the first; -1 if nothing was passed */
};

/*
 * Takes the descriptors, close-on-exec, and removes LISTEN_* from the environment. False, with
 * `problem` filled in, if that fails.
 */
bool systemd_take_descriptors(struct systemd_descriptors *passed, struct problem *problem);

/* Sends one entry, a "FIELD=value" in each of `fields` (sd_journal_sendv(3)); false if it cannot.
 */
bool systemd_journal_send(const struct iovec *fields, size_t count);

/* Milliseconds between two "WATCHDOG=1" to the service manager; -1 if it expects none. */
int64_t systemd_watchdog_interval(void);

/* Tells the service manager, if there is one, `state`: lines as in sd_notify(3). */
void systemd_notify(const char *state);

#endif
