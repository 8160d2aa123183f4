/*
 * The delivery command as it was given, with {macros} in its arguments. Values are put in as they
 * are, never split or interpreted; none can turn an argument into an option.
 */
#ifndef HANDLER_TEMPLATE_H
#define HANDLER_TEMPLATE_H

#include "facts.h"
#include "problem.h"

enum { TEMPLATE_ARGUMENTS_MAX = 4096, TEMPLATE_OCTETS_MAX = 256 * 1024 };

/* Arguments for execve(2), kept here. */
struct template_arguments {
    char *arguments[TEMPLATE_ARGUMENTS_MAX + 1]; /* ended by NULL */
    size_t count;
    size_t used;
    char octets[TEMPLATE_OCTETS_MAX];
};

/*
 * Checks the arguments of `command`. False, with `problem` filled in, where one holds a {name}
 * that means nothing. `of_recipient` tells whether one means the one recipient.
 */
bool template_check(char *const *command, bool *of_recipient, struct problem *problem);

/* Puts `facts` into `command`. 0, or -E2BIG. */
int template_expand(char *const *command, const struct facts *facts,
                    struct template_arguments *arguments);

/*
 * Whether with `facts` some argument would begin with a hyphen that it does not have by itself.
 * A fact of the recipient that is not known yet is taken to be harmless, any other is not.
 */
bool template_makes_option(char *const *command, const struct facts *facts);

#endif
