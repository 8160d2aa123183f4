/*
 * The life of the process that talks to the client. What a client sends is read here and nowhere
 * else, so it is confined: it can use the descriptors that it has, and asks the runner for all else
 * (boundary.h).
 */
#ifndef HANDLER_FRONTEND_H
#define HANDLER_FRONTEND_H

#include "handler/frontend/state.h"

/*
 * Serves the client, in a process of its own, whose parent is `runner`, to which `socket` leads.
 * Returns when everything is said.
 */
void frontend_run(struct frontend *frontend, int socket, pid_t runner);

/* Writes 421 instead of the greeting, and closes the connection. */
void frontend_turn_away(const struct connection *connection, const char *hostname);

#endif
