#include "handler/script.h"

#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/process.h"

enum { LINE_MAX = 256 }; /* what the kernel looks at; see execve(2) */

static const char blanks[] = " \t";

/* Reads what the kernel looks at, and ends it with a NUL. The octets that were read, or -1. */
static ssize_t read_start(const char *path, char line[LINE_MAX])
{
    int script = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = script < 0 ? -1 : read(script, line, LINE_MAX - 1);
    if (script >= 0)
        (void)close(script); /* it was only read */
    line[length < 0 ? 0 : length] = '\0';
    return length;
}

/* Splits the next word off `*text`; empty for none. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, blanks);
    char *end = word + strcspn(word, blanks);
    *text = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

/* Checks the program that env(1) is to find; `rest` are its arguments. */
static void check_env(const char *what, const char *path, char *rest, struct problems *problems)
{
    char found[PROCESS_PATH_MAX];
    struct problem problem;
    const char *program = next_word(&rest);
    while (program[0] == '-' || strchr(program, '=') != NULL) /* -S, a variable */
        program = next_word(&rest);
    if (program[0] != '\0' && !process_find_program("its interpreter", program, found, &problem))
        problems_add(problems, EX_CONFIG, "%s %s: %s", what, path, problem.text);
}

/* Checks what follows "#!". */
static void check_interpreter(const char *what, const char *path, char *rest,
                              struct problems *problems)
{
    bool has_return = strchr(rest, '\r') != NULL;
    const char *interpreter = next_word(&rest);
    if (interpreter[0] == '\0') {
        problems_add(problems, EX_CONFIG, "%s %s: no interpreter behind #!", what, path);
        return;
    }
    const char *fault = process_find_fault(interpreter);
    const char *name = strrchr(interpreter, '/');
    if (fault != NULL)
        problems_add(problems, EX_CONFIG, "%s %s: its interpreter %s: %s%s", what, path,
                     interpreter, fault, has_return ? "; its lines end with CR LF" : "");
    else if (name != NULL && strcmp(name, "/env") == 0)
        check_env(what, path, rest, problems);
    else if (has_return)
        problems_add(
            problems, EX_OK,
            "%s %s: its interpreter gets the \\x0d of the first line; let lines end with LF", what,
            path);
}

void script_check(const char *what, const char *path, struct problems *problems)
{
    char line[LINE_MAX];
    ssize_t length = read_start(path, line);
    if (length < 0 || memchr(line, '\0', (size_t)length) != NULL)
        return; /* a program, which one need not be able to read, and no script */
    line[strcspn(line, "\n")] = '\0';
    if (length == 0)
        problems_add(problems, EX_CONFIG, "%s %s: an empty file", what, path);
    else if (strncmp(line, "#!", 2) == 0)
        check_interpreter(what, path, line + 2, problems);
    else
        problems_add(problems, EX_CONFIG,
                     "%s %s: a script without #!, which the kernel does not run; begin it with "
                     "#!/bin/sh",
                     what, path);
}
