/*
 * Whom a proxy in front of us speaks for: by the header of the PROXY protocol, before anything is
 * said, or by XCLIENT. Whether it may be believed was asked before.
 */
#ifndef HANDLER_PROXY_H
#define HANDLER_PROXY_H

#include <signal.h>
#include <stdint.h>

#include "connection.h"

/* Whether a header can be read from the connection; false, with `problem` filled in, if not. */
bool proxy_check(const struct connection *connection, struct problem *problem);

/*
 * Reads the header, up to `timeout` milliseconds, and not an octet behind it. From then on the
 * client and our end are those that it names, if it names any. `signals` is the mask while
 * waiting. False, with `problem` filled in, where there is none that is right; its status is EX_OK
 * where nothing came at all.
 */
bool proxy_read(struct connection *connection, int64_t timeout, const sigset_t *signals,
                struct problem *problem);

/* Takes the client for whom XCLIENT tells of; false, with nothing changed, where an address is
 * none.
 */
bool proxy_introduce(struct connection *connection, const struct xclient *told);

#endif
