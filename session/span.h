/*
 * Octets with a length: how everything that came from outside travels. A span borrows its octets
 * and never owns them; they need not end with NUL, and a NUL among them is data.
 */
#ifndef SESSION_SPAN_H
#define SESSION_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *octets;
    size_t length;
};

/* Room to write octets into: the first free octet, and how many there are. */
struct room {
    char *octets;
    size_t length;
};

static inline struct span span_of(const char *string)
{
    return (struct span){string, strlen(string)};
}

static inline struct span span_empty(void)
{
    return (struct span){"", 0};
}

/* The rest of `span` behind its first `count` octets; `count` is at most its length. */
static inline struct span span_after(struct span span, size_t count)
{
    return (struct span){span.octets + count, span.length - count};
}

/* The first `count` octets of `span`; `count` is at most its length. */
static inline struct span span_first(struct span span, size_t count)
{
    return (struct span){span.octets, count};
}

/* Equal, where ASCII letters of either case are the same. */
static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length &&
           (a.length == 0 || strncasecmp(a.octets, b.octets, a.length) == 0);
}

static inline bool span_is_ascii(struct span span)
{
    for (size_t i = 0; i < span.length; i++)
        if ((unsigned char)span.octets[i] > 127)
            return false;
    return true;
}

/* Where `octet` first stands in `span`; the span's length if nowhere. */
static inline size_t span_find(struct span span, char octet)
{
    const char *at = span.length > 0 ? memchr(span.octets, octet, span.length) : NULL;
    return at == NULL ? span.length : (size_t)(at - span.octets);
}

static inline bool span_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* `span` without blanks and line ends around it. */
static inline struct span span_trim(struct span span)
{
    while (span.length > 0 && span_is_blank(span.octets[0]))
        span = span_after(span, 1);
    while (span.length > 0 && span_is_blank(span.octets[span.length - 1]))
        span.length--;
    return span;
}

#endif
