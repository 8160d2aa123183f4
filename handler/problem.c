#include "handler/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

__attribute__((format(printf, 3, 0))) static void fill(struct problem *problem, int status,
                                                       const char *format, va_list arguments)
{
    if (vsnprintf(problem->text, sizeof problem->text, format, arguments) < 0)
        problem->text[0] = '\0';
    problem->status = status;
    problem->page = NULL;
}

bool problem_set(struct problem *problem, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(problem, status, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_known(const struct problems *problems, const char *text)
{
    for (unsigned i = 0; i < problems->count && i < PROBLEMS_MAX; i++)
        if (strcmp(problems->list[i].text, text) == 0)
            return true;
    return false;
}

static void add(struct problems *problems, struct problem problem)
{
    if (is_known(problems, problem.text))
        return;
    if (problem.page == NULL && strstr(problem.text, "; see ") == NULL)
        problem.page = problems->page;
    if (problem.status != EX_OK && problems_allow(problems))
        problems->error = problem;
    if (problems->count < PROBLEMS_MAX)
        problems->list[problems->count] = problem;
    problems->count++;
}

void problems_add(struct problems *problems, int status, const char *format, ...)
{
    struct problem problem;
    va_list arguments;
    va_start(arguments, format);
    fill(&problem, status, format, arguments);
    va_end(arguments);
    add(problems, problem);
}

void problems_add_unless(struct problems *problems, bool fine, const struct problem *problem)
{
    if (!fine)
        add(problems, *problem);
}

void problems_about(struct problems *problems, const char *page)
{
    problems->page = page;
}

bool problems_allow(const struct problems *problems)
{
    return problems->error.status == EX_OK;
}
