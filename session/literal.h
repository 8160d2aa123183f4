/*
 * Address literals (RFC 5321 4.1.3): the address of a host in brackets, in place of a domain.
 */
#ifndef SESSION_LITERAL_H
#define SESSION_LITERAL_H

#include "session/text/span.h"

/*
 * Whether `text`, as a whole, is an address literal with its brackets. One of IPv6 may lack its
 * tag.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result ==> text.length >= 2 && text.octets[0] == '['; */
bool literal_is_valid(struct span text);

#endif
