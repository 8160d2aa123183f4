/*
 * Looks through the header of a message, as it passes, for the signs of a mail loop (RFC 5321 6.3).
 */
#ifndef SESSION_HEADER_H
#define SESSION_HEADER_H

#include "address.h"

enum { HEADER_RECEIVED_LOOP = 100 }; /* so many Received fields make a loop, RFC 5321 6.3 */

struct header {
    bool over; /* its end has been seen */
    bool delivered;
    unsigned received;
    struct mailbox recipient; /* length 0: no Delivered-To counts */
    size_t line_length;
    char line[sizeof "Delivered-To:" + PATH_OCTETS_MAX]; /* the beginning of the line at hand */
};

/* Makes `header` new. `recipient` is whom Delivered-To may not name yet; NULL for anybody. */
void header_begin(struct header *header, const struct mailbox *recipient);

/* Looks at the message's next octets, whose lines end with LF or CR LF. */
void header_look(struct header *header, struct span octets);

/* Whether the message has been here before, or around for too long, as far as it was looked at. */
bool header_shows_loop(const struct header *header);

#endif
