/*
 * Asks a keeper of keys (helpers/tls-relay/keep.h) to serve a connection: the one at the socket
 * that --tls-relay names, or that of our listener.
 */
#ifndef HANDLER_RUNNER_KEEPER_H
#define HANDLER_RUNNER_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "handler/options/options.h"
#include "handler/problem.h"

/* Whether there should be one. */
bool keeper_is_used(const struct options *options);

/*
 * Sends a request with the descriptors, which stay the caller's, until `deadline` as of wait_until.
 * False, with `problem` filled in, if there is no keeper, or it takes no request.
 */
bool keeper_ask(const struct options *options, const int *descriptors, size_t count,
                int64_t deadline, struct problem *problem);

#endif
