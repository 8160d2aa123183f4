#include "handler/delivery/template.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "handler/delivery/interpreter.h"

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

/* Whether an argument is a path: no macro's own name holds a slash. */
static bool is_path(const char *argument)
{
    return strchr(argument, '/') != NULL;
}

/* Checks the macro at `at` within argument `i` of `command`, of which `what` says what it is. */
static bool check_macro(char *const *command, const char *what, size_t i, const char *at,
                        struct problem *problem)
{
    struct span name = name_at(at);
    enum attribute attribute = attributes_find(name);
    const char *interpreter = interpreter_of_script(command, i);
    if (attribute == ATTRIBUTE_COUNT)
        return problem_set(problem, EX_USAGE, "unknown {%.*s} in the %s", (int)name.length,
                           name.octets, what);
    if (interpreter != NULL && attribute != ATTRIBUTE_KEY)
        return problem_set(problem, EX_USAGE,
                           "{%.*s} within a script for %s: the client would write it; "
                           "use \"$%s\" in a script file",
                           (int)name.length, name.octets, interpreter,
                           attributes_variable(attribute));
    if (attribute == ATTRIBUTE_HELO && is_path(command[i]))
        return problem_set(problem, EX_USAGE, "{helo} in a path: the client would choose the file");
    if (attribute == ATTRIBUTE_RECIPIENTS && !is_all_recipients(command[i]))
        return problem_set(problem, EX_USAGE, "{recipients} must be an argument by itself");
    return i > 0 || problem_set(problem, EX_USAGE, "{%.*s} in the %s's own name", (int)name.length,
                                name.octets, what);
}

bool template_check(char *const *command, const char *what, bool *of_recipient,
                    struct problem *problem)
{
    *of_recipient = false;
    for (size_t i = 0; command[i] != NULL; i++) {
        for (const char *at = strchr(command[i], '{'); at != NULL; at = strchr(at + 1, '{')) {
            struct span name = name_at(at);
            if (name.length > 0 && !check_macro(command, what, i, at, problem))
                return false;
            *of_recipient = *of_recipient || attributes_is_of_recipient(attributes_find(name));
        }
    }
    return true;
}

bool template_has(char *const *command, enum attribute attribute)
{
    for (size_t i = 0; command[i] != NULL; i++)
        for (const char *at = strchr(command[i], '{'); at != NULL; at = strchr(at + 1, '{'))
            if (attributes_find(name_at(at)) == attribute)
                return true;
    return false;
}

static void expand(const char *text, const struct attributes *attributes, struct strings *arguments)
{
    strings_add(arguments, span_empty());
    while (*text != '\0') {
        struct span name = name_at(text);
        struct span piece = {text, 1 + strcspn(text + 1, "{")};
        if (name.length > 0) {
            piece = attributes->values[attributes_find(name)];
            text += name.length + 2;
        } else {
            text += piece.length;
        }
        strings_append(arguments, piece);
    }
}

/* One argument for each line of `recipients`. */
static void expand_recipients(struct span recipients, struct strings *arguments)
{
    while (recipients.length > 0) {
        struct span recipient = span_first(recipients, span_find(recipients, '\n'));
        bool last = recipient.length == recipients.length;
        recipients = span_after(recipients, recipient.length + (last ? 0 : 1));
        strings_add(arguments, recipient);
    }
}

int template_expand(char *const *command, const struct attributes *attributes,
                    struct strings *arguments)
{
    strings_clear(arguments);
    for (size_t i = 0; command[i] != NULL; i++) {
        if (is_all_recipients(command[i]))
            expand_recipients(attributes->values[ATTRIBUTE_RECIPIENTS], arguments);
        else
            expand(command[i], attributes, arguments);
    }
    return arguments->full ? -E2BIG : 0;
}

/* Whether `text`, which begins with a macro, would come to begin with a hyphen. */
static bool comes_to_begin_with_hyphen(const char *text, const struct attributes *attributes)
{
    for (;;) {
        struct span name = name_at(text);
        if (name.length == 0)
            return *text == '-';
        enum attribute attribute = attributes_find(name);
        struct span value = attributes->values[attribute];
        if (value.octets == NULL)
            return !attributes_is_of_recipient(attribute) && attribute != ATTRIBUTE_KEY;
        if (value.length > 0)
            return value.octets[0] == '-';
        text += name.length + 2;
    }
}

/* Whether a macro of `argument` would lead to a file that is not meant. */
static bool comes_to_lead_elsewhere(const char *argument, const struct attributes *attributes)
{
    for (const char *at = strchr(argument, '{'); at != NULL; at = strchr(at + 1, '{')) {
        struct span name = name_at(at);
        enum attribute attribute = attributes_find(name);
        if (attribute == ATTRIBUTE_COUNT || attributes->values[attribute].octets == NULL)
            continue;
        struct span value = attributes->values[attribute];
        bool is_user = attribute == ATTRIBUTE_USER;
        if (is_user && value.length == 0)
            return true;
        if ((is_user || is_path(argument)) && attributes_leads_elsewhere(value))
            return true;
    }
    return false;
}

bool template_is_unsafe(char *const *command, const struct attributes *attributes)
{
    for (size_t i = 0; command[i] != NULL; i++) {
        bool is_option = command[i][0] == '-';
        if ((!is_option && comes_to_begin_with_hyphen(command[i], attributes)) ||
            comes_to_lead_elsewhere(command[i], attributes))
            return true;
    }
    return false;
}
