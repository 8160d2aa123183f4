/*
 * --listen: what comes before the listener's life if we bind its sockets ourselves.
 */
#ifndef HANDLER_START_LISTEN_H
#define HANDLER_START_LISTEN_H

#include "handler/listener/sockets.h"
#include "handler/start/start.h"

/*
 * Forgets what is on standard input and output. False, with `problem` filled in, if that is a
 * socket which was handed to us to serve, as if it `listens`.
 */
bool listen_alone(struct start *start, bool listens, struct problem *problem);

/*
 * Binds the sockets, gives up root, checks all as the user who serves, and then says which sockets
 * they are. False, with nothing bound, if anything is wrong, which it adds to `problems`.
 */
bool listen_begin(struct start *start, struct sockets *sockets, struct problems *problems);

#endif
