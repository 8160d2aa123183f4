#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "handler/options/options.h"
#include "handler/options/row.h"
#include "session/text/text.h"

static void print_visible(const char *value)
{
    static char octets[4 * (OPTIONS_FILE_MAX + 1)];
    struct text text = {octets, 0, sizeof octets};
    text_add_visible(&text, span_of(value));
    printf("%.*s", (int)text.length, octets);
}

/*
 * Writes a value, within double quotes if it would be taken for something else without. If it has
 * such quotes itself, they are of words, or cannot be written anyway.
 */
static void print_value(const char *value, const char *separators)
{
    bool quoted = strchr(value, '"') == NULL &&
                  (value[0] == '\0' || value[0] == '=' || strpbrk(value, separators) != NULL);
    fputs(quoted ? " \"" : " ", stdout);
    print_visible(value);
    fputs(quoted ? "\"" : "", stdout);
}

static void print_option(const struct options *options, const struct option_row *row)
{
    const void *target = (const char *)options + row->offset;
    bool is_set = false;
    for (unsigned i = 0; i < options->setting_count; i++) {
        if (options->settings[i].target != target)
            continue;
        is_set = true;
        fputs(row->name, stdout);
        if (row->argument != NULL)
            print_value(options->settings[i].value, "#");
        putchar('\n');
    }
    if (!is_set)
        printf("#%s\n", row->name);
}

void options_print(const struct options *options)
{
    for (const struct option_row *row = option_rows; row->name != NULL; row++)
        if (option_may_be_in_file(row))
            print_option(options, row);
    if (options->command == NULL || options->command[0] == NULL)
        return;
    fputs("command", stdout);
    for (char *const *word = options->command; *word != NULL; word++)
        print_value(*word, " \t#");
    putchar('\n');
}
