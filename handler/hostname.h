/*
 * Our name.
 */
#ifndef HANDLER_HOSTNAME_H
#define HANDLER_HOSTNAME_H

/*
 * The name that was `given`; where that is NULL, the host's own if it is fit to be said, or else
 * "localhost". Valid until the next call.
 */
const char *hostname_find(const char *given);

#endif
