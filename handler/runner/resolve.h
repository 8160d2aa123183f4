/*
 * The client's name by DNS, or whatever the system's resolver asks. The name of the client's
 * address is only believed if the address is one of that name's: otherwise anybody could choose it.
 * Both are looked up by a process apart, which can be ended, and which holds nothing of ours but
 * the pipe for its answer.
 */
#ifndef HANDLER_RUNNER_RESOLVE_H
#define HANDLER_RUNNER_RESOLVE_H

#include "handler/connection.h"

enum { RESOLVE_MILLISECONDS = 5000 };

/* The confirmed name in `name`; "" if there is none, or it cannot be found out in time. */
void resolve_client(const struct endpoint *client, char name[DOMAIN_MAX + 1]);

/* Whether a resolver can be asked; false, with `problem` filled in, if nobody answers in time. */
bool resolve_check(struct problem *problem);

#endif
