#include "handler/delivery/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "handler/delivery/attributes.h"
#include "handler/delivery/interpreter.h"
#include "handler/delivery/template.h"
#include "handler/script.h"

bool command_find(struct command *command, const char *what, char *const *words,
                  struct problem *problem)
{
    command->what = what;
    command->words = words;
    return template_check(words, what, &command->of_recipient, problem) &&
           process_find_program(what, words[0], command->path, problem);
}

bool command_is_same(const struct command *command, const struct command *other)
{
    size_t i = 0;
    while (command->words[i] != NULL && other->words[i] != NULL &&
           strcmp(command->words[i], other->words[i]) == 0)
        i++;
    return !command->of_recipient && command->words[i] == NULL && other->words[i] == NULL;
}

/* Whether it has an operator of the shell: a word that no program is given on purpose. */
static bool is_operator(const char *word)
{
    static const char *const operators[] = {"|", "||", "&", "&&", ";", "<", "2>", "2>>", "2>&1"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(word, operators[i]) == 0)
            return true;
    return word[0] == '>' || strchr(word, '`') != NULL || strstr(word, "$(") != NULL ||
           (word[0] != '\0' && word[strlen(word) - 1] == ';');
}

/* Whether `word` has one of $NAME, ${NAME} and {NAME} that looks like an attribute. */
static bool has_foreign_macro(const char *word)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    for (const char *at = strpbrk(word, "${"); at != NULL; at = strpbrk(at + 1, "${")) {
        bool is_variable = at[0] == '$', is_braced = at[is_variable ? 1 : 0] == '{';
        const char *name = at + (is_variable ? 1 : 0) + (is_braced ? 1 : 0);
        struct span span = {name, strspn(name, letters)};
        bool is_whole = !is_braced || name[span.length] == '}';
        if (is_whole && span.length > 0 && attributes_has_name(span) &&
            (is_variable || attributes_find(span) == ATTRIBUTE_COUNT))
            return true;
    }
    return false;
}

/* What is odd about a word, in words; NULL for nothing. */
static const char *find_oddity(const char *word)
{
    if (is_operator(word))
        return "no shell reads it; write sh -c \"...\"";
    if (has_foreign_macro(word))
        return "it is handed on as it stands; write a macro, such as {sender}; within a script for "
               "a shell \"$SENDER\" is right";
    if (word[0] == '\'')
        return "single quotes are handed on; double quotes keep blanks";
    return NULL;
}

/* Whether a shell or another interpreter reads word `i`. */
static bool is_script(char *const *words, size_t i)
{
    const char *before = words[i - 1];
    return (before[0] == '-' && before[strlen(before) - 1] == 'c') ||
           interpreter_of_script(words, i) != NULL;
}

/* Whether a value that may hold a slash is, by itself, the beginning of `directory`. */
static bool is_chosen_by_client(const char *directory)
{
    static const char *const macros[] = {"{local}", "{recipient}", "{sender}"};
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
        if (strncmp(directory, macros[i], strlen(macros[i])) == 0)
            return strchr(directory, '/') == NULL; /* else such values are refused */
    return false;
}

/* Checks how our own helper is called: without a directory it defers all mail. */
static void check_maildir(const struct command *command, const char *place,
                          struct problems *problems)
{
    const char *name = strrchr(command->path, '/'), *directory = command->words[1];
    if (name == NULL || strcmp(name, "/maildir-deliver") != 0)
        return;
    if (directory == NULL)
        problems_add(problems, EX_CONFIG, "%s%s %s: it needs the directory of a Maildir", place,
                     command->what, command->words[0]);
    else if (is_chosen_by_client(directory))
        problems_add(problems, EX_OK,
                     "%s%s: argument %s: the client would choose any directory; write "
                     "DIRECTORY/{user}",
                     place, command->what, directory);
}

void command_check(const struct command *command, const char *place, struct problems *problems)
{
    char named[OPTIONS_PLACE_MAX + 32];
    (void)snprintf(named, sizeof named, "%s%s", place, command->what); /* fits */
    script_check(named, command->path, problems);
    command_check_words(command, place, problems);
}

void command_check_words(const struct command *command, const char *place,
                         struct problems *problems)
{
    const char *what = command->what;
    char *const *words = command->words;
    check_maildir(command, place, problems);
    if (place[0] != '\0' && words[0][0] != '/' && strchr(words[0], '/') != NULL)
        problems_add(problems, EX_OK,
                     "%s%s %s: not an absolute path; it counts from the directory "
                     "in which we are started",
                     place, what, words[0]);
    for (size_t i = 1; words[i] != NULL; i++) {
        const char *oddity = find_oddity(words[i]);
        if (oddity != NULL && !is_script(words, i))
            problems_add(problems, EX_OK, "%s%s: argument %s: %s", place, what, words[i], oddity);
    }
}
