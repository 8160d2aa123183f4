/*
 * What parameters encode: xtext (RFC 3461 4), and addresses in UTF-8 (RFC 6533 3).
 */
#ifndef SESSION_XTEXT_H
#define SESSION_XTEXT_H

#include "session/text/text.h"

/*@ predicate decodable(struct span *input, struct text *text) = parsable(input) && text_ok(text) &&
        \separated(input, text, input->octets + (0 .. input->length - 1),
                   text->octets + (0 .. text->size - 1)); */
/*
 * Parses "+2B" off the front of `xtext` (RFC 3461 4), which is not empty, or an octet that stands
 * for itself; false if it is neither. Small letters do as well as capitals.
 */
/*@ requires parsable(xtext) && xtext->length > 0 && \valid(octet) && \separated(xtext, octet);
    requires \separated(octet, xtext->octets + (0 .. xtext->length - 1));
    assigns *xtext, *octet;
    ensures parsable(xtext) && rest_of(*xtext, \old(*xtext));
    ensures \result ==> xtext->length < \old(xtext->length); */
bool xtext_parse_octet(struct span *xtext, char *octet);

/*
 * Decodes a character off the front of `xtext`, which is not empty, or of an address in UTF-8 if
 * it is `utf8`, and adds it to `text`; false if it is malformed, or neither printable ASCII nor a
 * character that such an address may have.
 */
/*@ requires decodable(xtext, text) && xtext->length > 0;
    assigns *xtext, text->length, text->octets[0 .. text->size - 1];
    ensures decodable(xtext, text) && rest_of(*xtext, \old(*xtext));
    ensures \result ==> xtext->length < \old(xtext->length); */
bool xtext_decode(struct span *xtext, bool utf8, struct text *text);

#endif
