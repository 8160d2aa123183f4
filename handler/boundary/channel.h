/*
 * The pair of sockets between frontend and runner, and the socket of a keeper: records pass whole
 * or not at all, with descriptors beside them. What is in a record is not looked at (record.h).
 */
#ifndef HANDLER_BOUNDARY_CHANNEL_H
#define HANDLER_BOUNDARY_CHANNEL_H

#include <stddef.h>

enum { CHANNEL_DESCRIPTORS_MAX = 3 }; /* as a keeper's request has */

/*
 * Sends `length` octets as one record, and up to CHANNEL_DESCRIPTORS_MAX descriptors, which stay
 * open here. `flags` are those of send(2). 0, or -errno: with MSG_DONTWAIT -EAGAIN if the other
 * side has not read the records before.
 */
int channel_send(int socket, const void *octets, size_t length, const int *descriptors,
                 size_t count, int flags);

/*
 * Receives a record of `length` octets, and up to `count` descriptors into `descriptors`, -1 for
 * those that did not come, close-on-exec, the caller's to close. `flags` are those of recvmsg(2).
 * 0, or -errno: -EPIPE if the other side is gone, -EBADMSG if the record has another length.
 */
int channel_receive(int socket, void *octets, size_t length, int *descriptors, size_t count,
                    int flags);

#endif
