/*
 * Internationalized domain names (RFC 5890). libidn2 is named here alone, and loaded when the forms
 * of such a name are asked for.
 */
#ifndef HANDLER_IDN_H
#define HANDLER_IDN_H

#include "../session.h"

enum { IDN_FORMS_MAX = 3 };

/* The spellings of one domain name: as it was given, with A-labels, with U-labels. */
struct idn_forms {
    unsigned count;
    struct span names[IDN_FORMS_MAX]; /* the first is borrowed, the others are kept below */
    bool unknown;                     /* there may be more: libidn2 is not there */
    char ascii[DOMAIN_MAX + 1];
    char unicode[DOMAIN_MAX + 1];
};

/* Whether the name has but one form, itself: it is all ASCII, without A-labels. */
bool idn_is_plain(struct span name);

/* The forms of `name`; one that is all ASCII, or that IDNA does not allow, has but itself. */
void idn_find_forms(struct span name, struct idn_forms *forms);

/* Whether `name` is one of the forms; ASCII letters of either case are the same. */
bool idn_is_form(const struct idn_forms *forms, struct span name);

/*
 * Whether IDNA2008 allows the name, that is, what is beyond ASCII in it are U-labels. 0, -EINVAL
 * or, where libidn2 is not there, -ENOSYS.
 */
int idn_check(struct span name);

#endif
