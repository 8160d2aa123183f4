#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "systemd.h"

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_storage storage;
};

static void write_ipv6(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
}

/* The address in text; `text` stays as it is where the address is no Internet one. */
static void write_address(const union address *address, char text[INET6_ADDRSTRLEN], unsigned *port)
{
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->ipv4.sin_addr, text, INET6_ADDRSTRLEN);
        *port = ntohs(address->ipv4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        write_ipv6(&address->ipv6.sin6_addr, text);
        *port = ntohs(address->ipv6.sin6_port);
    }
}

static void ask_socket(struct connection *connection)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    unsigned local_port;
    socklen_t length = sizeof address;
    if (getpeername(connection->in, &address.any, &length) == 0)
        write_address(&address, connection->client_address, &connection->client_port);
    length = sizeof address;
    if (getsockname(connection->in, &address.any, &length) == 0)
        write_address(&address, connection->local_address, &local_port);
}

/* Takes an address from the environment, if it is one. */
static bool take_address(const char *value, char text[INET6_ADDRSTRLEN])
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    if (value == NULL)
        return false;
    if (inet_pton(AF_INET, value, &ipv4) == 1)
        inet_ntop(AF_INET, &ipv4, text, INET6_ADDRSTRLEN);
    else if (inet_pton(AF_INET6, value, &ipv6) == 1)
        write_ipv6(&ipv6, text);
    else
        return false;
    return true;
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
        if (connection->local_address[0] == '\0')
            (void)take_address(ucspi(proto, "LOCALIP"), connection->local_address); /* or unknown */
    }
    if (connection->client_address[0] != '\0')
        return;
    if (proto != NULL && take_address(ucspi(proto, "REMOTEIP"), connection->client_address))
        connection->client_port = port_of(ucspi(proto, "REMOTEPORT"));
    else if (take_address(getenv("REMOTE_ADDR"), connection->client_address))
        connection->client_port = port_of(getenv("REMOTE_PORT"));
    else
        (void)take_address(getenv("REMOTE_HOST"), connection->client_address); /* or unknown */
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
    connection->client_waits = !S_ISCHR(in.st_mode);
    return true;
}

/* Not even a failed assertion shall be written to the client. */
static void detach_standard_error(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0)
        (void)close(STDERR_FILENO); /* the connection stays open as standard output */
    if (null >= 0)
        (void)close(null); /* nothing was written */
}

/* What else we inherited, or were passed, is not for the delivery command. */
static void keep_descriptors_to_ourselves(void)
{
    /* An old kernel without the call leaves it to whoever started us. */
    (void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

bool connection_find(struct connection *connection, struct problem *problem)
{
    int passed;
    keep_descriptors_to_ourselves();
    *connection = (struct connection){.in = STDIN_FILENO, .out = STDOUT_FILENO};
    if (!look_at_descriptors(connection, problem) || !systemd_find_connection(&passed, problem))
        return false;
    if (passed >= 0) {
        connection->in = connection->out = passed;
        if (!look_at_descriptors(connection, problem))
            return false;
    }
    if (connection->stderr_is_client)
        detach_standard_error();
    if (connection->in_is_socket)
        ask_socket(connection);
    ask_environment(connection);
    return true;
}
