/* Connections that all come at once, each with a handshake. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/bench/work.h"

enum { VISITORS_MAX = 2000, EVENTS_MAX = 64 };

/* What a visitor waits for. */
enum step { GREETING, EHLO_REPLY, STARTTLS_REPLY, HANDSHAKE, SECOND_EHLO_REPLY, FAREWELL };

struct visitor {
    enum step step;
    int descriptor;
    SSL *tls; /* NULL for plaintext */
    double began;
    size_t length;
    char reply[2048];
};

static struct visitor visitors[VISITORS_MAX];
static double waited[VISITORS_MAX];
static size_t served, gone;

/* All that is said fits into the socket's buffer. */
static void say(struct visitor *visitor, const char *line, enum step next)
{
    size_t length = strlen(line);
    ssize_t written = visitor->tls != NULL ? SSL_write(visitor->tls, line, (int)length)
                                           : send(visitor->descriptor, line, length, MSG_NOSIGNAL);
    if (written != (ssize_t)length)
        errx(1, "sending: %s", strerror(errno));
    visitor->step = next;
    visitor->length = 0;
}

static ssize_t read_some(struct visitor *visitor)
{
    char *octets = visitor->reply + visitor->length;
    size_t room = sizeof visitor->reply - 1 - visitor->length;
    return visitor->tls != NULL ? SSL_read(visitor->tls, octets, (int)room)
                                : recv(visitor->descriptor, octets, room, 0);
}

static bool may_come_later(const struct visitor *visitor, ssize_t result)
{
    return visitor->tls != NULL ? SSL_get_error(visitor->tls, (int)result) == SSL_ERROR_WANT_READ
                                : result < 0 && errno == EAGAIN;
}

/* Whether the last line of a reply is there; it must be a good one. */
static bool has_reply(struct visitor *visitor)
{
    ssize_t result = read_some(visitor);
    if (result <= 0 && may_come_later(visitor, result))
        return false;
    if (result <= 0)
        errx(1, "no reply: the connection is over");
    visitor->length += (size_t)result;
    visitor->reply[visitor->length] = '\0';
    if (visitor->reply[visitor->length - 1] != '\n')
        return false;
    if (visitor->reply[0] != '2')
        errx(1, "expected 2xx, got %s", visitor->reply);
    visitor->reply[visitor->length - 1] = '\0';
    const char *feed = strrchr(visitor->reply, '\n');
    const char *line = feed != NULL ? feed + 1 : visitor->reply;
    visitor->reply[visitor->length - 1] = '\n';
    return line[3] == ' ';
}

static void shake_hands(struct visitor *visitor)
{
    if (visitor->tls == NULL)
        visitor->tls = client_make_tls(visitor->descriptor);
    int result = SSL_connect(visitor->tls);
    if (result == 1)
        say(visitor, "EHLO client.test\r\n", SECOND_EHLO_REPLY);
    else if (!may_come_later(visitor, result))
        errx(1, "TLS: the handshake failed");
}

static void finish(struct visitor *visitor)
{
    ssize_t result = read_some(visitor);
    if (result <= 0 && may_come_later(visitor, result))
        return;
    (void)shutdown(visitor->descriptor, SHUT_WR); /* or the server was quicker */
    SSL_free(visitor->tls);
    (void)close(visitor->descriptor); /* nothing more is wanted of it */
    gone++;
}

static void go_on(struct visitor *visitor)
{
    if (visitor->step == HANDSHAKE) {
        shake_hands(visitor);
        return;
    }
    if (visitor->step == FAREWELL) {
        finish(visitor);
        return;
    }
    if (!has_reply(visitor))
        return;
    switch (visitor->step) {
    case GREETING:
        say(visitor, "EHLO client.test\r\n", EHLO_REPLY);
        break;
    case EHLO_REPLY:
        say(visitor, "STARTTLS\r\n", STARTTLS_REPLY);
        break;
    case STARTTLS_REPLY:
        visitor->step = HANDSHAKE;
        shake_hands(visitor);
        break;
    default:
        waited[served++] = work_now() - visitor->began;
        say(visitor, "QUIT\r\n", FAREWELL);
    }
}

static void begin(struct work *work, struct visitor *visitor, unsigned source, int poller)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = visitor};
    *visitor = (struct visitor){.began = work_now()};
    client_connect(&work->client, work->port, source);
    visitor->descriptor = work->client.descriptor;
    if (fcntl(visitor->descriptor, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, visitor->descriptor, &event) != 0)
        err(1, "epoll");
}

void storm_visit(struct work *work)
{
    struct epoll_event events[EVENTS_MAX];
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (work->count > VISITORS_MAX)
        errx(2, "up to %d connections", VISITORS_MAX);
    for (unsigned i = 0; i < work->count; i++)
        begin(work, &visitors[i], i + 1, poller);
    while (gone < work->count) {
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++)
            go_on(events[i].data.ptr);
    }
    double median = work_median(waited, served);
    printf("longest_us %.1f\nmedian_us %.1f\n", waited[served - 1], median);
}
