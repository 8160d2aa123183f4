#include <stddef.h>
#include <string.h>

#include "handler/options/options.h"
#include "handler/options/row.h"
#include "handler/options/words.h"

/* The place of the next filter; NULL if there is none. */
static struct options_filter *next(struct options_filters *filters, const char *value)
{
    struct options_filter *filter = &filters->items[filters->count];
    if (filters->count == OPTIONS_FILTERS_MAX || strlen(value) > OPTIONS_PROGRAM_MAX)
        return NULL;
    filter->value = value;
    memcpy(filter->program.octets, value, strlen(value) + 1);
    return filter;
}

static bool parse_filter(const struct option_type *type, void *target, const char *value)
{
    struct options_filters *filters =
        (void *)((char *)target - offsetof(struct options_filters, filter));
    struct options_filter *filter = next(filters, value);
    (void)type; /* no bounds */
    if (filter == NULL)
        return false;
    struct options_program *program = &filter->program;
    filter->is_milter = false;
    if (words_split(program->octets, true, program->words) != NULL || program->words[0] == NULL ||
        program->words[0][0] == '\0')
        return false;
    filters->count++;
    return true;
}

static bool parse_milter(const struct option_type *type, void *target, const char *value)
{
    static char name[] = "milter-filter";
    struct options_filters *filters =
        (void *)((char *)target - offsetof(struct options_filters, milter));
    struct options_filter *filter = next(filters, value);
    (void)type; /* no bounds */
    if (filter == NULL || value[0] == '\0')
        return false;
    filter->is_milter = true;
    filter->program.words[0] = name;
    filter->program.words[1] = filter->program.octets;
    filter->program.words[2] = NULL;
    filters->count++;
    return true;
}

const struct option_type option_type_filter = {
    parse_filter,
    .wanted = "a program and its arguments, or there are more than 8; double quotes keep blanks",
    .repeatable = true};
const struct option_type option_type_milter = {
    parse_milter, .wanted = "a socket, or there are more than 8 filters", .repeatable = true};
