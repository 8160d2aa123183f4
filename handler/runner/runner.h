/*
 * Does for the frontend what that may not do itself, and nothing else: serves its requests one by
 * one (operation.h), and ends it when its time is over. A violation of the protocol between them
 * ends the connection, with a line in the log; nothing is delivered then.
 */
#ifndef HANDLER_RUNNER_RUNNER_H
#define HANDLER_RUNNER_RUNNER_H

#include "handler/runner/state.h"

/* Serves the frontend `process` over `socket` until it has ended. Returns the exit status. */
int runner_run(struct runner *runner, int socket, pid_t process);

#endif
