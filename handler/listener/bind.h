/*
 * Binds the sockets of --listen. A Unix socket takes the place of one that nobody listens on any
 * more, but of no other file.
 */
#ifndef HANDLER_LISTENER_BIND_H
#define HANDLER_LISTENER_BIND_H

#include <sys/types.h>

#include "handler/problem.h"
#include "handler/socket-address.h"

/* The file of a Unix socket; zeros for other sockets. */
struct bind_file {
    dev_t device;
    ino_t number;
};

/*
 * A new socket, above those that new processes get, close-on-exec and not blocking, that listens on
 * `address`. It takes IPv6 alone if the address is of that; `file` is its file. -1, with `problem`
 * filled in, if that fails.
 */
int bind_address(const union socket_address *address, struct bind_file *file,
                 struct problem *problem);

/* Writes what the socket listens on: the port that the system chose, if it did. */
void bind_describe(int socket, char text[SOCKET_ADDRESS_TEXT_MAX]);

/* Removes the file of a Unix socket if it is still `file`, as bind_address made it, and if we may.
 */
void bind_remove(int socket, const struct bind_file *file);

#endif
