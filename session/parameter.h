/*
 * The parameters behind the path of MAIL and RCPT (RFC 5321 4.1.2, Mail-parameters).
 */
#ifndef SESSION_PARAMETER_H
#define SESSION_PARAMETER_H

#include <stdint.h>

#include "span.h"

enum {
    ENVID_MAX = 100, /* octets, RFC 3461 4.4 */
    ORCPT_MAX = 500, /* octets, RFC 3461 4.2 */
    NOTIFY_MAX = sizeof "SUCCESS,FAILURE,DELAY" - 1
};

/* Where a parameter belongs; together those that a command may have. */
enum parameter_set {
    PARAMETER_SET_MAIL = 1,
    PARAMETER_SET_PRDR = 2,
    PARAMETER_SET_DSN_MAIL = 4,
    PARAMETER_SET_DSN_RCPT = 8,
    PARAMETER_SET_AUTH = 16,
    PARAMETER_SETS_OF_MAIL =
        PARAMETER_SET_MAIL | PARAMETER_SET_PRDR | PARAMETER_SET_DSN_MAIL | PARAMETER_SET_AUTH,
    PARAMETER_SETS_OF_RCPT = PARAMETER_SET_DSN_RCPT
};

/* Of one command. What is decoded is printable ASCII, or UTF-8 in `orcpt`. */
struct parameters {
    uint64_t size;   /* octets announced, 0 for none; RFC 1870 */
    bool utf8;       /* SMTPUTF8: addresses and header may hold UTF-8; RFC 6531 */
    bool prdr;       /* an answer for each recipient, please; draft-hall-prdr */
    bool binary;     /* BODY=BINARYMIME; RFC 3030 3 */
    const char *ret; /* "FULL", "HDRS", or "" where nothing was said; RFC 3461 4.3 */
    size_t envid_length;
    size_t notify_length;
    size_t orcpt_length;
    char envid[ENVID_MAX];   /* decoded; RFC 3461 4.4 */
    char notify[NOTIFY_MAX]; /* "NEVER", or what was asked for, in one order; RFC 3461 4.1 */
    char orcpt[ORCPT_MAX];   /* "rfc822;user@example.org", decoded; RFC 3461 4.2, RFC 6533 3 */
};

void parameters_clear(struct parameters *parameters);

enum parameter_result { PARAMETER_OK, PARAMETER_UNKNOWN, PARAMETER_BAD };

/*
 * Reads all that stands behind a path; `allowed` holds those of enum parameter_set that may stand
 * there. Where the result is not PARAMETER_OK, `offender` is the parameter that is to blame.
 */
enum parameter_result parameters_parse(struct span input, unsigned allowed,
                                       struct parameters *parameters, struct span *offender);

/*
 * Reads a number of up to 20 digits (RFC 1870 4, RFC 3030 2); false where `text` is none. One
 * that 64 bits cannot hold counts as the largest that they can.
 */
bool parameter_number(struct span text, uint64_t *number);

/*
 * Takes "+2B", with capitals, off the front of `xtext` (RFC 3461 4), which is not empty, or an
 * octet that stands for itself; false where it is neither.
 */
bool parameter_take_xtext(struct span *xtext, char *octet);

#endif
