/*
 * UTF-8 (RFC 3629) as far as an address may have it.
 */
#ifndef SESSION_TEXT_UTF8_H
#define SESSION_TEXT_UTF8_H

#include <stdint.h>

#include "session/text/span.h"

/*
 * How many octets at the front of `text` are one well-formed non-ASCII character that an address
 * may have; 0 if none are. Control characters, line separators and what changes the direction of
 * writing are refused, so that printing or splitting addresses is safe.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result <= text.length && (\result == 0 || 2 <= \result <= 4); */
size_t utf8_length(struct span text);

enum { UTF8_LENGTH_MAX = 4 };

/*
 * The octets of `character`, written to `octets`; empty unless utf8_length counts it or
 * it is printable ASCII.
 */
/*@ requires \valid(octets + (0 .. 3));
    assigns octets[0 .. 3];
    ensures readable(\result) && \result.length <= 4;
    ensures \result.length > 0 ==> \result.octets == octets; */
struct span utf8_encode(uint32_t character, char octets[UTF8_LENGTH_MAX]);

#endif
