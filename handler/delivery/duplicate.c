#include "handler/delivery/duplicate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BELOW_MAX = sizeof "/12/" + KEY_TEXT_LENGTH, /* octets behind the directory */
    CLEANED_MAX = 1024                           /* entries a clean looks at */
};

/* The names of an entry and of the directory that it is in. */
struct place {
    char directory[PATH_MAX];
    char entry[PATH_MAX];
};

static void find_place(const struct duplicate *duplicate, const struct key *key,
                       struct place *place)
{
    char name[KEY_TEXT_LENGTH + 1];
    key_write(name, key);
    (void)snprintf(place->directory, PATH_MAX, "%s/%.2s", duplicate->directory,
                   name); /* fits, as the others do */
    (void)snprintf(place->entry, PATH_MAX, "%s/%.2s/%s", duplicate->directory, name, name);
}

static int make_directory(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Whether it is there and can be used. */
static int check_directory(const char *directory)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    (void)close(descriptor); /* nothing was written */
    return access(directory, R_OK | W_OK | X_OK) == 0 ? 0 : -errno;
}

int duplicate_prepare(const char *directory)
{
    if (strlen(directory) >= PATH_MAX - BELOW_MAX)
        return -ENAMETOOLONG;
    int made = make_directory(directory);
    int result = check_directory(directory);
    return result == -ENOENT && made < 0 ? made : result;
}

