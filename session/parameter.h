/*
 * The parameters behind the path of MAIL and RCPT (RFC 5321 4.1.2, Mail-parameters).
 */
#ifndef SESSION_PARAMETER_H
#define SESSION_PARAMETER_H

#include <stdint.h>

#include "span.h"

struct mail_parameters {
    uint64_t size; /* octets announced, 0 for none; RFC 1870 */
    bool prdr;     /* an answer for each recipient, please; draft-hall-prdr */
    bool binary;   /* BODY=BINARYMIME; RFC 3030 3 */
};

enum parameter_result { PARAMETER_OK, PARAMETER_UNKNOWN, PARAMETER_BAD };

/*
 * Reads all that stands behind the path of MAIL. Where the result is not PARAMETER_OK, `offender`
 * is the parameter that is to blame.
 */
enum parameter_result mail_parameters_parse(struct span input, struct mail_parameters *parameters,
                                            struct span *offender);

/*
 * Reads a number of up to 20 digits (RFC 1870 4, RFC 3030 2); false where `text` is none. One
 * that 64 bits cannot hold counts as the largest that they can.
 */
bool parameter_number(struct span text, uint64_t *number);

#endif
