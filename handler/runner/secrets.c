#include "handler/runner/secrets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/landlock.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/process.h"

/* Adds the file at `path` if it exists beneath `directory`. 0, or -errno. */
static int add(struct landlock_denied *denied, const char *directory, const char *path)
{
    if (denied->count == LANDLOCK_DENIED_MAX)
        return -E2BIG;
    char *whole = denied->paths[denied->count];
    size_t length = strlen(directory);
    if (realpath(path, whole) != NULL && strncmp(whole, directory, length) == 0 &&
        whole[length] == '/')
        denied->count++;
    return 0;
}

/* Adds the file `name` of the directory, wherever it leads. */
static int add_named(struct landlock_denied *denied, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    return length > 0 && length < (int)sizeof path ? add(denied, "", path) : -ENAMETOOLONG;
}

static int list(struct landlock_denied *denied, const char *directory,
                const struct options *options)
{
    int result = add_named(denied, directory, "tls.key");
    if (result == 0 && options->auth[0] != NULL)
        result = add_named(denied, directory, "passwords");
    for (unsigned i = 0; result == 0 && i < options->tls_keys.count; i++)
        result = add(denied, directory, options->tls_keys.names[i]);
    for (char *const *word = options->auth; result == 0 && *word != NULL; word++)
        result = add(denied, directory, *word);
    return result;
}

/* Makes the rules. 0, or -errno. */
static int make_rules(const struct options *options, int *rules)
{
    static struct landlock_denied denied;
    char directory[PATH_MAX];
    const char *named = getenv("CREDENTIALS_DIRECTORY");
    *rules = PROCESS_UNRULED;
    if (named == NULL || realpath(named, directory) == NULL)
        return 0;
    denied.count = 0;
    int result = list(&denied, directory, options);
    if (result < 0 || denied.count == 0)
        return result;
    result = landlock_deny(&denied);
    if (result == -EPERM || result == -ENOSYS || result == -EOPNOTSUPP)
        return 0;
    if (result >= 0)
        *rules = result;
    return result < 0 ? result : 0;
}

bool secrets_close(struct runner *runner)
{
    int result = runner->ran_command ? 0 : make_rules(runner->options, &runner->command_rules);
    if (result < 0)
        log_trouble("Landlock: %s; see " PAGE_KEYS, strerror(-result));
    else
        runner->ran_command = true;
    return result == 0;
}
