/*
 * Authentication-Results (RFC 8601): who says that he has authenticated a message.
 */
#ifndef SESSION_RESULTS_H
#define SESSION_RESULTS_H

#include "session/text/span.h"

enum results { RESULTS_UNDECIDED, RESULTS_OURS, RESULTS_OF_ANOTHER };

/*
 * Whether `field`, with its name, of which all is here if it is `whole`, claims to be from
 * `hostname`: case, comments, quotes and a dot behind the name do not matter.
 */
enum results results_parse(struct span field, struct span hostname, bool whole);

#endif
