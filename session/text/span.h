/*
 * Octets with a length: as everything from outside travels. A span borrows its octets
 * and never owns them; they need not end with NUL, and a NUL among them is data.
 */
#ifndef SESSION_TEXT_SPAN_H
#define SESSION_TEXT_SPAN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* For the prover; see test/prove/README.md. */
/*@ predicate readable(struct span span) = \valid_read(span.octets + (0 .. span.length - 1));
    predicate writable(struct room room) = \valid(room.octets + (0 .. room.length - 1));
    predicate lies_in(struct span span, char *octets, integer max) = readable(span) &&
        (span.length == 0 || (\base_addr(span.octets) == \base_addr(octets) &&
            octets <= span.octets && span.octets + span.length <= octets + max));
    predicate rest_of(struct span rest, struct span whole) = 0 <= rest.length <= whole.length &&
        rest.octets + rest.length == whole.octets + whole.length;
    predicate part_of(struct span part, struct span whole) = 0 <= part.length <= whole.length &&
        \base_addr(part.octets) == \base_addr(whole.octets) &&
        whole.octets <= part.octets <= whole.octets + (whole.length - part.length);
    predicate moved_on(struct room now, struct room before) =
        0 <= now.length <= before.length &&
        now.octets + now.length == before.octets + before.length;
    predicate parsable(struct span *input) = \valid(input) && readable(*input) &&
        \separated(input, input->octets + (0 .. input->length - 1)); */

/*@ requires \valid_read(string);
    assigns \nothing;
    ensures readable(\result) && \result.octets == string && \result.length < 0x7fffffff; */
static inline struct span span_of(const char *string)
{
    return (struct span){string, strlen(string)};
}

/*@ assigns \nothing;
    ensures \result.length == 0; */
static inline struct span span_empty(void)
{
    return (struct span){"", 0};
}

/* The rest of `span` behind its first `count` octets; `count` is at most its length. */
/*@ requires count <= span.length;
    assigns \nothing;
    ensures rest_of(\result, span) && \result.length == span.length - count; */
static inline struct span span_after(struct span span, size_t count)
{
    return (struct span){span.octets + count, span.length - count};
}

/* The first `count` octets of `span`; `count` is at most its length. */
/*@ requires count <= span.length;
    assigns \nothing;
    ensures \result.octets == span.octets && \result.length == count; */
static inline struct span span_first(struct span span, size_t count)
{
    return (struct span){span.octets, count};
}

/* Equal, ignoring the case of ASCII letters. */
/*@ requires readable(a) && readable(b);
    assigns \nothing;
    ensures \result ==> a.length == b.length;
    ensures a.length == 0 && b.length == 0 ==> \result; */
static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length &&
           (a.length == 0 || strncasecmp(a.octets, b.octets, a.length) == 0);
}

/* Makes the ASCII letters of `octets` small, in place. */
/*@ requires writable(octets);
    assigns octets.octets[0 .. octets.length - 1]; */
static inline void span_make_lower(struct room octets)
{
    /*@ loop invariant 0 <= i <= octets.length;
        loop assigns i, octets.octets[0 .. octets.length - 1];
        loop variant octets.length - i; */
    for (size_t i = 0; i < octets.length; i++)
        if (octets.octets[i] >= 'A' && octets.octets[i] <= 'Z')
            octets.octets[i] = (char)(octets.octets[i] + ('a' - 'A'));
}

/* Copies `octets`, for which there is room, to the front of `room`, and moves that behind them. */
/*@ requires \valid(room) && writable(*room) && readable(octets) && octets.length <= room->length;
    requires \separated(room, room->octets + (0 .. room->length - 1));
    assigns *room, room->octets[0 .. room->length - 1];
    ensures moved_on(*room, \old(*room)) && room->length == \old(room->length) - octets.length; */
static inline void room_put(struct room *room, struct span octets)
{
    assert(octets.length <= room->length);
    memmove(room->octets, octets.octets, octets.length);
    room->octets += octets.length;
    room->length -= octets.length;
}

/*@ requires readable(span);
    assigns \nothing; */
static inline bool span_is_ascii(struct span span)
{
    /*@ loop invariant 0 <= i <= span.length;
        loop assigns i;
        loop variant span.length - i; */
    for (size_t i = 0; i < span.length; i++)
        if ((unsigned char)span.octets[i] > 127)
            return false;
    return true;
}

/* Whether an ASCII control character is in it. */
/*@ requires readable(span);
    assigns \nothing; */
static inline bool span_has_controls(struct span span)
{
    /*@ loop invariant 0 <= i <= span.length;
        loop assigns i;
        loop variant span.length - i; */
    for (size_t i = 0; i < span.length; i++)
        if ((unsigned char)span.octets[i] < ' ' || span.octets[i] == 127)
            return true;
    return false;
}

/* Whether all of it is printable ASCII. */
/*@ requires readable(span);
    assigns \nothing; */
static inline bool span_is_printable(struct span span)
{
    return span_is_ascii(span) && !span_has_controls(span);
}

/*
 * Parses 1 to 20 decimal digits (RFC 1870 4, RFC 3030 2); false if `span` is anything else. A
 * number that 64 bits cannot hold counts as UINT64_MAX.
 */
/*@ requires readable(span) && \valid(number);
    assigns *number; */
static inline bool span_number(struct span span, uint64_t *number)
{
    *number = 0;
    /*@ loop invariant 0 <= i <= span.length;
        loop assigns i, *number;
        loop variant span.length - i; */
    for (size_t i = 0; i < span.length; i++) {
        unsigned digit = (unsigned)span.octets[i] - '0';
        if (digit > 9)
            return false;
        bool fits = *number <= (UINT64_MAX - digit) / 10;
        *number = fits ? *number * 10 + digit : UINT64_MAX;
    }
    return span.length > 0 && span.length <= 20;
}

/* The index of the first `octet` in `span`; the span's length if there is none. */
/*@ requires readable(span);
    assigns \nothing;
    ensures \result <= span.length;
    ensures \result < span.length ==> span.octets[\result] == octet;
    ensures \result == span.length ==>
        \forall integer i; 0 <= i < span.length ==> span.octets[i] != octet; */
static inline size_t span_find(struct span span, char octet)
{
    const char *at = span.length > 0 ? memchr(span.octets, octet, span.length) : NULL;
    return at == NULL ? span.length : (size_t)(at - span.octets);
}

/*@ assigns \nothing;
    ensures \result <==> c == ' ' || c == '\t' || c == '\r' || c == '\n'; */
static inline bool span_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* `span` without blanks and line ends around it. */
/*@ requires readable(span);
    assigns \nothing;
    ensures part_of(\result, span) && readable(\result);
    ensures \result.length > 0 ==> \result.octets[0] != ' '; */
static inline struct span span_trim(struct span span)
{
    /*@ loop invariant rest_of(span, \at(span, Pre));
        loop assigns span;
        loop variant span.length; */
    while (span.length > 0 && span_is_blank(span.octets[0]))
        span = span_after(span, 1);
    /*@ loop invariant span.octets == \at(span.octets, LoopEntry);
        loop invariant 0 <= span.length <= \at(span.length, LoopEntry);
        loop assigns span.length;
        loop variant span.length; */
    while (span.length > 0 && span_is_blank(span.octets[span.length - 1]))
        span.length--;
    return span;
}

#endif
