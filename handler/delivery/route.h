/*
 * The command that stands in an entry of the list of recipients.
 */
#ifndef HANDLER_DELIVERY_ROUTE_H
#define HANDLER_DELIVERY_ROUTE_H

#include "handler/delivery/command.h"
#include "handler/options/options.h"

enum { ROUTE_OCTETS_MAX = 4096, ROUTE_PROGRAMS_MAX = 8 };

/* The caller owns its memory, which is zeros at first. */
struct routed {
    struct span text; /* that it was made of; borrowed */
    struct command command;
    char *words[OPTIONS_WORDS_MAX + 1];
    char octets[ROUTE_OCTETS_MAX + 1];
};

/*
 * Makes `routed` the command of `text`, its words as in the configuration file, unless it is that
 * already. False, with `problem` filled in, if the words are wrong, or there is no such program.
 */
bool route_find(struct routed *routed, struct span text, struct problem *problem);

/* Programs that were found to be right, so that the next entries need not look at them again. */
struct route_program {
    char name[PROCESS_PATH_MAX], path[PROCESS_PATH_MAX];
};

/* Zeros at first. */
struct route_programs {
    unsigned count; /* so far */
    struct route_program list[ROUTE_PROGRAMS_MAX];
};

/*
 * Adds to `problems` what is wrong with the command of `text`, and warnings; `place` is in front
 * of each.
 */
void route_check(struct span text, const char *place, struct route_programs *programs,
                 struct problems *problems);

#endif
