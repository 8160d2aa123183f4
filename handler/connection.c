#include "connection.h"

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
#include <sysexits.h>
#include <unistd.h>

#include "systemd.h"

static void ask_socket(struct connection *connection)
{
    union endpoint_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    if (getpeername(connection->in, &address.any, &length) == 0)
        connection->client = endpoint_of(&address);
    length = sizeof address;
    if (getsockname(connection->in, &address.any, &length) == 0)
        connection->local = endpoint_of(&address);
}

/*
 * A reply goes when it is there, not when the client has acknowledged what was sent before (RFC
 * 896), which it puts off: the reply to another recipient, or the session tickets of TLS. False
 * where that is not to be had: it is not TCP.
 */
static bool send_at_once(const struct connection *connection)
{
    int one = 1;
    return setsockopt(connection->out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
}

static unsigned port_of(const char *value)
{
    unsigned long port = value == NULL ? 0 : strtoul(value, NULL, 10);
    return port <= 65535 ? (unsigned)port : 0;
}

/* A variable of the UCSPI: TCPREMOTEIP where $PROTO is TCP. */
static const char *ucspi(const char *proto, const char *name)
{
    char variable[64];
    int length = snprintf(variable, sizeof variable, "%s%s", proto, name);
    return length > 0 && (size_t)length < sizeof variable ? getenv(variable) : NULL;
}

static void ask_environment(struct connection *connection)
{
    const char *proto = getenv("PROTO");
    if (proto != NULL) {
        const char *hostname = ucspi(proto, "REMOTEHOST");
        if (hostname != NULL && domain_is_valid(span_of(hostname)))
            memcpy(connection->client_hostname, hostname, strlen(hostname) + 1);
        if (connection->local.text[0] == '\0')
            (void)endpoint_parse(&connection->local, ucspi(proto, "LOCALIP")); /* or unknown */
    }
    struct endpoint *client = &connection->client;
    if (client->text[0] != '\0')
        return;
    if (proto != NULL && endpoint_parse(client, ucspi(proto, "REMOTEIP")))
        client->port = port_of(ucspi(proto, "REMOTEPORT"));
    else if (endpoint_parse(client, getenv("REMOTE_ADDR")))
        client->port = port_of(getenv("REMOTE_PORT"));
    else
        (void)endpoint_parse(client, getenv("REMOTE_HOST")); /* or unknown */
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Looks at the descriptors that the client is on; they must at least be open. */
static bool look_at_descriptors(struct connection *connection, struct problem *problem)
{
    struct stat in, out, error;
    bool in_is_open = fstat(connection->in, &in) == 0;
    bool out_is_open = fstat(connection->out, &out) == 0;
    int problem_number = errno;
    bool error_is_socket = fstat(STDERR_FILENO, &error) == 0 && S_ISSOCK(error.st_mode);
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

void connection_detach_standard_error(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0)
        (void)close(STDERR_FILENO); /* others have it still */
    if (null > STDERR_FILENO)
        (void)close(null); /* the copy stays */
}

/* What else we inherited, or were passed, is not for the delivery command. */
static void keep_descriptors_to_ourselves(void)
{
    /* An old kernel without the call leaves it to whoever started us. */
    (void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

bool connection_find(struct connection *connection, int passed, struct problem *problem)
{
    keep_descriptors_to_ourselves();
    *connection = (struct connection){.in = STDIN_FILENO, .out = STDOUT_FILENO};
    if (!look_at_descriptors(connection, problem))
        return false;
    if (passed >= 0) {
        connection->in = connection->out = passed;
        if (!look_at_descriptors(connection, problem))
            return false;
    }
    if (connection->stderr_is_client)
        connection_detach_standard_error(); /* nor may a failed assertion be written there */
    if (connection->in_is_socket)
        ask_socket(connection);
    bool is_tcp = connection->out_is_socket && send_at_once(connection);
    connection->carries_descriptors = (connection->in_is_socket || connection->out_is_socket) &&
                                      !(is_tcp && connection->is_one_socket);
    ask_environment(connection);
    return true;
}
