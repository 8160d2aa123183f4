#include "handler/delivery/filters.h"

#include <string.h>
#include <sysexits.h>

#include "handler/delivery/template.h"
#include "handler/helper.h"

static const char what[] = "filter";

/* Finds the program of `words`; that of a milter is ours. */
static bool find_program(struct command *command, char *const *words, bool is_milter,
                         struct problem *problem)
{
    if (!is_milter)
        return command_find(command, what, words, problem);
    command->what = what;
    command->words = words;
    return template_check(words, what, &command->of_recipient, problem) &&
           helper_find(words[0], command->path, problem);
}

/* A filter runs once a message, for all its recipients. */
static bool find(struct command *command, const struct options_filter *filter,
                 struct problem *problem)
{
    char *const *words = filter->program.words;
    if (!find_program(command, words, filter->is_milter, problem))
        return false;
    return !command->of_recipient ||
           problem_set(problem, EX_USAGE,
                       "a macro of one recipient in the filter %s, which runs once a message; "
                       "{recipients} has them all",
                       words[0]);
}

void filters_find(struct filters *filters, const struct options *options, struct problems *problems)
{
    const struct options_filters *given = &options->filters;
    struct problem found;
    filters->count = given->count;
    for (unsigned i = 0; i < given->count; i++) {
        const struct options_filter *filter = &given->items[i];
        struct command *command = &filters->commands[i];
        const void *target = filter->is_milter ? &given->milter : &given->filter;
        struct options_place place = options_place(options, target, filter->value);
        if (find(command, filter, &found))
            continue;
        command->path[0] = '\0';
        problems_add(problems, place.text[0] != '\0' ? EX_CONFIG : found.status, "%s%s", place.text,
                     found.text);
    }
}

/* Whether the milter can be reached from here: from the service, that may need a drop-in. */
static void check_milter(const struct command *command, const char *place,
                         struct problems *problems)
{
    static char check[] = "--check", said[HELPER_SAID_MAX];
    char *const arguments[] = {command->words[0], check, command->words[1], NULL};
    switch (helper_ask(command->path, arguments, said)) {
    case EX_OK:
        return;
    case EX_USAGE:
        problems_add(problems, EX_CONFIG, "%soption milter: '%s' is no socket: %s", place,
                     command->words[1], "neither a path with a slash nor ADDRESS:PORT");
        return;
    default:
        said[strcspn(said, "\n")] = '\0';
        problems_add(problems, EX_OK, "%soption milter: %s", place,
                     said[0] != '\0' ? said : command->words[1]);
    }
}

void filters_check(const struct filters *filters, const struct options *options,
                   struct problems *problems)
{
    const struct options_filters *given = &options->filters;
    for (unsigned i = 0; i < filters->count; i++) {
        const struct options_filter *filter = &given->items[i];
        const struct command *command = &filters->commands[i];
        const void *target = filter->is_milter ? &given->milter : &given->filter;
        struct options_place place = options_place(options, target, filter->value);
        if (command->path[0] == '\0')
            continue;
        if (filter->is_milter)
            check_milter(command, place.text, problems);
        else
            command_check(command, place.text, problems);
    }
}

bool filters_are_unsafe(const struct options *options, const struct attributes *attributes)
{
    const struct options_filters *given = &options->filters;
    for (unsigned i = 0; i < given->count; i++)
        if (template_is_unsafe(given->items[i].program.words, attributes))
            return true;
    return false;
}
