/*
 * Octets to and from the client: waits until a deadline, reads and writes without waiting. Knows
 * nothing of what the octets mean. Who started us shares the descriptors, so none is ever made
 * non-blocking.
 */
#ifndef HANDLER_FRONTEND_STREAM_H
#define HANDLER_FRONTEND_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "handler/connection.h"

struct stream {
    int in;
    int out;
    bool in_is_socket;
    bool out_is_socket;
    bool is_ours; /* shared with nobody, so that one direction may be closed */
};

struct stream stream_of(const struct connection *connection);

/* Octets come from `in` and go to `out` from now on, which nobody else has: both sockets or not. */
void stream_switch(struct stream *stream, int in, int out, bool are_sockets);

enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/*
 * Waits until `deadline`, in clock_milliseconds, for what of STREAM_READABLE and STREAM_WRITABLE is
 * in `events`. Returns what came true, 0 if a signal came, -ETIMEDOUT or another -errno.
 */
int stream_wait(const struct stream *stream, int events, int64_t deadline);

/* Whether there is something to read now, be it the end. */
bool stream_has_input(const struct stream *stream);

/* Whether octets of a socket wait to be read. */
bool stream_has_octets(const struct stream *stream);

/*
 * Waits until `socket` can be read. False if the client disconnects meanwhile, or has, with nothing
 * left to be read. Only of sockets; nobody else's end is seen.
 */
bool stream_wait_beside(const struct stream *stream, int socket);

/* Reads what is there: octets, 0 at the end of the input, -EAGAIN for none yet, or -errno. */
ssize_t stream_read(const struct stream *stream, struct room room);

/* Writes what can go without waiting: octets, -EAGAIN for none now, or -errno. */
ssize_t stream_write(const struct stream *stream, struct span octets);

/*
 * Closes the connection so that the last reply is not lost to octets that the client still sends
 * (RFC 1122 4.2.2.13): discards these, up to `timeout` milliseconds. Only of sockets, and of what
 * stream_switch was told of.
 */
void stream_finish(const struct stream *stream, int64_t timeout);

#endif
