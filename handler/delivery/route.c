#include "handler/delivery/route.h"

#include <stdio.h>
#include <sysexits.h>

#include "handler/delivery/template.h"
#include "handler/options/words.h"

static const char what[] = "delivery command";

/* Splits `text` into the words of `routed`. */
static bool split(struct routed *routed, struct span text, struct problem *problem)
{
    if (text.length > ROUTE_OCTETS_MAX)
        return problem_set(problem, EX_CONFIG, "%s: longer than %d octets", what, ROUTE_OCTETS_MAX);
    memcpy(routed->octets, text.octets, text.length);
    routed->octets[text.length] = '\0';
    const char *fault = words_are_continued(text)
                            ? "a backslash does not continue a line: write it all in one"
                            : words_split(routed->octets, true, routed->words);
    if (fault == NULL && (routed->words[0] == NULL || routed->words[0][0] == '\0'))
        fault = "no program is named";
    return fault == NULL || problem_set(problem, EX_CONFIG, "%s: %s", what, fault);
}

bool route_find(struct routed *routed, struct span text, struct problem *problem)
{
    if (routed->text.octets == text.octets)
        return true;
    routed->text = span_empty();
    if (!split(routed, text, problem) ||
        !command_find(&routed->command, what, routed->words, problem))
        return false;
    routed->text = text;
    return true;
}

/* The path of a program that is known to be right; NULL for another. */
static const char *find_known(const struct route_programs *programs, const char *name)
{
    for (unsigned i = 0; i < programs->count && i < ROUTE_PROGRAMS_MAX; i++)
        if (strcmp(programs->list[i].name, name) == 0)
            return programs->list[i].path;
    return NULL;
}

/* Remembers it, in the place of the oldest. */
static void add_known(struct route_programs *programs, const struct command *command)
{
    struct route_program *program = &programs->list[programs->count++ % ROUTE_PROGRAMS_MAX];
    (void)snprintf(program->name, sizeof program->name, "%s", command->words[0]); /* fits */
    (void)snprintf(program->path, sizeof program->path, "%s", command->path);     /* likewise */
}

void route_check(struct span text, const char *place, struct route_programs *programs,
                 struct problems *problems)
{
    static struct routed routed;
    struct command *command = &routed.command;
    struct problem found;
    *command = (struct command){.what = what, .words = routed.words};
    bool is_right = split(&routed, text, &found);
    const char *path = is_right ? find_known(programs, routed.words[0]) : NULL;
    if (is_right && path != NULL) {
        is_right = template_check(routed.words, what, &command->of_recipient, &found);
        (void)snprintf(command->path, sizeof command->path, "%s", path); /* fits */
    } else if (is_right) {
        is_right = command_find(command, what, routed.words, &found);
    }
    if (!is_right) {
        problems_add(problems, EX_CONFIG, "%s%s", place, found.text);
        return;
    }
    if (path != NULL) {
        command_check_words(command, place, problems);
        return;
    }
    unsigned count = problems->count;
    command_check(command, place, problems);
    if (problems->count == count)
        add_known(programs, command);
}
