#include "handler/boundary/record.h"

#include <string.h>

struct record_text record_text(struct span text)
{
    struct record_text record = {.length = 0}; /* nothing else of our memory goes along */
    if (text.length > RECORD_TEXT_MAX)
        text.length = RECORD_TEXT_MAX;
    if (text.length > 0)
        memcpy(record.octets, text.octets, text.length);
    record.length = (uint16_t)text.length;
    return record;
}

struct span record_span(const struct record_text *text)
{
    return (struct span){text->octets, text->length};
}
