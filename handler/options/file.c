#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/options/options.h"
#include "handler/options/row.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t");
}

static void trim_end(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && (is_blank(text[end - 1]) || text[end - 1] == '\r'))
        end--;
    text[end] = '\0';
}

/* Whether an option that counts once has no line yet: `line` is 0. */
static bool is_first(unsigned line, const char *name, struct problem *problem)
{
    return line == 0 || problem_set(problem, EX_CONFIG,
                                    "option %s again, first on line %u: remove one", name, line);
}

static bool read_command(struct options *options, char *value, struct problem *problem)
{
    if (options->command != NULL && options->command_line == 0)
        return true; /* the command line has one */
    if (!is_first(options->command_line, "command", problem))
        return false;
    const char *reason = words_split(value, true, options->words);
    options->command = options->words;
    options->command_line = options->line;
    if (reason == NULL && (options->words[0] == NULL || options->words[0][0] == '\0'))
        reason = "no program is named";
    if (reason == NULL)
        return true;
    options->words[0] = NULL;
    return problem_set(problem, EX_CONFIG, "option command: %s", reason);
}

static bool read_option(struct options *options, const struct option_row *row, const char *value,
                        struct problem *problem)
{
    unsigned line = options_line(options, (const char *)options + row->offset, NULL);
    if (row->argument == NULL && *value != '\0' && strcmp(value, "#") != 0) /* a comment */
        return problem_set(problem, EX_CONFIG, "option %s takes no value: it is on if it is there",
                           row->name);
    return (option_is_repeatable(row) || is_first(line, row->name, problem)) &&
           option_set(options, row, value, problem, EX_CONFIG);
}

/* Cuts a comment off; in front of `value` there is its name. */
static void cut_comment(char *value)
{
    struct span kept = words_before_comment((struct span){value - 1, strlen(value) + 1});
    value[kept.length - 1] = '\0';
    trim_end(value);
}

/* Takes the quotes off a value that stands within double quotes as a whole. */
static char *unquote(char *value)
{
    size_t length = strlen(value);
    if (length < 2 || value[0] != '"' || strchr(value + 1, '"') != value + length - 1)
        return value;
    value[length - 1] = '\0';
    return value + 1;
}

/*
 * The value behind a name: "value", "= value" or "=value". An = or # that is all of it is the value
 * itself.
 */
static char *find_value(char *text)
{
    char *value = skip_blanks(text);
    if (value[0] == '=' && value[1] != '\0')
        value = skip_blanks(value + 1);
    if (strcmp(value, "#") != 0)
        cut_comment(value);
    return value;
}

/* Skips the mark that some editors put in front of UTF-8; joined files have it within. */
static char *skip_byte_order_mark(char *text)
{
    static const char mark[] = "\xef\xbb\xbf";
    return strncmp(text, mark, strlen(mark)) == 0 ? text + strlen(mark) : text;
}

/* Reads one line of the file, without its end. */
static bool read_line(struct options *options, char *line, const bool *given,
                      struct problem *problem)
{
    line = skip_blanks(skip_byte_order_mark(line));
    trim_end(line);
    if (*line == '\0' || *line == '#')
        return true;

    char *name = strncmp(line, "--", 2) == 0 ? line + 2 : line;
    size_t length = strcspn(name, " \t=");
    char *value = find_value(name + length);
    name[length] = '\0';
    if (words_are_continued(span_of(value)))
        return problem_set(problem, EX_CONFIG,
                           "a backslash does not continue a line: write it all in one");
    if (strcmp(name, "command") == 0)
        return read_command(options, value, problem);
    const struct option_row *row = option_find(span_of(name));
    if (row == NULL)
        return option_unknown(span_of(name), true, problem);
    if (!option_may_be_in_file(row))
        return problem_set(problem, EX_CONFIG, "option %s is for the command line alone", name);
    return given[row - option_rows] || read_option(options, row, unquote(value), problem);
}

static bool load_file(struct options *options, struct problem *problem)
{
    FILE *file = fopen(options->config, "re");
    if (file == NULL)
        return problem_set(problem, EX_CONFIG, "option config: %s: %s", options->config,
                           strerror(errno));
    size_t length = fread(options->file, 1, sizeof options->file, file);
    int error = ferror(file) ? errno : 0;
    (void)fclose(file); /* it was only read */
    if (error != 0)
        return problem_set(problem, EX_CONFIG, "%s: %s", options->config, strerror(error));
    if (length == sizeof options->file)
        return problem_set(problem, EX_CONFIG, "%s: longer than %d octets", options->config,
                           OPTIONS_FILE_MAX);
    if (memchr(options->file, '\0', length) != NULL)
        return problem_set(problem, EX_CONFIG, "%s: not a text file", options->config);
    options->file[length] = '\0';
    return true;
}

bool options_check_file(const struct options *options, struct problem *problem)
{
    return options->config == NULL || access(options->config, R_OK) == 0 ||
           problem_set(problem, EX_CONFIG, "%s: %s", options->config, strerror(errno));
}

bool option_file_read(struct options *options, const bool *given, struct problems *problems)
{
    struct problem found;
    if (!load_file(options, &found)) {
        problems_add(problems, found.status, "%s", found.text);
        return false;
    }
    for (char *line = options->file; line != NULL;) {
        char *next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        options->line++;
        if (!read_line(options, line, given, &found))
            problems_add(problems, found.status, "%s:%u: %s", options->config, options->line,
                         found.text);
        line = next;
    }
    options->line = 0;
    return true;
}
