/*
 * Which entry of the list of recipients is for an address, and to which one it leads by aliases:
 * the address with its extension, without it, @domain, and at last @*.domain.
 */
#ifndef HANDLER_VERDICT_RECIPIENT_ROUTE_H
#define HANDLER_VERDICT_RECIPIENT_ROUTE_H

#include "handler/transaction.h"
#include "handler/verdict/idn.h"
#include "handler/verdict/recipient-list.h"

enum { RECIPIENT_ROUTE_STEPS_MAX = 10 }; /* from alias to alias */

/* A local part as its user and extension, on either side of the first delimiter; borrowed. */
struct local_parts {
    struct span user;
    struct span extension; /* may be empty */
};

/* A quoted local part, and one that begins with the delimiter, is all user. */
struct local_parts recipient_route_split(struct span local, char delimiter);

/*
 * The entry for `local` at `domain`; empty for none. If it `is_whole`, only one of that very
 * address. The list has been read.
 */
struct span recipient_route_find(struct recipient_list *list, struct span local,
                                 const struct idn_forms *domain, char delimiter, bool is_whole);

/*
 * Makes `route` the way from `entry` to the last one, with aliases obeyed. NULL, or what is wrong,
 * in words, with `last` the entry that is to blame.
 */
const char *recipient_route_follow(struct recipient_list *list, struct span entry, char delimiter,
                                   struct route *route);

#endif
