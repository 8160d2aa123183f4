#include "handler/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handler/mounts.h"

/* A file that is denied, or a directory that leads to one, whatever other names it has. */
struct inode {
    uint32_t major, minor;
    uint64_t number;
    bool is_denied;
};

enum { INODES_MAX = 256 };

struct inodes {
    size_t count;
    struct inode found[INODES_MAX];
};

/* No file server is asked: it may not answer. 0, or -errno. */
static int look(int directory, const char *path, int flags, struct statx *status)
{
    flags |= AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    return syscall(SYS_statx, directory, path, flags, STATX_INO | STATX_NLINK | STATX_MNT_ID,
                   status) == 0
               ? 0
               : -errno;
}

/* NULL for one that neither is denied nor leads to one that is. */
static const struct inode *find(const struct inodes *inodes, const struct statx *status)
{
    for (size_t i = 0; i < inodes->count; i++) {
        const struct inode *inode = &inodes->found[i];
        if (inode->number == status->stx_ino && inode->major == status->stx_dev_major &&
            inode->minor == status->stx_dev_minor)
            return inode;
    }
    return NULL;
}

static int add(struct inodes *inodes, const char *path, bool is_denied)
{
    struct statx status;
    int result = look(AT_FDCWD, path, 0, &status);
    if (result < 0 || find(inodes, &status) != NULL)
        return result;
    if (inodes->count == INODES_MAX)
        return -E2BIG;
    inodes->found[inodes->count++] =
        (struct inode){status.stx_dev_major, status.stx_dev_minor, status.stx_ino, is_denied};
    return 0;
}

/* Adds the file at `path`, which is changed, and the directories above it. */
static int add_with_directories(struct inodes *inodes, char *path)
{
    int result = add(inodes, path, true);
    char *slash;
    while (result == 0 && (slash = strrchr(path, '/')) != NULL) {
        *slash = '\0';
        result = add(inodes, path[0] == '\0' ? "/" : path, false);
    }
    return result;
}

/* Adds a file by all the paths that it has in this process's mounts. */
static int add_file(struct inodes *inodes, const char *file, const char *mounts)
{
    char path[PATH_MAX];
    struct mounts_place place;
    struct statx status, other;
    int result = look(AT_FDCWD, file, 0, &status);
    if (result == 0 && status.stx_nlink > 1)
        result = -EMLINK; /* the other links are unknown */
    if (result == 0) {
        memcpy(path, file, strlen(file) + 1);
        result = add_with_directories(inodes, path);
    }
    if (result == 0)
        result = mounts_find(mounts, status.stx_mnt_id, file, &place);
    while (result == 0 && mounts_next_path(&mounts, &place, path)) {
        bool is_it = look(AT_FDCWD, path, 0, &other) == 0 && other.stx_ino == status.stx_ino &&
                     other.stx_dev_major == status.stx_dev_major &&
                     other.stx_dev_minor == status.stx_dev_minor;
        if (is_it)
            result = add_with_directories(inodes, path);
    }
    return result;
}

static int add_all(struct inodes *inodes, const struct landlock_denied *denied)
{
    int result = 0;
    char *mounts = mounts_read();
    if (mounts == NULL)
        return -errno;
    for (size_t i = 0; result == 0 && i < denied->count; i++)
        result = add_file(inodes, denied->paths[i], mounts);
    free(mounts);
    return result;
}

/* Allows `access` to what `descriptor` is, and what is beneath. */
static int allow(int rules, int descriptor, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = descriptor};
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
               ? 0
               : -errno;
}

static int allow_beneath(int rules, const struct inodes *inodes, const char *directory);

/* A file that is denied gets no rule, and a directory that leads to one none but for its entries.
 */
static int allow_but(int rules, const struct inodes *inodes, const char *path, int descriptor)
{
    struct statx status;
    int result = look(descriptor, "", AT_EMPTY_PATH, &status);
    if (result < 0)
        return result;
    const struct inode *inode = find(inodes, &status);
    if (inode == NULL)
        return allow(rules, descriptor, LANDLOCK_ACCESS_FS_READ_FILE);
    return inode->is_denied ? 0 : allow_beneath(rules, inodes, path);
}

static int allow_entry(int rules, const struct inodes *inodes, const char *directory,
                       const struct dirent *entry)
{
    char path[PATH_MAX];
    bool is_self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (is_self || entry->d_type == DT_LNK) /* what a link leads to has a rule of its own */
        return 0;
    int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof path)
        return 0;
    int descriptor = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return 0; /* what cannot be opened needs no rule */
    int result = allow_but(rules, inodes, path, descriptor);
    (void)close(descriptor); /* the rule stays */
    return result;
}

/* Allows all beneath `directory`, "" for the root, but what is denied: as deep as a path is. */
static int allow_beneath(int rules, const struct inodes *inodes, const char *directory)
{
    const struct dirent *entry;
    int result;
    DIR *stream = opendir(directory[0] == '\0' ? "/" : directory);
    if (stream == NULL)
        return -errno;
    do {
        errno = 0;
        entry = readdir(stream);
        result = entry == NULL ? -errno : allow_entry(rules, inodes, directory, entry);
    } while (result == 0 && entry != NULL);
    (void)closedir(stream); /* it was only read */
    return result;
}

/*
 * Rules without a word of renaming to another directory, as into a Maildir's new, deny it; and the
 * first version of Landlock cannot allow it.
 */
static int make_rules(void)
{
    struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE |
                                                                 LANDLOCK_ACCESS_FS_REFER};
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) == 1)
        return -EOPNOTSUPP;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    return rules < 0 ? -errno : rules;
}

static int allow_moving(int rules)
{
    int root = open("/", O_PATH | O_CLOEXEC);
    if (root < 0)
        return -errno;
    int result = allow(rules, root, LANDLOCK_ACCESS_FS_REFER);
    (void)close(root); /* the rule stays */
    return result;
}

int landlock_deny(const struct landlock_denied *denied)
{
    struct inodes inodes = {.count = 0};
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -EPERM;
    int rules = make_rules();
    if (rules < 0)
        return rules;
    int result = add_all(&inodes, denied);
    if (result == 0)
        result = allow_moving(rules);
    if (result == 0)
        result = allow_beneath(rules, &inodes, "");
    if (result == 0)
        return rules;
    (void)close(rules); /* they are of no use */
    return result;
}

int landlock_enforce(int rules)
{
    return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}
