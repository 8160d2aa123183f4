#include "session/helo.h"

#include "session/literal.h"
#include "session/text/text.h"

static const char unknown[] = "unknown";

void helo_clear(struct helo *helo)
{
    helo->length = 0;
}

void helo_copy(struct helo *helo, struct span argument)
{
    struct text text = {.octets = helo->octets, .size = sizeof helo->octets};
    text_add_printable(&text, argument.length > 0 ? argument : span_of(unknown));
    helo->length = text.length;
}

struct span helo_text(const struct helo *helo)
{
    return (struct span){helo->octets, helo->length};
}

struct span helo_name(const struct helo *helo)
{
    struct span text = helo_text(helo);
    return helo_is_name(text) ? text : span_of(unknown);
}

bool helo_is_name(struct span text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_";
    if (literal_is_valid(text))
        return true;
    if (text.length == 0 || text.length > DOMAIN_MAX || text.octets[0] == '-')
        return false;
    /*@ loop invariant 0 <= i <= text.length;
        loop assigns i;
        loop variant text.length - i; */
    for (size_t i = 0; i < text.length; i++)
        if (memchr(allowed, text.octets[i], sizeof allowed - 1) == NULL)
            return false;
    return true;
}
