/*
 * Internationalized domain names (RFC 5890): which of them are one. libidn2 is named here alone,
 * and loaded when a name beyond ASCII turns up.
 */
#ifndef HANDLER_IDN_H
#define HANDLER_IDN_H

#include "../session.h"

/*
 * Writes the A-labels of the domain name `name` to `ascii`, ended by NUL. 0, or -EINVAL where IDNA
 * knows no such name, or -ENOSYS where the library is not there.
 */
int idn_to_ascii(struct span name, char ascii[DOMAIN_MAX + 1]);

/*
 * Whether two domain names are one, as a U-label and its A-label are, or the same letters in either
 * case: 1 or 0, or -ENOSYS where that takes the library and it is not there.
 */
int idn_equal(struct span a, struct span b);

#endif
