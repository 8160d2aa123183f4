/*
 * UTF-8 (RFC 3629) as far as an address may hold it.
 */
#ifndef SESSION_UTF8_H
#define SESSION_UTF8_H

#include <stdint.h>

#include "span.h"

/*
 * How many octets at the front of `text` are one well-formed character beyond ASCII that may stand
 * in an address; 0 for none. Control characters and line separators may not: what prints an
 * address, or splits a list of them, is safe from it.
 */
size_t utf8_length(struct span text);

enum { UTF8_LENGTH_MAX = 4 };

/*
 * The octets of `character`, written to `octets`; empty where it is neither one that utf8_length
 * counts nor printable ASCII.
 */
struct span utf8_encode(uint32_t character, char octets[UTF8_LENGTH_MAX]);

#endif
