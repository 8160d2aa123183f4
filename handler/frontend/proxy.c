#include "handler/frontend/proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "handler/clock.h"
#include "handler/frontend/stream.h"
#include "handler/signals.h"
#include "session/proxy.h"

bool proxy_check(const struct connection *connection, struct problem *problem)
{
    return connection->in_is_socket ||
           problem_set(problem, EX_CONFIG, "the PROXY protocol needs a socket to the client");
}

static bool is_unix(int descriptor)
{
    int domain;
    socklen_t length = sizeof domain;
    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
           domain == AF_UNIX;
}

bool proxy_may_speak(const struct connection *connection, const struct cidr_list *networks)
{
    const char *address = connection->client.text;
    if (networks->count == 0)
        return true;
    return address[0] == '\0' ? is_unix(connection->in) : cidr_contains(networks, address);
}

/* The octets of the header so far, and none after it. */
struct reader {
    size_t length;
    char octets[PROXY_HEADER_MAX];
};

/* Peeks at what has come: octets, 0 at the end, or -errno. */
static ssize_t peek(const struct connection *connection, struct reader *reader)
{
    ssize_t length;
    do
        length = recv(connection->in, reader->octets + reader->length,
                      sizeof reader->octets - reader->length, MSG_PEEK | MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* Consumes `length` octets of those that it peeked at. */
static bool consume(const struct connection *connection, struct reader *reader, size_t length)
{
    ssize_t taken;
    do
        taken = recv(connection->in, reader->octets + reader->length, length, MSG_DONTWAIT);
    while (taken < 0 && errno == EINTR);
    reader->length += length;
    return taken >= 0 && (size_t)taken == length;
}

/* Waits until there is something to read. */
static bool wait_for_octets(const struct connection *connection, int64_t deadline,
                            struct problem *problem)
{
    const struct stream stream = stream_of(connection);
    int ready = 0;
    while (ready == 0 && !signals_stop_pending())
        ready = stream_wait(&stream, STREAM_READABLE, deadline);
    if (ready == -ETIMEDOUT)
        return problem_set(problem, EX_PROTOCOL, "no whole PROXY header in time");
    return ready > 0 || problem_set(problem, EX_PROTOCOL, "no PROXY header: %s",
                                    strerror(ready < 0 ? -ready : EINTR));
}

static bool read_header(struct reader *reader, struct proxy_header *header,
                        const struct connection *connection, int64_t deadline,
                        struct problem *problem)
{
    enum proxy_result result = PROXY_RESULT_MORE;
    while (result == PROXY_RESULT_MORE) {
        if (!wait_for_octets(connection, deadline, problem))
            return false;
        ssize_t length = peek(connection, reader);
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
            return problem_set(problem, EX_PROTOCOL, "wrong PROXY header: %s", header->reason);
        size_t end = result == PROXY_RESULT_OK ? header->length : here;
        if (!consume(connection, reader, end - reader->length))
            return problem_set(problem, EX_OSERR, "no PROXY header: it went away");
    }
    return true;
}

/* False if it has no valid address. */
static bool parse_endpoint(struct endpoint *endpoint, enum proxy_form form,
                           const struct proxy_endpoint *end)
{
    if (form != PROXY_FORM_TEXT)
        endpoint_set(endpoint, end->address);
    else if (!endpoint_parse(endpoint, end->address))
        return false;
    endpoint->port = end->port;
    return true;
}

bool proxy_read(struct connection *connection, int64_t timeout, struct problem *problem)
{
    struct reader reader = {.length = 0};
    struct proxy_header header = {.form = PROXY_FORM_NONE};
    struct endpoint client = {.port = 0}, local = {.port = 0};
    if (!read_header(&reader, &header, connection, clock_milliseconds() + timeout, problem))
        return false;
    if (header.form == PROXY_FORM_NONE)
        return true;
    if (!parse_endpoint(&client, header.form, &header.source) ||
        !parse_endpoint(&local, header.form, &header.destination))
        return problem_set(problem, EX_PROTOCOL, "wrong PROXY header: no address of the family");
    connection_set_proxied(connection, &client, &local, span_empty());
    return true;
}

/*
 * Changes what XCLIENT names of an endpoint: the address, the port, or both. Another address has no
 * port unless that is named, too.
 */
static bool change_endpoint(struct endpoint *endpoint, const struct xclient *told,
                            enum xclient_attribute address_of, enum xclient_attribute port_of)
{
    struct span address = xclient_address(told, address_of);
    if (address.octets != NULL) {
        *endpoint = (struct endpoint){.port = 0};
        if (address.length > 0 && !endpoint_parse(endpoint, address))
            return false;
    }
    (void)xclient_port(told, port_of, &endpoint->port); /* else it stays */
    return true;
}

bool proxy_apply_xclient(struct connection *connection, const struct xclient *told)
{
    struct endpoint client = connection->client, local = connection->local;
    struct span name = xclient_value(told, XCLIENT_NAME);
    if (!change_endpoint(&client, told, XCLIENT_ADDR, XCLIENT_PORT) ||
        !change_endpoint(&local, told, XCLIENT_DESTADDR, XCLIENT_DESTPORT))
        return false;
    if (name.octets == NULL)
        name = xclient_value(told, XCLIENT_ADDR).octets != NULL
                   ? span_empty()
                   : span_of(connection->client_hostname);
    connection_set_proxied(connection, &client, &local, name);
    return true;
}
