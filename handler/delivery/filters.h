/*
 * The programs of --filter and --milter, which judge a message before the delivery command, and may
 * change it.
 */
#ifndef HANDLER_DELIVERY_FILTERS_H
#define HANDLER_DELIVERY_FILTERS_H

#include "handler/delivery/attributes.h"
#include "handler/delivery/command.h"

/* In the order in which they run. */
struct filters {
    unsigned count;
    struct command commands[OPTIONS_FILTERS_MAX];
};

/* Finds the programs of `options`, and adds to `problems` what is wrong with each. */
void filters_find(struct filters *filters, const struct options *options,
                  struct problems *problems);

/*
 * Adds to `problems` what command_check has to say of each, and a warning for each milter that
 * cannot be reached.
 */
void filters_check(const struct filters *filters, const struct options *options,
                   struct problems *problems);

/* Whether `attributes` are unsafe for one of those in `options`, as template_is_unsafe has it. */
bool filters_are_unsafe(const struct options *options, const struct attributes *attributes);

#endif
