#include "proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "clock.h"
#include "signals.h"
#include "stream.h"

bool proxy_check(const struct connection *connection, struct problem *problem)
{
    return connection->in_is_socket ||
           problem_set(problem, EX_CONFIG, "the PROXY protocol needs a socket to the client");
}

/* The octets of the header so far. All belong to it, and none that follow were taken. */
struct reader {
    size_t length;
    char octets[PROXY_HEADER_MAX];
};

/* Looks at what has come, and leaves it where it is: octets, 0 at the end, or -errno. */
static ssize_t look(const struct connection *connection, struct reader *reader)
{
    ssize_t length;
    do
        length = recv(connection->in, reader->octets + reader->length,
                      sizeof reader->octets - reader->length, MSG_PEEK | MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* Takes `length` octets that were looked at. */
static bool take(const struct connection *connection, struct reader *reader, size_t length)
{
    ssize_t taken;
    do
        taken = recv(connection->in, reader->octets + reader->length, length, MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    reader->length += length;
    return taken >= 0 && (size_t)taken == length;
}

/* Waits until there is something to look at. */
static bool wait_for_octets(const struct connection *connection, int64_t until,
                            const sigset_t *signals, struct problem *problem)
{
    const struct stream stream = stream_of(connection);
    for (;;) {
        int64_t left = until - clock_milliseconds();
        if (left <= 0)
            return problem_set(problem, EX_PROTOCOL, "no whole PROXY header in time");
        int ready = stream_wait(&stream, STREAM_READABLE, left, signals);
        if (ready > 0)
            return true;
        if (ready < 0 || signals_want_stop())
            return problem_set(problem, EX_PROTOCOL, "no PROXY header: %s",
                               strerror(ready < 0 ? -ready : EINTR));
    }
}

static bool read_header(struct reader *reader, struct proxy_header *header,
                        const struct connection *connection, int64_t until, const sigset_t *signals,
                        struct problem *problem)
{
    enum proxy_result result = PROXY_RESULT_MORE;
    while (result == PROXY_RESULT_MORE) {
        if (!wait_for_octets(connection, until, signals, problem))
            return false;
        ssize_t length = look(connection, reader);
        if (length == -EAGAIN)
            continue;
        if (length == 0 && reader->length == 0)
            return problem_set(problem, EX_OK, "nothing came");
        if (length <= 0)
            return problem_set(problem, EX_PROTOCOL, "no PROXY header: %s",
                               length == 0 ? "it broke off" : strerror((int)-length));
        size_t here = reader->length + (size_t)length;
        result = proxy_parse((struct span){reader->octets, here}, header);
        if (result == PROXY_RESULT_BAD)
            return problem_set(problem, EX_PROTOCOL, "wrong PROXY header: %s", header->wrong);
        size_t end = result == PROXY_RESULT_OK ? header->length : here;
        if (!take(connection, reader, end - reader->length))
            return problem_set(problem, EX_OSERR, "no PROXY header: it went away");
    }
    return true;
}

static bool read_text(struct endpoint *endpoint, struct span address)
{
    char text[INET6_ADDRSTRLEN];
    if (address.length >= sizeof text)
        return false;
    memcpy(text, address.octets, address.length);
    text[address.length] = '\0';
    return endpoint_parse(endpoint, text);
}

static void read_octets(struct endpoint *endpoint, enum proxy_form form, struct span octets)
{
    union endpoint_address address = {.any.sa_family = AF_INET};
    if (form == PROXY_FORM_IPV4) {
        memcpy(&address.ipv4.sin_addr, octets.octets, octets.length);
    } else {
        address.any.sa_family = AF_INET6;
        memcpy(&address.ipv6.sin6_addr, octets.octets, octets.length);
    }
    *endpoint = endpoint_of(&address);
}

/* What `end` says; false where that is no address. */
static bool read_end(struct endpoint *endpoint, enum proxy_form form, const struct proxy_end *end)
{
    if (form != PROXY_FORM_TEXT)
        read_octets(endpoint, form, end->address);
    else if (!read_text(endpoint, end->address))
        return false;
    endpoint->port = end->port;
    return true;
}

/* Who the superserver sees is a proxy; of the client nothing is known but what follows. */
static void note_proxy(struct connection *connection)
{
    if (!connection->is_proxied)
        connection->proxy = connection->client;
    connection->is_proxied = true;
}

bool proxy_read(struct connection *connection, int64_t timeout, const sigset_t *signals,
                struct problem *problem)
{
    struct reader reader = {.length = 0};
    struct proxy_header header = {.form = PROXY_FORM_NONE};
    struct endpoint client = {.port = 0}, local = {.port = 0};
    if (!read_header(&reader, &header, connection, clock_milliseconds() + timeout, signals,
                     problem))
        return false;
    if (header.form == PROXY_FORM_NONE)
        return true;
    if (!read_end(&client, header.form, &header.source) ||
        !read_end(&local, header.form, &header.destination))
        return problem_set(problem, EX_PROTOCOL, "wrong PROXY header: no address of the family");
    note_proxy(connection);
    connection->client = client;
    connection->local = local;
    connection->client_hostname[0] = '\0';
    return true;
}

/*
 * Changes an end to what was told of it, both perhaps; one with another address has no port unless
 * that is told, too.
 */
static bool change_end(struct endpoint *endpoint, const struct xclient *told,
                       enum xclient_attribute address_of, enum xclient_attribute port_of)
{
    struct span address = xclient_address(told, address_of);
    if (address.octets != NULL) {
        *endpoint = (struct endpoint){.port = 0};
        if (address.length > 0 && !read_text(endpoint, address))
            return false;
    }
    (void)xclient_port(told, port_of, &endpoint->port); /* else it stays */
    return true;
}

bool proxy_introduce(struct connection *connection, const struct xclient *told)
{
    struct endpoint client = connection->client, local = connection->local;
    struct span name = xclient_value(told, XCLIENT_NAME);
    if (!change_end(&client, told, XCLIENT_ADDR, XCLIENT_PORT) ||
        !change_end(&local, told, XCLIENT_DESTADDR, XCLIENT_DESTPORT))
        return false;
    note_proxy(connection);
    connection->client = client;
    connection->local = local;
    if (name.octets != NULL)
        memcpy(connection->client_hostname, name.octets, name.length);
    if (name.octets != NULL || xclient_value(told, XCLIENT_ADDR).octets != NULL)
        connection->client_hostname[name.length] = '\0';
    return true;
}
