#include "handler/verdict/password-check.h"

#include <string.h>
#include <sysexits.h>

#include "handler/helper.h"

static bool is_password_check(const char *path)
{
    const char *name = strrchr(path, '/');
    return name != NULL && strcmp(name, "/password-check") == 0;
}

void password_check(const char *path, const struct options *options, struct problems *problems)
{
    static char name[] = "password-check", check[] = "--check", text[HELPER_SAID_MAX];
    struct options_place place = options_place(options, &options->auth_octets, NULL);
    if (!is_password_check(path))
        return;
    if (options->auth[2] == NULL) { /* "true" follows its own arguments */
        problems_add(problems, options->submission ? EX_CONFIG : EX_OK,
                     "%soption auth: password-check needs a file: nobody can log in", place.text);
        return;
    }
    char *const arguments[] = {name, check, options->auth[1], NULL};
    bool is_useless = helper_ask(path, arguments, text) == EX_CONFIG;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL && rest != NULL; line = strsep(&rest, "\n"))
        problems_add(problems, is_useless && options->submission ? EX_CONFIG : EX_OK,
                     "%soption auth: %s", place.text, line);
}
