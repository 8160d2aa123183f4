#include "handler/options/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "handler/options/row.h"
#include "handler/page.h"

/* All but the octets of programs and the file, which are written before they are read. */
static bool set_defaults(struct options *options, struct problem *problem)
{
    memset(options, 0, offsetof(struct options, recipient_check));
    options->log = LOG_OPTION_BEST;
    options->tls = TLS_OPTION_BEST;
    options->auth_octets[0] = '\0';
    options->recipient_check.words[0] = NULL;
    options->filters.count = 0;
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (row->initial != NULL && !option_set(options, row, row->initial, problem, EX_SOFTWARE))
            return false;
    return true;
}

static bool is_option(const char *argument)
{
    return argument != NULL && strncmp(argument, "--", 2) == 0 && argument[2] != '\0';
}

/*
 * Takes the option in `*argument`, and its value, which may be the next one; leaves `*argument` at
 * what follows. `*row` is NULL if there is no such option, `*value` if it has none.
 */
static bool take_option(char ***argument, const struct option_row **row, const char **value,
                        struct problem *problem)
{
    char *name = *(*argument)++ + 2;
    size_t length = strcspn(name, "=");
    *value = name[length] == '=' ? name + length + 1 : NULL;
    *row = option_find((struct span){name, length});
    if (*row == NULL)
        return option_unknown((struct span){name, length}, false, problem);
    bool wants_value = (*row)->argument != NULL;
    if (!wants_value && *value != NULL)
        return problem_set(problem, EX_USAGE, "option %s takes no value: it is on if it is there",
                           (*row)->name);
    if (wants_value && *value == NULL) {
        if (**argument == NULL)
            return problem_set(problem, EX_USAGE, "option %s needs a value", (*row)->name);
        *value = *(*argument)++;
    }
    return true;
}

static bool read_option(struct options *options, char ***argument, bool given[OPTIONS_MAX],
                        struct problem *problem)
{
    const struct option_row *row;
    const char *value;
    bool taken = take_option(argument, &row, &value, problem);
    if (row == NULL)
        options->command = options->words; /* what follows may be its value */
    if (!taken)
        return false;
    given[row - option_rows] = true;
    return option_set(options, row, value == NULL ? "" : value, problem, EX_USAGE);
}

/* Reads the options off argv; `given` says which there were. The rest is the command. */
static void read_arguments(struct options *options, char **argv, bool given[OPTIONS_MAX],
                           struct problems *problems)
{
    char **argument = argv + 1;
    struct problem problem;
    while (is_option(*argument))
        problems_add_unless(problems, read_option(options, &argument, given, &problem), &problem);
    if (*argument != NULL && strcmp(*argument, "--") == 0) {
        argument++;
    } else if (*argument != NULL && strcmp(*argument, "-h") == 0) {
        options->help = true;
    } else if (*argument != NULL && strcmp(*argument, "-V") == 0) {
        options->version = true;
    } else if (*argument != NULL && (*argument)[0] == '-' && (*argument)[1] != '\0') {
        problems_add(problems, EX_USAGE, "unknown option %s", *argument);
        options->command = options->words; /* likewise */
    }
    if (*argument != NULL && options->command == NULL)
        options->command = argument;
}

int options_drop_listening(char **argv)
{
    char **from = argv + 1, **to = argv + 1;
    while (is_option(*from)) {
        char **first = from;
        const struct option_row *row;
        const char *value;
        struct problem nothing;
        (void)take_option(&from, &row, &value, &nothing); /* as it was taken before */
        bool listens = row->offset == offsetof(struct options, listen) ||
                       row->offset == offsetof(struct options, user);
        while (first < from && !listens)
            *to++ = *first++;
    }
    while ((*to = *from++) != NULL)
        to++;
    return (int)(to - argv);
}

/* checkpassword(8) runs what follows its own arguments if the password is right. */
static bool split_auth(struct options *options, struct problem *problem)
{
    static char on_success[] = "true";
    unsigned count = 0;
    const char *reason = words_split(options->auth_octets, false, options->auth);
    if (reason != NULL)
        return problem_set(problem, EX_USAGE, "option auth: %s", reason);
    while (options->auth[count] != NULL)
        count++;
    options->auth[count] = count > 0 ? on_success : NULL;
    options->auth[count + 1] = NULL;
    return true;
}

void options_read(struct options *options, int argc, char **argv, struct problems *problems)
{
    bool given[OPTIONS_MAX] = {false};
    struct problem problem;
    problems_about(problems, PAGE_COMMAND_LINE);
    problems_add_unless(problems, set_defaults(options, &problem), &problem);
    if (argc < 1) {
        problems_add(problems, EX_USAGE, "no arguments at all");
        return;
    }
    read_arguments(options, argv, given, problems);
    if (options->help || options->version)
        return;
    if (options->user != NULL && options->listen.count == 0)
        problems_add(
            problems, EX_USAGE,
            "option user needs --listen; otherwise the caller of smtp-handler chooses the user");
    problems_about(problems, PAGE_FILE);
    bool is_read = options->config == NULL || option_file_read(options, given, problems);
    problems_about(problems, options->config == NULL ? PAGE_COMMAND_LINE : PAGE_FILE);
    problems_add_unless(problems, split_auth(options, &problem), &problem);
    /* The list of recipients may name commands, but users need not be in it. */
    bool may_lack = options->recipients != NULL && !options->submission;
    if (options->command != NULL || may_lack)
        return;
    if (options->config == NULL)
        problems_add(problems, EX_USAGE, "no delivery command");
    else if (is_read)
        problems_add(problems, EX_CONFIG, "%s: no delivery command; add a line: command PROGRAM",
                     options->config);
}

bool options_blame(const struct options *options, const void *target, const char *value,
                   struct problem *problem)
{
    const struct problem found = *problem;
    const struct option_row *row = option_rows;
    while (row->name != NULL && (const char *)options + row->offset != (const char *)target)
        row++;
    (void)problem_set(problem, found.status, "%soption %s: %s",
                      options_place(options, target, value).text, row->name, found.text);
    problem->page = found.page;
    return false;
}
