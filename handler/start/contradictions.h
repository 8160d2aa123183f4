/*
 * What --check says of options that are valid each, and not together.
 */
#ifndef HANDLER_START_CONTRADICTIONS_H
#define HANDLER_START_CONTRADICTIONS_H

#include "handler/options/options.h"
#include "session.h"

/*
 * Adds to `problems` what cannot work, and warnings of what has no effect or believes too much.
 * `tls` is what a client in plaintext is offered.
 */
void contradictions_find(const struct options *options, enum tls_policy tls,
                         struct problems *problems);

#endif
