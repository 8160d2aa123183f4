#include "handler/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"
#include "handler/log.h"
#include "handler/socket-address.h"
#include "handler/systemd.h"

static void ask_socket(struct connection *connection)
{
    union socket_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    if (getpeername(connection->in, &address.any, &length) == 0)
        connection->client = socket_address_endpoint(&address);
    length = sizeof address;
    if (getsockname(connection->in, &address.any, &length) == 0)
        connection->local = socket_address_endpoint(&address);
}

/*
 * Sets TCP_NODELAY: a reply does not wait until the client has acknowledged what was sent before
 * (RFC 896), which it puts off: the reply to another recipient.
 * False if it is not TCP.
 */
static bool set_nodelay(const struct connection *connection)
{
    int one = 1;
    return setsockopt(connection->out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
}

/* A variable of the environment; empty if it is not there. */
static struct span variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? span_empty() : span_of(value);
}

/* A variable of UCSPI: TCPREMOTEIP if $PROTO is TCP. */
static struct span ucspi(struct span proto, const char *name)
{
    char octets[64];
    int length = snprintf(octets, sizeof octets, "%.*s%s", (int)proto.length, proto.octets, name);
    return length > 0 && (size_t)length < sizeof octets ? variable(octets) : span_empty();
}

/* Parses an address and, if there is one, the port; false if there is no address. */
static bool parse_client(struct endpoint *client, struct span address, struct span port)
{
    uint64_t number;
    if (!endpoint_parse(client, address))
        return false;
    if (span_number(port, &number) && number <= UINT16_MAX)
        client->port = (unsigned)number;
    return true;
}

static void ask_environment(struct connection *connection)
{
    struct endpoint *client = &connection->client;
    struct span proto = variable("PROTO");
    connection->is_announced =
        getenv("PROTO") != NULL || getenv("REMOTE_ADDR") != NULL || getenv("REMOTE_HOST") != NULL;
    if (getenv("PROTO") != NULL) {
        struct span hostname = ucspi(proto, "REMOTEHOST");
        if (domain_is_valid(hostname))
            memcpy(connection->client_hostname, hostname.octets, hostname.length);
        if (connection->local.text[0] == '\0')
            (void)endpoint_parse(&connection->local, ucspi(proto, "LOCALIP")); /* or unknown */
        if (client->text[0] == '\0')
            (void)parse_client(client, ucspi(proto, "REMOTEIP"), ucspi(proto, "REMOTEPORT"));
    }
    if (client->text[0] == '\0' &&
        !parse_client(client, variable("REMOTE_ADDR"), variable("REMOTE_PORT")))
        (void)endpoint_parse(client, variable("REMOTE_HOST")); /* or unknown */
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Inspects the descriptors that the client is on; they must at least be open. Under systemd the
 * journal may be both standard output and error: one socket, and no client.
 */
static bool inspect_descriptors(struct connection *connection, struct problem *problem)
{
    struct stat in, out, error;
    bool in_is_open = fstat(connection->in, &in) == 0;
    bool out_is_open = fstat(connection->out, &out) == 0;
    int problem_number = errno;
    bool error_is_socket =
        fstat(STDERR_FILENO, &error) == 0 && S_ISSOCK(error.st_mode) && !log_stderr_is_journal();
    connection->stderr_is_client = error_is_socket && ((in_is_open && is_same_file(&in, &error)) ||
                                                       (out_is_open && is_same_file(&out, &error)));
    if (!in_is_open || !out_is_open)
        return problem_set(problem, EX_OSERR, "standard input or output: %s",
                           strerror(problem_number));
    connection->in_is_socket = S_ISSOCK(in.st_mode);
    connection->out_is_socket = S_ISSOCK(out.st_mode);
    connection->out_is_file = S_ISREG(out.st_mode);
    connection->is_one_socket = connection->in_is_socket && is_same_file(&in, &out);
    connection->client_waits = !S_ISCHR(in.st_mode);
    return true;
}

/* Other descriptors that we inherited, or were passed, are not for the delivery command. */
static void set_inherited_cloexec(void)
{
    /* An old kernel without the call leaves it to who started us. */
    (void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

bool connection_find(struct connection *connection, int passed, struct problem *problem)
{
    set_inherited_cloexec();
    *connection = (struct connection){.in = STDIN_FILENO, .out = STDOUT_FILENO};
    if (!inspect_descriptors(connection, problem))
        return false;
    if (passed >= 0) {
        connection->in = connection->out = passed;
        if (!inspect_descriptors(connection, problem))
            return false;
    }
    if (connection->stderr_is_client)
        confine_silence(); /* nor may a failed assertion be written there */
    if (connection->in_is_socket)
        ask_socket(connection);
    bool is_tcp = connection->out_is_socket && set_nodelay(connection);
    connection->carries_descriptors = (connection->in_is_socket || connection->out_is_socket) &&
                                      !(is_tcp && connection->is_one_socket);
    ask_environment(connection);
    return true;
}

void connection_acknowledge(const struct connection *connection)
{
    int one = 1;
    /* Fails if it is not TCP: nothing waits then. */
    (void)setsockopt(connection->in, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

bool connection_is_handed(const struct connection *connection)
{
    return connection->in != STDIN_FILENO ||
           (connection->in_is_socket && connection->client.text[0] != '\0');
}

const char *connection_hostname(const char *given)
{
    static struct utsname host;
    if (given != NULL)
        return given;
    bool fit = uname(&host) == 0 && domain_is_valid(span_of(host.nodename));
    return fit ? host.nodename : "localhost";
}

bool connection_lacks_hostname(const struct connection *connection)
{
    return connection->client.text[0] != '\0' && connection->client_hostname[0] == '\0';
}
