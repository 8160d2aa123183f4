/*
 * Internationalized domain names (RFC 5890). libidn2 is named here alone, and loaded when the
 * forms of such a name are needed.
 */
#ifndef HANDLER_VERDICT_IDN_H
#define HANDLER_VERDICT_IDN_H

#include "session.h"

enum { IDN_FORMS_MAX = 3 };

/* The spellings of one domain name: as it was given, with A-labels, with U-labels. */
struct idn_forms {
    unsigned count;
    struct span names[IDN_FORMS_MAX]; /* the first is borrowed, the others are kept below */
    bool unknown;                     /* there may be more: libidn2 is missing */
    char ascii[DOMAIN_MAX + 1];
    char unicode[DOMAIN_MAX + 1];
};

/* Whether the name is its only form: all ASCII, without A-labels. */
bool idn_has_one_form(struct span name);

/* The forms of `name`; a plain ASCII name, or one that IDNA does not allow, has itself only. */
void idn_list_forms(struct span name, struct idn_forms *forms);

/* Whether `name` is one of the forms; ASCII letters of either case are the same. */
bool idn_is_form(const struct idn_forms *forms, struct span name);

/* Whether `name` is a domain that one of the forms is below, at any depth. */
bool idn_is_below(const struct idn_forms *forms, struct span name);

/*
 * Whether IDNA2008 allows the name: its non-ASCII labels are U-labels. 0, -EINVAL or, without
 * libidn2, -ENOSYS.
 */
int idn_check(struct span name);

#endif
