/*
 * The parameters after the path of MAIL and RCPT (RFC 5321 4.1.2, Mail-parameters).
 */
#ifndef SESSION_PARAMETER_H
#define SESSION_PARAMETER_H

#include <stdint.h>

#include "session/text/span.h"

enum {
    ENVID_MAX = 100, /* octets, RFC 3461 4.4 */
    ORCPT_MAX = 500, /* octets, RFC 3461 4.2 */
    NOTIFY_MAX = sizeof "SUCCESS,FAILURE,DELAY" - 1,
    DROPPED_MAX = 200 /* octets that are kept of a parameter, for the log */
};

/* The sets that a command may have. */
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
    uint64_t size;   /* octets announced, 0 if unknown; RFC 1870 */
    bool utf8;       /* SMTPUTF8: addresses and header may hold UTF-8; RFC 6531 */
    bool prdr;       /* a reply for each recipient; draft-hall-prdr */
    bool binary;     /* BODY=BINARYMIME; RFC 3030 3 */
    const char *ret; /* "FULL", "HDRS", or "" if not given; RFC 3461 4.3 */
    size_t envid_length;
    size_t notify_length;
    size_t orcpt_length;
    size_t dropped_length;
    char envid[ENVID_MAX];     /* decoded; RFC 3461 4.4 */
    char notify[NOTIFY_MAX];   /* "NEVER", or the others in a fixed order; RFC 3461 4.1 */
    char orcpt[ORCPT_MAX];     /* "rfc822;user@example.org", decoded; RFC 3461 4.2, RFC 6533 3 */
    char dropped[DROPPED_MAX]; /* "ORCPT=...", malformed, and so ignored; printable ASCII */
};

/*@ predicate parameters_ok(struct parameters *parameters) = \valid_read(parameters) &&
        \valid_read(parameters->ret) && parameters->envid_length <= ENVID_MAX &&
        parameters->notify_length <= NOTIFY_MAX && parameters->orcpt_length <= ORCPT_MAX &&
        parameters->dropped_length <= DROPPED_MAX; */

/*@ requires \valid(parameters);
    assigns parameters->size, parameters->utf8, parameters->prdr, parameters->binary,
            parameters->ret, parameters->envid_length, parameters->notify_length,
            parameters->orcpt_length, parameters->dropped_length;
    ensures parameters_ok(parameters); */
void parameters_clear(struct parameters *parameters);

enum parameter_result { PARAMETER_OK, PARAMETER_UNKNOWN, PARAMETER_BAD };

/*
 * Parses all that follows a path; `allowed` has the sets of enum parameter_set that may follow.
 * Unless the result is PARAMETER_OK, `offender` is the wrong parameter.
 */
/*@ requires readable(input) && \valid(parameters) && \valid(offender);
    requires \separated(parameters, offender, input.octets + (0 .. input.length - 1));
    assigns *offender, parameters->size, parameters->utf8, parameters->prdr, parameters->binary,
            parameters->ret, parameters->envid_length, parameters->notify_length,
            parameters->orcpt_length, parameters->dropped_length,
            parameters->envid[0 .. ENVID_MAX - 1], parameters->notify[0 .. NOTIFY_MAX - 1],
            parameters->orcpt[0 .. ORCPT_MAX - 1], parameters->dropped[0 .. DROPPED_MAX - 1];
    ensures parameters_ok(parameters);
    ensures \result != PARAMETER_OK ==> readable(*offender); */
enum parameter_result parameters_parse(struct span input, unsigned allowed,
                                       struct parameters *parameters, struct span *offender);

/* Whether `text` is a valid value of that field of struct parameters. */
/*@ requires readable(text);
    assigns \nothing; */
bool parameter_is_envid(struct span text);
/*@ requires readable(text);
    assigns \nothing; */
bool parameter_is_notify(struct span text);
/*@ requires readable(text);
    assigns \nothing; */
bool parameter_is_orcpt(struct span text);
/*@ requires readable(text);
    assigns \nothing; */
bool parameter_is_dropped(struct span text);

#endif