/* Whether a directory can be made at `path`: another one is made beside it and removed. */
static int check_parent(const char *path)
{
    char beside[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    (void)snprintf(beside, sizeof beside, "%.*s%s", (int)length, path,
                   "smtp-handler.XXXXXX"); /* fits: duplicate_check */
    if (mkdtemp(beside) == NULL)
        return -errno;
    (void)rmdir(beside); /* who may make it may remove it */
    return 0;
}

int duplicate_check(const char *directory)
{
    if (strlen(directory) >= PATH_MAX - BELOW_MAX)
        return -ENAMETOOLONG;
    int result = check_directory(directory);
    return result == -ENOENT ? check_parent(directory) : result;
}

static struct key key_of(const struct key_content *content, const struct envelope *envelope,
                         unsigned recipient)
{
    struct mailbox mailbox = envelope_recipient(envelope, recipient);
    return key_make(content, mailbox_whole(&envelope->sender), mailbox_whole(&mailbox));
}

/* Remembers the entry until the acknowledgement; without room, it expires by its age. */
static void remember(struct duplicate *duplicate, const struct key *key)
{
    if (duplicate->count < ENVELOPE_RECIPIENTS_MAX)
        duplicate->keys[duplicate->count++] = *key;
}

static int sync_path(const char *path, int flags)
{
    int descriptor = open(path, flags | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    int result = fsync(descriptor) == 0 ? 0 : -errno;
    (void)close(descriptor); /* it was synced, or was not */
    return result;
}

static bool is_old(const struct stat *status)
{
    return status->st_mtime < time(NULL) - DUPLICATE_SECONDS_MAX;
}

static int open_lock(struct duplicate *duplicate)
{
    char path[PATH_MAX];
    if (duplicate->locking)
        return 0;
    (void)snprintf(path, sizeof path, "%s/lock",
                   duplicate->directory); /* fits: duplicate_prepare */
    duplicate->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    duplicate->locking = duplicate->lock >= 0;
    return duplicate->locking ? 0 : -errno;
}

/* Locks until duplicate_close, or until this process ends. 0, or -errno. */
static int lock(struct duplicate *duplicate, const struct key *key)
{
    struct flock place = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int result = open_lock(duplicate);
    if (result < 0)
        return result;
    for (size_t i = 0; i < 7; i++)
        place.l_start = place.l_start << 8 | key->octets[i];
    if (fcntl(duplicate->lock, F_OFD_SETLK, &place) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EALREADY : -errno;
}

/* 1 if there is an entry; 0, with its directory made, if not; or -errno. */
static int find_entry(const struct duplicate *duplicate, const struct key *key)
{
    struct place place;
    struct stat status;
    find_place(duplicate, key, &place);
    if (stat(place.entry, &status) == 0) {
        if (!is_old(&status))
            return 1;
        (void)unlink(place.entry); /* else it is written anew */
        return 0;
    }
    if (errno != ENOENT)
        return -errno;
    int result = mkdir(place.directory, S_IRWXU) == 0
                     ? sync_path(duplicate->directory, O_RDONLY | O_DIRECTORY)
                     : -errno;
    return result == -EEXIST ? 0 : result;
}

int duplicate_find(struct duplicate *duplicate, const struct key_content *content,
                   const struct envelope *envelope, unsigned first, unsigned end)
{
    int found = 0, result = 0;
    if (duplicate->directory == NULL)
        return 0;
    for (unsigned i = first; result >= 0 && i < end; i++) {
        struct key key = key_of(content, envelope, i);
        result = lock(duplicate, &key);
        if (result == 0)
            result = find_entry(duplicate, &key);
        duplicate->has[i] = result == 1;
        if (duplicate->has[i])
            remember(duplicate, &key);
        found += duplicate->has[i] ? 1 : 0;
    }
    return result < 0 ? result : found;
}

struct entry {
    struct timespec when;
    char name[KEY_TEXT_LENGTH + 1];
};

static int compare_ages(const void *a, const void *b)
{
    const struct timespec *one = &((const struct entry *)a)->when;
    const struct timespec *other = &((const struct entry *)b)->when;
    if (one->tv_sec != other->tv_sec)
        return one->tv_sec < other->tv_sec ? -1 : 1;
    return one->tv_nsec < other->tv_nsec ? -1 : one->tv_nsec > other->tv_nsec;
}

/* Lists entries, the oldest first; returns how many there are. */
static size_t list(DIR *stream, struct entry entries[CLEANED_MAX])
{
    size_t count = 0;
    const struct dirent *found;
    struct stat status;
    while (count < CLEANED_MAX && (found = readdir(stream)) != NULL) {
        if (strlen(found->d_name) != KEY_TEXT_LENGTH ||
            fstatat(dirfd(stream), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        entries[count].when = status.st_mtim;
        memcpy(entries[count++].name, found->d_name, KEY_TEXT_LENGTH + 1);
    }
    qsort(entries, count, sizeof *entries, compare_ages);
    return count;
}

/* Removes old entries, and the oldest if there are too many. The next clean retries what fails. */
static void clean(const char *directory)
{
    static struct entry entries[CLEANED_MAX];
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return;
    size_t count = list(stream, entries);
    time_t limit = time(NULL) - DUPLICATE_SECONDS_MAX;
    for (size_t i = 0; i < count; i++)
        if (entries[i].when.tv_sec < limit || count - i > DUPLICATE_ENTRIES_MAX)
            (void)unlinkat(dirfd(stream), entries[i].name, 0);
    (void)closedir(stream); /* it was only read */
}

/* Makes the entry at once, so that it is there even if we are killed. */
static int make_entry(struct duplicate *duplicate, const struct key *key)
{
    struct place place;
    find_place(duplicate, key, &place);
    int descriptor = open(place.entry, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0)
        return -errno;
    (void)close(descriptor); /* nothing was written */
    remember(duplicate, key);
    return 0;
}

/* Syncs the entry; cleans the directory of one in 16: names are as good as random. */
static int sync_entry(const struct duplicate *duplicate, const struct key *key)
{
    struct place place;
    find_place(duplicate, key, &place);
    int result = sync_path(place.entry, O_WRONLY);
    if (result == 0)
        result = sync_path(place.directory, O_RDONLY | O_DIRECTORY);
    if (key->octets[1] < 16)
        clean(place.directory);
    return result;
}

int duplicate_add(struct duplicate *duplicate, const struct key_content *content,
                  const struct envelope *envelope, unsigned first, unsigned end)
{
    int result = 0;
    if (duplicate->directory == NULL)
        return 0;
    for (unsigned i = first; result == 0 && i < end; i++) {
        struct key key = key_of(content, envelope, i);
        result = duplicate->has[i] ? 0 : make_entry(duplicate, &key);
    }
    for (unsigned i = first; result == 0 && i < end; i++) {
        struct key key = key_of(content, envelope, i);
        result = duplicate->has[i] ? 0 : sync_entry(duplicate, &key);
    }
    return result;
}

void duplicate_close(struct duplicate *duplicate, bool whole)
{
    if (whole)
        duplicate->acknowledgeable = duplicate->count;
    else
        duplicate->count = duplicate->acknowledgeable;
    if (duplicate->locking)
        (void)close(duplicate->lock); /* nothing was written */
    duplicate->locking = false;
}

void duplicate_forget(struct duplicate *duplicate)
{
    for (unsigned i = 0; i < duplicate->acknowledgeable; i++) {
        struct place place;
        find_place(duplicate, &duplicate->keys[i], &place);
        (void)unlink(place.entry); /* else it expires by its age */
    }
    duplicate->count -= duplicate->acknowledgeable;
    memmove(duplicate->keys, duplicate->keys + duplicate->acknowledgeable,
            duplicate->count * sizeof *duplicate->keys);
    duplicate->acknowledgeable = 0;
}
