/*
 * The parameters behind the path of MAIL and RCPT (RFC 5321 4.1.2, Mail-parameters).
 */
#ifndef SESSION_PARAMETER_H
#define SESSION_PARAMETER_H

#include <stdint.h>

#include "span.h"

struct mail_parameters {
    uint64_t size; /* octets announced, 0 for none; RFC 1870 */
};

enum parameter_result { PARAMETER_OK, PARAMETER_UNKNOWN, PARAMETER_BAD };

/*
 * Reads all that stands behind the path of MAIL. Where the result is not PARAMETER_OK, `offender`
 * is the parameter that is to blame.
 */
enum parameter_result mail_parameters_parse(struct span input, struct mail_parameters *parameters,
                                            struct span *offender);

#endif
