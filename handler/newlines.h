/*
 * What a bare LF counts as: for --newlines.
 */
#ifndef HANDLER_NEWLINES_H
#define HANDLER_NEWLINES_H

#include "handler/connection.h"
#include "handler/options/options.h"

/*
 * As the options have it. With --newlines auto it is NEWLINES_NORMALIZE if the client is of a
 * network: by its socket, by the environment, or by an option that only makes sense for such a
 * client; else NEWLINES_LENIENT. --lmtp does not count, since LMTP is spoken within one machine,
 * too.
 */
enum newlines newlines_find(const struct options *options, const struct connection *connection,
                            enum tls_policy tls);

#endif
