#include "handler/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

void endpoint_set(struct endpoint *endpoint, struct span octets)
{
    static const char mapped[12] = {[10] = '\xff', [11] = '\xff'};
    if (octets.length == 16 && memcmp(octets.octets, mapped, sizeof mapped) == 0)
        octets = span_after(octets, sizeof mapped);
    (void)inet_ntop(octets.length == 4 ? AF_INET : AF_INET6, octets.octets, endpoint->text,
                    sizeof endpoint->text); /* fits */
    endpoint->prefix = 0;
    /*@ loop invariant 0 <= i <= octets.length && i <= 8;
        loop assigns i, endpoint->prefix;
        loop variant 8 - i; */
    for (size_t i = 0; i < octets.length && i < 8; i++)
        endpoint->prefix = endpoint->prefix << 8 | (unsigned char)octets.octets[i];
}

bool endpoint_parse(struct endpoint *endpoint, struct span octets)
{
    char text[ENDPOINT_TEXT_MAX + 1];
    char address[16];
    if (octets.length >= sizeof text)
        return false;
    memcpy(text, octets.octets, octets.length);
    text[octets.length] = '\0';
    if (inet_pton(AF_INET, text, address) == 1)
        endpoint_set(endpoint, (struct span){address, 4});
    else if (inet_pton(AF_INET6, text, address) == 1)
        endpoint_set(endpoint, (struct span){address, 16});
    else
        return false;
    return true;
}
