#include "handler/delivery/interpreter.h"

#include <stdbool.h>
#include <string.h>

/* The letters of the options that a script follows. A version may follow the name. */
static const struct interpreter {
    const char *name;
    const char *letters;
    bool takes_operand; /* in front of the option, as su does */
} interpreters[] = {
    {"sh", "c", false},     {"ash", "c", false},    {"bash", "c", false},    {"dash", "c", false},
    {"ksh", "c", false},    {"mksh", "c", false},   {"zsh", "c", false},     {"csh", "c", false},
    {"tcsh", "c", false},   {"fish", "c", false},   {"rbash", "c", false},   {"su", "c", true},
    {"runuser", "c", true}, {"python", "c", false}, {"pypy", "c", false},    {"perl", "eE", false},
    {"ruby", "e", false},   {"node", "ep", false},  {"nodejs", "ep", false}, {"lua", "e", false},
    {"php", "r", false},
};

static const struct interpreter *find(const char *word)
{
    const char *slash = strrchr(word, '/'), *name = slash == NULL ? word : slash + 1;
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
        size_t length = strlen(interpreters[i].name);
        if (name[0] == interpreters[i].name[0] &&
            strncmp(name, interpreters[i].name, length) == 0 &&
            name[length + strspn(name + length, "0123456789.")] == '\0')
            return &interpreters[i];
    }
    return NULL;
}

static bool is_option(const char *word)
{
    return word[0] == '-' || word[0] == '+';
}

/* Whether a script follows `word`: -c, -ec; or, with `within`, stands in it: -c'...'. */
static bool has_letter(const char *word, const char *letters, bool within)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (word[0] != '-')
        return false;
    if (word[1] == '-')
        return strncmp(word, "--command", 9) == 0 || strncmp(word, "--eval", 6) == 0;
    size_t group = strspn(word + 1, alphabet), letter = strcspn(word + 1, letters);
    return letter < group && (within || word[1 + group] == '\0');
}

/* Whether the next word belongs to `option`, as the name of bash's -o does. */
static bool takes_argument(const char *option)
{
    return is_option(option) && option[1] != '\0' &&
           strchr("oOWXIrd", option[strlen(option) - 1]) != NULL;
}

/* Whether the interpreter at `first` reads argument `at` as a script. */
static bool reads(const struct interpreter *interpreter, char *const *command, size_t first,
                  size_t at)
{
    bool found = false;
    for (size_t i = first + 1; i < at; i++) {
        bool is_operand = !is_option(command[i]) && !takes_argument(command[i - 1]);
        if (is_operand && (found || !interpreter->takes_operand))
            return false;
        found = found || has_letter(command[i], interpreter->letters, false);
    }
    return found || has_letter(command[at], interpreter->letters, true);
}

const char *interpreter_of_script(char *const *command, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        const struct interpreter *interpreter = find(command[i]);
        if (interpreter != NULL && reads(interpreter, command, i, at))
            return command[i];
    }
    return NULL;
}
