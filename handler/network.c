#include "network.h"

#include <arpa/inet.h>
#include <string.h>

static const char separators[] = ", \t";

/* Reads an address; the bits that are not its own come first. -1 where it is none. */
static int read_address(unsigned char address[16], const char *text)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, address) == 1)
        return 0;
    memcpy(address, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, address + sizeof mapped) == 1 ? 8 * (int)sizeof mapped : -1;
}

static bool read_bits(const char *text, unsigned most, unsigned *bits)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    *bits = 0;
    for (size_t i = 0; i < digits; i++)
        *bits = *bits * 10 + (unsigned)(text[i] - '0');
    return *bits <= most;
}

static bool has_bit(const unsigned char address[16], unsigned bit)
{
    return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/* Reads what is one of the list. */
static bool read_network(struct network *network, char *text)
{
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    int in_front = read_address(network->address, text);
    network->bits = 128;
    if (in_front < 0)
        return false;
    if (slash == NULL)
        return true;
    if (!read_bits(slash + 1, 128 - (unsigned)in_front, &network->bits))
        return false;
    network->bits += (unsigned)in_front;
    for (unsigned bit = network->bits; bit < 128; bit++)
        if (has_bit(network->address, bit))
            return false;
    return true;
}

bool networks_add(struct networks *networks, const char *text)
{
    unsigned before = networks->count;
    while (*(text += strspn(text, separators)) != '\0') {
        char word[INET6_ADDRSTRLEN + sizeof "/128"];
        size_t length = strcspn(text, separators);
        if (length >= sizeof word || networks->count == NETWORKS_MAX)
            return false;
        memcpy(word, text, length);
        word[length] = '\0';
        if (!read_network(&networks->list[networks->count++], word))
            return false;
        text += length;
    }
    return networks->count > before;
}

static bool contains(const struct network *network, const unsigned char address[16])
{
    for (unsigned bit = 0; bit < network->bits; bit++)
        if (has_bit(network->address, bit) != has_bit(address, bit))
            return false;
    return true;
}

bool networks_contain(const struct networks *networks, const char *address)
{
    unsigned char octets[16];
    if (read_address(octets, address) < 0)
        return false;
    for (unsigned i = 0; i < networks->count; i++)
        if (contains(&networks->list[i], octets))
            return true;
    return false;
}
