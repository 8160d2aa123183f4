#include "template.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

/* The {name} that `text` begins with; empty for none. */
static struct span name_at(const char *text)
{
    size_t length = text[0] == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    bool is_name = length > 0 && text[1 + length] == '}';
    return (struct span){text + 1, is_name ? length : 0};
}

static bool is_all_recipients(const char *argument)
{
    return strcmp(argument, "{recipients}") == 0;
}

bool template_check(char *const *command, bool *of_recipient, struct problem *problem)
{
    *of_recipient = false;
    for (size_t i = 0; command[i] != NULL; i++) {
        for (const char *at = strchr(command[i], '{'); at != NULL; at = strchr(at + 1, '{')) {
            struct span name = name_at(at);
            enum fact fact = facts_find(name);
            if (name.length == 0)
                continue;
            if (fact == FACT_COUNT)
                return problem_set(problem, EX_USAGE, "unknown {%.*s} in the delivery command",
                                   (int)name.length, name.octets);
            if (fact == FACT_RECIPIENTS && !is_all_recipients(command[i]))
                return problem_set(problem, EX_USAGE, "{recipients} must be an argument by itself");
            if (i == 0)
                return problem_set(problem, EX_USAGE, "{%.*s} in the delivery command's own name",
                                   (int)name.length, name.octets);
            *of_recipient = *of_recipient || facts_is_of_recipient(fact);
        }
    }
    return true;
}

static bool add_octets(struct template_arguments *arguments, struct span octets)
{
    if (octets.length > sizeof arguments->octets - arguments->used)
        return false;
    if (octets.length > 0)
        memcpy(arguments->octets + arguments->used, octets.octets, octets.length);
    arguments->used += octets.length;
    return true;
}

/* Begins an argument; its octets follow. */
static bool begin_argument(struct template_arguments *arguments)
{
    if (arguments->count == TEMPLATE_ARGUMENTS_MAX)
        return false;
    arguments->arguments[arguments->count++] = arguments->octets + arguments->used;
    arguments->arguments[arguments->count] = NULL;
    return true;
}

static bool end_argument(struct template_arguments *arguments)
{
    return add_octets(arguments, (struct span){"", 1});
}

static bool expand(const char *text, const struct facts *facts,
                   struct template_arguments *arguments)
{
    if (!begin_argument(arguments))
        return false;
    while (*text != '\0') {
        struct span name = name_at(text);
        struct span piece = {text, 1 + strcspn(text + 1, "{")};
        if (name.length > 0) {
            piece = facts->values[facts_find(name)];
            text += name.length + 2;
        } else {
            text += piece.length;
        }
        if (!add_octets(arguments, piece))
            return false;
    }
    return end_argument(arguments);
}

/* One argument for each line of `recipients`. */
static bool expand_recipients(struct span recipients, struct template_arguments *arguments)
{
    while (recipients.length > 0) {
        struct span recipient = span_first(recipients, span_find(recipients, '\n'));
        bool last = recipient.length == recipients.length;
        recipients = span_after(recipients, recipient.length + (last ? 0 : 1));
        if (!begin_argument(arguments) || !add_octets(arguments, recipient) ||
            !end_argument(arguments))
            return false;
    }
    return true;
}

int template_expand(char *const *command, const struct facts *facts,
                    struct template_arguments *arguments)
{
    arguments->count = arguments->used = 0;
    for (size_t i = 0; command[i] != NULL; i++) {
        bool fits = is_all_recipients(command[i])
                        ? expand_recipients(facts->values[FACT_RECIPIENTS], arguments)
                        : expand(command[i], facts, arguments);
        if (!fits)
            return -E2BIG;
    }
    return 0;
}

/* Whether `text`, which begins with a macro, would come to begin with a hyphen. */
static bool comes_to_begin_with_hyphen(const char *text, const struct facts *facts)
{
    for (;;) {
        struct span name = name_at(text);
        if (name.length == 0)
            return *text == '-';
        enum fact fact = facts_find(name);
        struct span value = facts->values[fact];
        if (value.octets == NULL)
            return !facts_is_of_recipient(fact);
        if (value.length > 0)
            return value.octets[0] == '-';
        text += name.length + 2;
    }
}

bool template_makes_option(char *const *command, const struct facts *facts)
{
    for (size_t i = 0; command[i] != NULL; i++)
        if (command[i][0] != '-' && comes_to_begin_with_hyphen(command[i], facts))
            return true;
    return false;
}
