/*
 * Authentication-Results (RFC 8601): who says that he has authenticated a message.
 */
#ifndef SESSION_RESULTS_H
#define SESSION_RESULTS_H

#include "session/text/span.h"

enum { RESULTS_FIELD_MAX = 640 /* octets that are looked at */ };

enum results { RESULTS_UNDECIDED, RESULTS_OURS, RESULTS_OF_ANOTHER };

/*
 * Whether `field`, with its name, of which all is here if it is `whole`, claims to be from
 * `hostname`: case, comments, quotes and a dot behind the name do not matter. If what stands
 * there is no name and version, such as "mx . example", of which readers make different names, it
 * is ours if the octets of ours are in it, or an encoded word. It has up to RESULTS_FIELD_MAX
 * octets.
 */
/*@ requires readable(field) && field.length <= RESULTS_FIELD_MAX && readable(hostname);
    assigns \nothing; */
enum results results_parse(struct span field, struct span hostname, bool whole);

#endif
