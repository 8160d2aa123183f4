#include "endpoint.h"

#include <arpa/inet.h>
#include <string.h>

static void set_ipv4(struct endpoint *endpoint, const void *address)
{
    inet_ntop(AF_INET, address, endpoint->text, sizeof endpoint->text);
    memset(endpoint->network, 0, sizeof endpoint->network);
    memcpy(endpoint->network + 4, address, 4);
}

static void set_ipv6(struct endpoint *endpoint, const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        set_ipv4(endpoint, address->s6_addr + 12);
        return;
    }
    inet_ntop(AF_INET6, address, endpoint->text, sizeof endpoint->text);
    memcpy(endpoint->network, address, sizeof endpoint->network);
}

struct endpoint endpoint_of(const union endpoint_address *address)
{
    struct endpoint endpoint = {.port = 0};
    if (address->any.sa_family == AF_INET) {
        set_ipv4(&endpoint, &address->ipv4.sin_addr);
        endpoint.port = ntohs(address->ipv4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        set_ipv6(&endpoint, &address->ipv6.sin6_addr);
        endpoint.port = ntohs(address->ipv6.sin6_port);
    }
    return endpoint;
}

bool endpoint_parse(struct endpoint *endpoint, const char *text)
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    if (text == NULL)
        return false;
    if (inet_pton(AF_INET, text, &ipv4) == 1)
        set_ipv4(endpoint, &ipv4);
    else if (inet_pton(AF_INET6, text, &ipv6) == 1)
        set_ipv6(endpoint, &ipv6);
    else
        return false;
    return true;
}
