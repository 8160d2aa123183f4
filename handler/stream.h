/*
 * Octets to and from the client: waits with a limit, reads and writes without waiting. Knows
 * nothing of what the octets mean. Descriptors are shared with whoever started us, so none is ever
 * made non-blocking.
 */
#ifndef HANDLER_STREAM_H
#define HANDLER_STREAM_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "connection.h"

struct stream {
    int in;
    int out;
    bool in_is_socket;
    bool out_is_socket;
    bool is_ours; /* shared with nobody, so that its end may be closed */
};

struct stream stream_of(const struct connection *connection);

/* From now on octets come from `in` and go to `out`, which nobody else has: both sockets or not. */
void stream_switch(struct stream *stream, int in, int out, bool are_sockets);

enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/*
 * Waits up to `timeout` milliseconds for what of STREAM_READABLE and STREAM_WRITABLE is in
 * `events`. Returns what came true, 0 when the time is over or a signal in came, or -errno.
 * `signals` is the mask while waiting.
 */
int stream_wait(const struct stream *stream, int events, int64_t timeout, const sigset_t *signals);

/* Reads what is there: octets, 0 at the end of the input, -EAGAIN for none yet, or -errno. */
ssize_t stream_read(const struct stream *stream, struct room room);

/* Writes what can go without waiting: octets, -EAGAIN for none now, or -errno. */
ssize_t stream_write(const struct stream *stream, struct span octets);

/*
 * Ends the connection so that the last reply is not lost to octets that the client still sends
 * (RFC 1122 4.2.2.13): these are read away, up to `timeout` milliseconds. Only of sockets, and of
 * what stream_switch was told of.
 */
void stream_finish(const struct stream *stream, int64_t timeout, const sigset_t *signals);

#endif
