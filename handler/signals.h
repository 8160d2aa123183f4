/*
 * Signals are blocked but for the moments of waiting, so that none is missed between a look at
 * what it changed and the wait: SIGTERM asks to stop, SIGCHLD says that the command may have ended,
 * SIGHUP asks a listener to read its options again.
 */
#ifndef HANDLER_SIGNALS_H
#define HANDLER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "problem.h"

/*
 * Sets the handlers and the mask up; one who `listens` hears SIGHUP, too. False, with `problem`
 * filled in, where that fails.
 */
bool signals_begin(bool listens, struct problem *problem);

/* The mask to wait with, for ppoll(2). */
const sigset_t *signals_waiting(void);

/* Whether SIGTERM came; and whether a wait let it in, which takes no look at what is pending. */
bool signals_want_stop(void);
bool signals_heard_stop(void);

/* Whether SIGHUP came since this was asked last. */
bool signals_want_reload(void);

/*
 * In a new process: makes signals what they were at first. SIGTERM waits for a session until
 * signals_begin is there to hear it. False, with errno set, where that fails.
 */
bool signals_restore(bool for_session);

#endif
