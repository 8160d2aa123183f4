/*
 * Signals are blocked but for the moments of waiting, so that none is missed between a look at
 * what it changed and the wait: SIGTERM asks to stop, SIGCHLD says that the command may have ended.
 */
#ifndef HANDLER_SIGNALS_H
#define HANDLER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "problem.h"

/* Sets the handlers and the mask up. False, with `problem` filled in, where that fails. */
bool signals_begin(struct problem *problem);

/* The mask to wait with, for ppoll(2). */
const sigset_t *signals_waiting(void);

/* Whether SIGTERM came. */
bool signals_want_stop(void);

/* The signals whose handling a command must find as it was at first: those changed here. */
sigset_t signals_changed(void);

#endif
