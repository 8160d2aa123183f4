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

static int allow_beneath(int rules, const char *denied, const char *directory);

static int allow_entry(int rules, const char *denied, const char *directory,
                       const struct dirent *entry)
{
    char path[PATH_MAX];
    bool is_self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (is_self || entry->d_type == DT_LNK) /* what a link leads to has a rule of its own */
        return 0;
    int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof path)
        return 0;
    if (strcmp(denied, path) == 0)
        return 0;
    bool is_above = strncmp(denied, path, (size_t)length) == 0 && denied[length] == '/';
    return is_above ? allow_beneath(rules, denied, path)
                    : allow(rules, path, LANDLOCK_ACCESS_FS_READ_FILE);
}

/* Allows all beneath `directory`, "" for the root, but what is denied: as deep as a path is. */
static int allow_beneath(int rules, const char *denied, const char *directory)
{
    const struct dirent *entry;
    int result;
    DIR *stream = opendir(directory[0] == '\0' ? "/" : directory);
    if (stream == NULL)
        return -errno;
    do {
        errno = 0;
        entry = readdir(stream);
        result = entry == NULL ? -errno : allow_entry(rules, denied, directory, entry);
    } while (result == 0 && entry != NULL);
    (void)closedir(stream); /* it was only read */
    return result;
}

static int deny(const char *denied)
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

int landlock_deny(const char *path)
{
    char denied[PATH_MAX];
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -EPERM;
    return realpath(path, denied) != NULL ? deny(denied) : -errno;
}
