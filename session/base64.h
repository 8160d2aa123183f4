/*
 * Base64 (RFC 4648 4), strictly: full groups with their padding, nothing else.
 */
#ifndef SESSION_BASE64_H
#define SESSION_BASE64_H

#include <stdbool.h>

#include "span.h"

/*
 * Decodes `text` into `room`, and sets the room's length to how many octets came out. False where
 * it is no Base64, or there is not room enough.
 */
bool base64_decode(struct span text, struct room *room);

#endif
