#include "helpers/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

union address {
    struct sockaddr any;
    struct sockaddr_un path;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t parse_path(const char *name, union address *address)
{
    if (strlen(name) >= sizeof address->path.sun_path)
        return 0;
    address->path.sun_family = AF_UNIX;
    memcpy(address->path.sun_path, name, strlen(name));
    return sizeof address->path;
}

/* In network order, or 0. */
static in_port_t parse_port(const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return 0;
    unsigned long port = strtoul(text, &end, 10);
    return *end == '\0' && port <= UINT16_MAX ? htons((uint16_t)port) : 0;
}

/* The length of the address that is parsed, 0 if the name is malformed. */
static socklen_t parse(const char *name, union address *address)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(name, ':');
    memset(address, 0, sizeof *address);
    if (strchr(name, '/') != NULL)
        return parse_path(name, address);
    in_port_t port = colon == NULL ? 0 : parse_port(colon + 1);
    if (port == 0 || (size_t)(colon - name) >= sizeof host)
        return 0;
    size_t length = (size_t)(colon - name);
    memcpy(host, name, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = port;
        return sizeof address->ipv4;
    }
    if (length < 2 || host[0] != '[' || host[length - 1] != ']')
        return 0;
    host[length - 1] = '\0';
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = port;
    return inet_pton(AF_INET6, host + 1, &address->ipv6.sin6_addr) == 1 ? sizeof address->ipv6 : 0;
}

bool peer_is_name(const char *name)
{
    union address address;
    return parse(name, &address) != 0;
}

int peer_connect(const char *name)
{
    static const int yes = 1;
    union address address;
    socklen_t length = parse(name, &address);
    int peer = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer < 0 || connect(peer, &address.any, length) != 0)
        return -errno;
    if (address.any.sa_family != AF_UNIX) /* we wait only for answers; if it fails, we are slower */
        (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return peer;
}

const char *peer_fault(int error)
{
    if (error == EAFNOSUPPORT) /* systemd's units leave sockets of Unix alone */
        return "Address family not supported by protocol; see smtp-handler-units(7), PRIVATE "
               "NETWORK";
    return strerror(error);
}
