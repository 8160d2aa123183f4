/*
 * A command as it was given, the delivery command or another that is run as that is, and the
 * program that it names.
 */
#ifndef HANDLER_DELIVERY_COMMAND_H
#define HANDLER_DELIVERY_COMMAND_H

#include "handler/problem.h"
#include "handler/process.h"

struct command {
    const char *what;   /* it is, in words; borrowed */
    char *const *words; /* with {macros}, ended by NULL; borrowed */
    bool of_recipient;  /* a macro is about the one recipient */
    char path[PROCESS_PATH_MAX];
};

/*
 * Makes `command` the one of `words`; `what` it is, in words. False, with `problem` filled in, if a
 * macro is wrong, or if there is no such program that we may execute.
 */
bool command_find(struct command *command, const char *what, char *const *words,
                  struct problem *problem);

/* Whether one run of both will do: equal words, and no macro of the one recipient. */
bool command_is_same(const struct command *command, const struct command *other);

/*
 * Adds to `problems` why the program would not run, and warnings of words that only a shell would
 * understand. `place` is the line that names it, as options_place has it.
 */
void command_check(const struct command *command, const char *place, struct problems *problems);

/* The same without a look at the program's file. */
void command_check_words(const struct command *command, const char *place,
                         struct problems *problems);

#endif
