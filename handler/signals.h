/*
 * Signals are blocked except while we wait (wait.h), so that none is missed between a check of what
 * it changed and the wait: SIGTERM asks to stop, SIGCHLD says that a program may have ended, SIGHUP
 * asks a listener to read its options again.
 */
#ifndef HANDLER_SIGNALS_H
#define HANDLER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "handler/problem.h"

/*
 * Sets up the handlers and the mask, of SIGHUP only if it `listens`. False, with `problem` filled
 * in, if that fails.
 */
bool signals_begin(bool listens, struct problem *problem);

/* The mask for ppoll(2). */
const sigset_t *signals_poll_mask(void);

/* Whether SIGTERM was caught or is pending; and whether it was caught, without a system call. */
bool signals_stop_pending(void);
bool signals_stop_caught(void);

/* Whether SIGHUP was caught since the last call. */
bool signals_reload_caught(void);

/*
 * In a new process: restores the initial handlers and mask, but blocks SIGTERM for a session until
 * its signals_begin. False, with errno set, if that fails.
 */
bool signals_restore(bool for_session);

#endif
