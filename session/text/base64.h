/*
 * Base64 (RFC 4648 4), strictly: full groups with their padding, nothing else.
 */
#ifndef SESSION_TEXT_BASE64_H
#define SESSION_TEXT_BASE64_H

#include <stdbool.h>

#include "session/text/span.h"

/*
 * Decodes `text` into `room`, and sets the room's length to how many octets came out. False if
 * it is not Base64, or there is not enough room.
 */
/*@ requires readable(text) && \valid(room) && writable(*room);
    requires \separated(room, room->octets + (0 .. room->length - 1));
    assigns room->length, room->octets[0 .. room->length - 1];
    ensures room->length <= \old(room->length); */
bool base64_decode(struct span text, struct room *room);

#endif
