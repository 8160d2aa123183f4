#include <stdio.h>
#include <string.h>

#include "handler/options/options.h"
#include "handler/options/row.h"

enum { HELP_WIDTH = 79, HELP_COLUMN = 30 }; /* of a line; at which what an option does begins */

/* The groups: the option that each begins with, in the order of the table. */
static const struct {
    const char *first;
    const char *heading;
} groups[] = {
    {"config", "In general"},
    {"domain", "Who receives"},
    {"max-size", "Limits"},
    {"listen", "Listening"},
    {"command-timeout", "Time"},
    {"lmtp", "Delivery"},
    {"tls", "TLS, users and proxies"},
    {"newlines", "Messages"},
    {"require-sandbox", "Running it"},
};

static void print_heading(const struct option_row *row)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].first, row->name) == 0)
            printf("\n%s:\n", groups[i].heading);
}

static void begin_line(void)
{
    printf("\n%*s", HELP_COLUMN, "");
}

/* Prints `text` from HELP_COLUMN on, in as many lines as it takes. */
static void print_wrapped(const char *text)
{
    int column = HELP_COLUMN;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        bool is_first = column == HELP_COLUMN, fits = column + 1 + length <= HELP_WIDTH;
        if (!is_first && !fits) {
            begin_line();
            column = HELP_COLUMN;
        } else if (!is_first) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const struct option_row *row)
{
    char left[64], right[256];
    const char *argument = row->argument == NULL ? "" : row->argument;
    bool has_default = row->initial != NULL;
    int length = snprintf(left, sizeof left, "  --%s %s", row->name, argument); /* fits */
    (void)snprintf(right, sizeof right, "%s%s%s%s", row->help, has_default ? " (" : "",
                   has_default ? row->initial : "", has_default ? ")" : ""); /* likewise */
    printf("%-*s", HELP_COLUMN, left);
    if (length >= HELP_COLUMN)
        begin_line();
    print_wrapped(right);
}

void options_print_help(void)
{
    puts("usage: smtp-handler [OPTION...] [--] [COMMAND [ARGUMENT...]]\n\n"
         "Serves SMTP on standard input and output, or on each connection to --listen;\n"
         "gives each message to COMMAND.\n"
         "Defaults are in parentheses.");
    for (const struct option_row *row = option_rows; row->name != NULL; row++) {
        print_heading(row);
        print_option(row);
    }
    puts("\nA file of options, for --config, has one a line, and COMMAND as \"command\":\n\n"
         "  domain example.org\n"
         "  max-size 50M\n"
         "  command /usr/local/bin/ticket --queue {user}\n\n"
         "smtp-handler(8) has the log, and tells the cause of each reply;\n"
         "smtp-handler.conf(5) the options, smtp-handler-command(7) what COMMAND gets,\n"
         "smtp-handler-units(7) what systemd keeps from it. The units read\n"
         "/etc/smtp-handler.conf.");
}
