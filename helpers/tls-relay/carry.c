#include "helpers/tls-relay/carry.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    PLAIN = CARRY_PLAIN_DESCRIPTOR,
    FAREWELL_MILLISECONDS = 2000 /* for the client to end, after the peer of PLAIN did */
};

/* For a call that would have to wait: it is tried again. */
static int put_off(BIO *network, int flags, ssize_t result)
{
    BIO_clear_retry_flags(network);
    if (result < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(network, flags | BIO_FLAGS_SHOULD_RETRY);
    return (int)result;
}

/*
 * Never blocks; O_NONBLOCK would change the socket for the handler, too. Hides an end without
 * close_notify from OpenSSL, which would refuse to write: a client that half-closed still awaits
 * its reply, and SMTP detects truncation itself.
 */
static int receive(BIO *network, char *octets, int room)
{
    struct relay *relay = BIO_get_data(network);
    size_t count = relay->ahead_end - relay->ahead_start, length = (size_t)room;
    errno = EAGAIN;
    if (count == 0 && relay->network_is_empty)
        return put_off(network, BIO_FLAGS_READ, -1);
    if (count == 0) {
        ssize_t result = recv(STDIN_FILENO, relay->ahead, sizeof relay->ahead, MSG_DONTWAIT);
        relay->client_ended = result == 0;
        relay->network_is_empty = result < (ssize_t)sizeof relay->ahead;
        if (result == 0)
            errno = EAGAIN;
        if (result <= 0)
            return put_off(network, BIO_FLAGS_READ, -1);
        relay->ahead_start = 0;
        relay->ahead_end = count = (size_t)result;
    }
    if (length > count)
        length = count;
    memcpy(octets, relay->ahead + relay->ahead_start, length);
    relay->ahead_start += length;
    return put_off(network, 0, (ssize_t)length);
}

static int transmit(BIO *network, const char *octets, int length)
{
    return put_off(network, BIO_FLAGS_WRITE,
                   send(STDOUT_FILENO, octets, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Nothing is buffered, so it is flushed already; there is nothing else to control. */
static long control(BIO *network, int command, long number, void *pointer)
{
    (void)network, (void)number, (void)pointer; /* as above */
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bool carry_accept(struct relay *relay, SSL_CTX *server)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "network");
    if (method == NULL || BIO_meth_set_read(method, receive) != 1 ||
        BIO_meth_set_write(method, transmit) != 1 || BIO_meth_set_ctrl(method, control) != 1)
        return false;
    BIO *network = BIO_new(method);
    relay->tls = SSL_new(server);
    if (network == NULL || relay->tls == NULL)
        return false; /* and exits */
    BIO_set_data(network, relay);
    BIO_set_init(network, 1);
    SSL_set_bio(relay->tls, network, network);
    SSL_set_accept_state(relay->tls);
    return true;
}

/*
 * Polls the network and PLAIN for the events `network` and `plain`, and for the peer of PLAIN to
 * close it, up to `timeout` milliseconds; -1 is for ever. False at the timeout.
 */
static bool wait_for(struct relay *relay, short network, short plain, int timeout)
{
    struct pollfd polled[] = {
        {.fd = network != 0 ? STDIN_FILENO : -1, .events = network},
        {.fd = plain != 0 || !relay->peer_is_gone ? PLAIN : -1, .events = plain},
    };
    int ready = poll(polled, 2, timeout);
    relay->network_is_empty = false;
    relay->plain_is_readable = (polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    relay->peer_is_gone |= (polled[1].revents & POLLHUP) != 0;
    return ready != 0;
}

int64_t carry_clock(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail */
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool carry_goes_on(struct relay *relay, int result)
{
    int error = SSL_get_error(relay->tls, result);
    if (error == SSL_ERROR_WANT_READ)
        relay->tls_wants |= POLLIN;
    else if (error == SSL_ERROR_WANT_WRITE)
        relay->tls_wants |= POLLOUT;
    return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Decrypts into the buffer towards the handler. */
static void read_network(struct relay *relay)
{
    struct pipe *pipe = &relay->inward;
    int length = 1;
    while (length > 0 && !pipe->source_over && pipe->end < sizeof pipe->octets) {
        ERR_clear_error();
        length =
            SSL_read(relay->tls, pipe->octets + pipe->end, (int)(sizeof pipe->octets - pipe->end));
        pipe->source_over = !carry_goes_on(relay, length) || (length <= 0 && relay->client_ended);
        pipe->end += length > 0 ? (size_t)length : 0;
    }
}

static void write_plain(struct pipe *pipe)
{
    ssize_t length = 1;
    while (length > 0 && pipe->start < pipe->end) {
        length = send(PLAIN, pipe->octets + pipe->start, pipe->end - pipe->start,
                      MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length > 0)
            pipe->start += (size_t)length;
        else if (errno != EAGAIN && errno != EINTR)
            _exit(EX_OK); /* the peer is gone */
    }
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
    if (pipe->end == 0 && pipe->source_over && !pipe->sink_over) {
        (void)shutdown(PLAIN, SHUT_WR); /* or it is gone itself */
        pipe->sink_over = true;
    }
}

static void read_plain(struct relay *relay)
{
    struct pipe *pipe = &relay->outward;
    if (pipe->source_over || pipe->end > 0 || !relay->plain_is_readable)
        return;
    relay->plain_is_readable = false;
    ssize_t length = recv(PLAIN, pipe->octets, sizeof pipe->octets, MSG_DONTWAIT);
    if (length > 0)
        pipe->end = (size_t)length;
    else if (length == 0 || (errno != EAGAIN && errno != EINTR))
        pipe->source_over = true;
}

/* Sends close_notify and the end. What the client sends is still read. */
static void close_network(struct relay *relay)
{
    ERR_clear_error();
    int result = SSL_shutdown(relay->tls); /* 0: the client's own is still to come */
    if (result < 0 && SSL_get_error(relay->tls, result) == SSL_ERROR_WANT_WRITE) {
        relay->tls_wants |= POLLOUT;
        return;
    }
    (void)shutdown(STDOUT_FILENO, SHUT_WR); /* or the client is gone */
    relay->outward.sink_over = true;
}

static void write_network(struct relay *relay)
{
    struct pipe *pipe = &relay->outward;
    int length = 1;
    while (length > 0 && pipe->start < pipe->end) {
        ERR_clear_error();
        length = SSL_write(relay->tls, pipe->octets + pipe->start, (int)(pipe->end - pipe->start));
        if (!carry_goes_on(relay, length))
            _exit(EX_OK); /* the client is gone */
        pipe->start += length > 0 ? (size_t)length : 0;
    }
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
    if (pipe->end == 0 && pipe->source_over && !pipe->sink_over)
        close_network(relay);
}

/* Milliseconds that poll may wait: for ever, or for the rest of the farewell. */
static int time_left(struct relay *relay)
{
    if (!relay->outward.sink_over && !relay->peer_is_gone)
        return -1;
    if (relay->farewell == 0)
        relay->farewell = carry_clock() + FAREWELL_MILLISECONDS;
    int64_t left = relay->farewell - carry_clock();
    return left > 0 ? (int)left : 0;
}

void carry_octets(struct relay *relay)
{
    for (;;) {
        relay->tls_wants = 0;
        read_network(relay);
        bool was_full = relay->inward.end == sizeof relay->inward.octets;
        write_plain(&relay->inward);
        read_plain(relay);
        write_network(relay);
        if (relay->inward.sink_over && relay->outward.sink_over)
            return;
        if (was_full && relay->inward.end == 0)
            continue; /* poll knows nothing of octets that TLS has buffered */
        bool has_room = !relay->outward.source_over && relay->outward.end == 0;
        short plain = (short)((relay->inward.end > 0 ? POLLOUT : 0) | (has_room ? POLLIN : 0));
        int left = time_left(relay);
        if (left == 0 || !wait_for(relay, relay->tls_wants, plain, left))
            return;
    }
}
