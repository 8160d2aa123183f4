#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

struct stream stream_of(const struct connection *connection)
{
    return (struct stream){connection->in, connection->out, connection->in_is_socket,
                           connection->out_is_socket, false};
}

void stream_switch(struct stream *stream, int in, int out, bool are_sockets)
{
    *stream = (struct stream){in, out, are_sockets, are_sockets, true};
}

int stream_wait(const struct stream *stream, int events, int64_t timeout, const sigset_t *signals)
{
    struct pollfd polled[] = {
        {.fd = (events & STREAM_READABLE) != 0 ? stream->in : -1, .events = POLLIN},
        {.fd = (events & STREAM_WRITABLE) != 0 ? stream->out : -1, .events = POLLOUT},
    };
    struct timespec limit = {.tv_sec = (time_t)(timeout / 1000),
                             .tv_nsec = (long)(timeout % 1000) * 1000000};
    if (ppoll(polled, 2, &limit, signals) < 0)
        return errno == EINTR ? 0 : -errno;
    return (polled[0].revents != 0 ? STREAM_READABLE : 0) |
           (polled[1].revents != 0 ? STREAM_WRITABLE : 0);
}

ssize_t stream_read(const struct stream *stream, struct room room)
{
    ssize_t length;
    do
        length = stream->in_is_socket ? recv(stream->in, room.octets, room.length, MSG_DONTWAIT)
                                      : read(stream->in, room.octets, room.length);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* A pipe that is ready takes PIPE_BUF octets at once; more could block. */
static ssize_t write_pipe(const struct stream *stream, struct span octets)
{
    struct pollfd polled = {.fd = stream->out, .events = POLLOUT};
    int ready = poll(&polled, 1, 0);
    if (ready == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (ready < 0)
        return -1;
    return write(stream->out, octets.octets, octets.length < PIPE_BUF ? octets.length : PIPE_BUF);
}

ssize_t stream_write(const struct stream *stream, struct span octets)
{
    ssize_t length;
    do
        length = stream->out_is_socket
                     ? send(stream->out, octets.octets, octets.length, MSG_DONTWAIT | MSG_NOSIGNAL)
                     : write_pipe(stream, octets);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* Tells the other side that nothing more comes; false where that cannot be told by itself. */
static bool end_output(const struct stream *stream)
{
    if (stream->in_is_socket && stream->out_is_socket)
        return shutdown(stream->out, SHUT_WR) == 0;
    return stream->is_ours && stream->in != stream->out && close(stream->out) == 0;
}

void stream_finish(const struct stream *stream, int64_t timeout, const sigset_t *signals)
{
    char octets[4096];
    struct room room = {octets, sizeof octets};
    if (!end_output(stream))
        return;
    int64_t until = clock_milliseconds() + timeout;
    int64_t left = timeout;
    while (left > 0 && stream_wait(stream, STREAM_READABLE, left, signals) == STREAM_READABLE &&
           stream_read(stream, room) > 0)
        left = until - clock_milliseconds();
}
