/*
 * Which client a proxy in front of us names: in the header of the PROXY protocol, before anything
 * is said, or by XCLIENT. Whether to believe it was decided before.
 */
#ifndef HANDLER_FRONTEND_PROXY_H
#define HANDLER_FRONTEND_PROXY_H

#include <stdint.h>

#include "handler/connection.h"
#include "handler/options/options.h"

/* Whether a header can be read from the connection; false, with `problem` filled in, if not. */
bool proxy_check(const struct connection *connection, struct problem *problem);

/*
 * Whether the other end of the connection may send a header: it is in one of the networks, if there
 * are any, or at a Unix socket without an address, to which the file's permissions let it.
 */
bool proxy_may_speak(const struct connection *connection, const struct cidr_list *networks);

/*
 * Reads the header, for up to `timeout` milliseconds, and not an octet after it. Sets the endpoints
 * that it names, if any. False, with `problem` filled in, if there is no valid header; its status
 * is EX_OK if the client sent nothing at all.
 */
bool proxy_read(struct connection *connection, int64_t timeout, struct problem *problem);

/* Sets what XCLIENT names; false, with nothing changed, if an address is malformed. */
bool proxy_apply_xclient(struct connection *connection, const struct xclient *told);

#endif
