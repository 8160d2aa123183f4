#include "handler/cidr.h"

#include <arpa/inet.h>
#include <string.h>

#include "session/text/span.h"

static const char separators[] = ", \t";

/* Parses an address. How many bits in front of its own it has: 96 if IPv4; -1 if malformed. */
static int parse_address(unsigned char address[16], const char *text)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, address) == 1)
        return 0;
    memcpy(address, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, address + sizeof mapped) == 1 ? 8 * (int)sizeof mapped : -1;
}

static bool has_bit(const unsigned char address[16], unsigned bit)
{
    return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static bool parse_cidr(struct cidr *cidr, char *text)
{
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    int in_front = parse_address(cidr->address, text);
    if (in_front < 0)
        return false;
    uint64_t max = 128 - (unsigned)in_front, bits = max;
    if (slash != NULL && (!span_number(span_of(slash + 1), &bits) || bits > max))
        return false;
    cidr->bits = (unsigned)in_front + (unsigned)bits;
    for (unsigned bit = cidr->bits; bit < 128; bit++)
        if (has_bit(cidr->address, bit))
            return false;
    return true;
}

bool cidr_add(struct cidr_list *networks, const char *text)
{
    unsigned before = networks->count;
    while (*(text += strspn(text, separators)) != '\0') {
        char word[INET6_ADDRSTRLEN + sizeof "/128"];
        size_t length = strcspn(text, separators);
        if (length >= sizeof word || networks->count == CIDR_LIST_MAX)
            return false;
        memcpy(word, text, length);
        word[length] = '\0';
        if (!parse_cidr(&networks->list[networks->count++], word))
            return false;
        text += length;
    }
    return networks->count > before;
}

static bool contains(const struct cidr *cidr, const unsigned char address[16])
{
    for (unsigned bit = 0; bit < cidr->bits; bit++)
        if (has_bit(cidr->address, bit) != has_bit(address, bit))
            return false;
    return true;
}

bool cidr_contains(const struct cidr_list *networks, const char *address)
{
    unsigned char octets[16];
    if (parse_address(octets, address) < 0)
        return false;
    for (unsigned i = 0; i < networks->count; i++)
        if (contains(&networks->list[i], octets))
            return true;
    return false;
}
