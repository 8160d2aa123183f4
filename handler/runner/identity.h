/*
 * Serves the requests that tell who the client is: PROXY, XCLIENT, TLS and AUTH. The contracts are
 * in boundary.h. Each returns the violation of the protocol in the request, NULL for none.
 */
#ifndef HANDLER_RUNNER_IDENTITY_H
#define HANDLER_RUNNER_IDENTITY_H

#include "handler/runner/state.h"

const char *identity_serve_proxy(struct runner *runner, const struct request *request);
const char *identity_serve_no_proxy(struct runner *runner, const struct request *request);
const char *identity_serve_resolve(struct runner *runner, const struct request *request);
const char *identity_serve_tls(struct runner *runner, const struct request *request);
const char *identity_serve_handshake(struct runner *runner, const struct request *request);
const char *identity_serve_xclient(struct runner *runner, const struct request *request);
const char *identity_serve_credentials(struct runner *runner, const struct request *request);

/* Whether the options require TLS, and the connection is still in plaintext. */
bool identity_needs_tls(const struct runner *runner);

#endif
