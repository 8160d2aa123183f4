#include "handler/socket-address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct endpoint socket_address_endpoint(const union socket_address *address)
{
    struct endpoint endpoint = {.port = 0};
    if (address->any.sa_family == AF_INET) {
        endpoint_set(&endpoint, (struct span){(const char *)&address->ipv4.sin_addr, 4});
        endpoint.port = ntohs(address->ipv4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        endpoint_set(&endpoint, (struct span){(const char *)&address->ipv6.sin6_addr, 16});
        endpoint.port = ntohs(address->ipv6.sin6_port);
    }
    return endpoint;
}

socklen_t socket_address_length(const union socket_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->ipv4;
    case AF_INET6:
        return sizeof address->ipv6;
    default:
        return sizeof address->local;
    }
}

/* Parses the port behind the last colon; `*length` is that of what stands before the colon. */
static bool parse_port(const char *text, in_port_t *port, size_t *length)
{
    const char *colon = strrchr(text, ':');
    uint64_t number;
    if (colon == NULL || !span_number(span_of(colon + 1), &number) || number > UINT16_MAX)
        return false;
    *port = htons((uint16_t)number);
    *length = (size_t)(colon - text);
    return true;
}

static bool parse_path(struct sockaddr_un *local, const char *path)
{
    size_t length = strlen(path);
    if (length >= sizeof local->sun_path)
        return false;
    *local = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(local->sun_path, path, length + 1);
    return true;
}

bool socket_address_parse(union socket_address *address, const char *text)
{
    char host[INET6_ADDRSTRLEN + 2]; /* with its brackets */
    in_port_t port;
    size_t length;
    *address = (union socket_address){.any.sa_family = AF_UNSPEC};
    if (strchr(text, '/') != NULL)
        return parse_path(&address->local, text);
    if (!parse_port(text, &port, &length) || length == 0 || length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        address->ipv6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        return inet_pton(AF_INET6, host + 1, &address->ipv6.sin6_addr) == 1;
    }
    address->ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1;
}

void socket_address_write(const union socket_address *address, char text[SOCKET_ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    bool is_ipv6 = address->any.sa_family == AF_INET6;
    if (address->any.sa_family == AF_UNIX) {
        (void)snprintf(text, SOCKET_ADDRESS_TEXT_MAX, "%s", address->local.sun_path); /* fits */
        return;
    }
    (void)inet_ntop(address->any.sa_family,
                    is_ipv6 ? (const void *)&address->ipv6.sin6_addr : &address->ipv4.sin_addr,
                    host, sizeof host); /* fits, as below */
    (void)snprintf(text, SOCKET_ADDRESS_TEXT_MAX, is_ipv6 ? "[%s]:%u" : "%s:%u", host,
                   ntohs(is_ipv6 ? address->ipv6.sin6_port : address->ipv4.sin_port));
}
