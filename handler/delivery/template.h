/*
 * The {macros} in the arguments of a command. Values are inserted as they are, never
 * split or interpreted; none can turn an argument into an option, or lead a path elsewhere.
 */
#ifndef HANDLER_DELIVERY_TEMPLATE_H
#define HANDLER_DELIVERY_TEMPLATE_H

#include "handler/delivery/attributes.h"
#include "handler/problem.h"

/*
 * Checks the macros of `command`; `what` that is, in words. False, with `problem` filled in, if one
 * is unknown or misplaced, as one is within a script for an interpreter, but for {key}, which is
 * digits. `of_recipient` tells
 * whether one is about the one recipient.
 */
bool template_check(char *const *command, const char *what, bool *of_recipient,
                    struct problem *problem);

/* Whether an argument of `command` holds the macro of the attribute. */
bool template_has(char *const *command, enum attribute attribute);

/* Makes `arguments` the words of `command` with `attributes` put in. 0, or -E2BIG. */
int template_expand(char *const *command, const struct attributes *attributes,
                    struct strings *arguments);

/*
 * Whether `attributes` would make some argument begin with a hyphen, or put a value that holds a
 * slash or begins with a dot into a path or for {user}, which must not be empty either. The key and
 * an attribute of the recipient that are not known yet count as harmless; any other missing
 * attribute does so in a path alone, since none that can be missing there is an address.
 */
bool template_is_unsafe(char *const *command, const struct attributes *attributes);

#endif
