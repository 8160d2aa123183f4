#include "handler/frontend/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/wait.h"

struct stream stream_of(const struct connection *connection)
{
    return (struct stream){connection->in, connection->out, connection->in_is_socket,
                           connection->out_is_socket, false};
}

void stream_switch(struct stream *stream, int in, int out, bool are_sockets)
{
    *stream = (struct stream){in, out, are_sockets, are_sockets, true};
}

int stream_wait(const struct stream *stream, int events, int64_t deadline)
{
    struct pollfd polled[] = {
        {.fd = (events & STREAM_READABLE) != 0 ? stream->in : -1, .events = POLLIN},
        {.fd = (events & STREAM_WRITABLE) != 0 ? stream->out : -1, .events = POLLOUT},
    };
    int ready = wait_until(polled, 2, deadline);
    if (ready <= 0)
        return ready;
    return (polled[0].revents != 0 ? STREAM_READABLE : 0) |
           (polled[1].revents != 0 ? STREAM_WRITABLE : 0);
}

bool stream_has_input(const struct stream *stream)
{
    struct pollfd polled = {.fd = stream->in, .events = POLLIN};
    return poll(&polled, 1, 0) != 0; /* an error is for the read to find */
}

bool stream_has_octets(const struct stream *stream)
{
    char octet;
    return recv(stream->in, &octet, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

bool stream_wait_beside(const struct stream *stream, int socket)
{
    struct pollfd polled[] = {
        {.fd = socket, .events = POLLIN},
        {.fd = stream->in_is_socket ? stream->in : -1, .events = POLLRDHUP},
    };
    while (poll(polled, 2, -1) < 0 || polled[0].revents == 0) {
        if (polled[1].revents == 0)
            continue;
        if (!stream_has_octets(stream))
            return false;
        polled[1].fd = -1; /* its end comes after octets that can still be answered */
        polled[1].revents = 0;
    }
    return true;
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

/* Tells the other side that nothing more comes; false if only closing all of it would. */
static bool end_output(const struct stream *stream)
{
    if (stream->in_is_socket && stream->out_is_socket)
        return shutdown(stream->out, SHUT_WR) == 0;
    return stream->is_ours && stream->in != stream->out && close(stream->out) == 0;
}

void stream_finish(const struct stream *stream, int64_t timeout)
{
    char octets[4096];
    struct room room = {octets, sizeof octets};
    if (!end_output(stream))
        return;
    int64_t deadline = clock_milliseconds() + timeout;
    while (stream_wait(stream, STREAM_READABLE, deadline) > 0 && stream_read(stream, room) > 0)
        ;
}
