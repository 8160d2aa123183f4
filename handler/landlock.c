#include "landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DENIED_MAX = 16 };

/* What is to be denied, without symbolic links. */
struct denied {
    char *paths[DENIED_MAX];
    size_t count;
};

enum relation { RELATION_NONE, RELATION_ABOVE, RELATION_SAME };

/* How `path` lies to the nearest of those that are denied. */
static enum relation relate(const struct denied *denied, const char *path)
{
    size_t length = strlen(path);
    enum relation relation = RELATION_NONE;
    for (size_t i = 0; i < denied->count; i++) {
        if (strcmp(denied->paths[i], path) == 0)
            return RELATION_SAME;
        if (strncmp(denied->paths[i], path, length) == 0 && denied->paths[i][length] == '/')
            relation = RELATION_ABOVE;
    }
    return relation;
}

/* Allows `access` to `path` and what is beneath. One that cannot be opened needs no rule. */
static int allow(int rules, const char *path, uint64_t access)
{
    int descriptor = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return 0;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = descriptor};
    long result = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = result == 0 ? 0 : -errno;
    (void)close(descriptor); /* the rule stays */
    return error;
}

static int allow_beneath(int rules, const struct denied *denied, const char *directory);

static int allow_entry(int rules, const struct denied *denied, const char *directory,
                       const struct dirent *entry)
{
    char path[PATH_MAX];
    bool is_self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (is_self || entry->d_type == DT_LNK) /* what a link leads to has a rule of its own */
        return 0;
    int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof path)
        return 0;
    enum relation relation = relate(denied, path);
    if (relation == RELATION_ABOVE)
        return allow_beneath(rules, denied, path);
    return relation == RELATION_NONE ? allow(rules, path, LANDLOCK_ACCESS_FS_READ_FILE) : 0;
}

/* Allows all beneath `directory`, "" for the root, but what is denied: as deep as a path is. */
static int allow_beneath(int rules, const struct denied *denied, const char *directory)
{
    const struct dirent *entry;
    int result = 0;
    DIR *stream = opendir(directory[0] == '\0' ? "/" : directory);
    if (stream == NULL)
        return -errno;
    while (result == 0 && (entry = readdir(stream)) != NULL)
        result = allow_entry(rules, denied, directory, entry);
    (void)closedir(stream); /* it was only read */
    return result;
}

static int deny(const struct denied *denied)
{
    /* Renaming to another directory, as into a Maildir's new, is denied by all rules that do not
     * allow it; a kernel that cannot allow it knows no such rules either. */
    const uint64_t both = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_REFER;
    struct landlock_ruleset_attr handled = {.handled_access_fs = both};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (rules < 0)
        return -errno;
    int result = allow(rules, "/", LANDLOCK_ACCESS_FS_REFER);
    if (result == 0)
        result = allow_beneath(rules, denied, "");
    if (result == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        result = -errno;
    (void)close(rules); /* they are in force */
    return result;
}

int landlock_deny(const char *const *paths, size_t count)
{
    struct denied denied = {.count = 0};
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -EPERM;
    for (size_t i = 0; i < count && denied.count < DENIED_MAX; i++) {
        denied.paths[denied.count] = realpath(paths[i], NULL);
        denied.count += denied.paths[denied.count] != NULL ? 1 : 0;
    }
    int result = denied.count > 0 ? deny(&denied) : 0;
    while (denied.count > 0)
        free(denied.paths[--denied.count]);
    return result;
}
