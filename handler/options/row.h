/*
 * What the command line, the configuration file and --help share: the table of options, one row an
 * option. For this room alone.
 */
#ifndef HANDLER_OPTIONS_ROW_H
#define HANDLER_OPTIONS_ROW_H

#include "handler/problem.h"
#include "session/text/span.h"

struct options;

/* What values an option takes. */
struct option_type {
    /* Puts `value` into `target`; false if it is not valid. */
    bool (*parse)(const struct option_type *type, void *target, const char *value);
    const char *wanted;       /* a valid value, in words; NULL: the choices or the bounds say it */
    const char *unit;         /* of a number */
    const char *const *words; /* the choices, ended by NULL */
    unsigned min, max;        /* of a number; of a repeatable option the max count */
    bool repeatable;          /* each value adds to it, or says the same */
    bool not_in_file;         /* makes sense on the command line alone */
};

struct option_row {
    const char *name;
    const char *argument; /* what --help calls it; NULL if the option has none */
    const struct option_type *type;
    size_t offset;       /* of the target in struct options */
    const char *initial; /* the default; NULL if its absence says enough */
    const char *help;
};

/* The types of --filter and --milter, which fill one list. */
extern const struct option_type option_type_filter, option_type_milter;

extern const struct option_row option_rows[]; /* a row without a name ends it */

/* The option of that name; NULL if there is none. */
const struct option_row *option_find(struct span name);

bool option_may_be_in_file(const struct option_row *row);

/* Whether it may stand in several lines of the file: each adds to it, or says the same. */
bool option_is_repeatable(const struct option_row *row);

/* Fills in `problem` about `name`, which is no option, with the one that was meant. False. */
bool option_unknown(struct span name, bool in_file, struct problem *problem);

/*
 * Sets the option of `row` to `value`, which is borrowed, and notes that. False, with `problem`
 * filled in and its `status`, if the value is not valid.
 */
bool option_set(struct options *options, const struct option_row *row, const char *value,
                struct problem *problem, int status);

/*
 * Reads the file of --config; a row that is `given` is on the command line, which wins. Adds to
 * `problems` everything that is wrong. False if the file cannot be read at all.
 */
bool option_file_read(struct options *options, const bool *given, struct problems *problems);

#endif
