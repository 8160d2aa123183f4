/*
 * A server that a helper connects to, by name: the path of a Unix socket, which has a slash, or
 * ADDRESS:PORT or [ADDRESS]:PORT, in numbers. Nothing is looked up.
 */
#ifndef HELPERS_PEER_H
#define HELPERS_PEER_H

#include <stdbool.h>

bool peer_is_name(const char *name);

/* Connects to the server of that name, which peer_is_name. A socket, or -errno. */
int peer_connect(const char *name);

/* What the errno of peer_connect means, in words. */
const char *peer_fault(int error);

#endif
