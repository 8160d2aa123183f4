/*
 * The loop of a frontend: does what the session wants, and else writes, waits and reads.
 */
#ifndef HANDLER_FRONTEND_WANTS_H
#define HANDLER_FRONTEND_WANTS_H

#include "handler/frontend/state.h"

/* Serves the session, which has begun, until nothing is left to say or to read. */
void wants_serve(struct frontend *frontend);

/* The handshake; false if it failed. Afterwards the stream's other end is the relay. */
bool wants_handshake(struct frontend *frontend);

#endif
