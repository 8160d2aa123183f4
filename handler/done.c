#include "done.h"

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
    NAME_LENGTH = 2 * SHA256_OCTETS,
    BELOW_MAX = sizeof "/12/" + NAME_LENGTH, /* octets behind the directory */
    CLEANED_MAX = 1024                       /* entries looked at at once */
};

/* The names of an entry and of the directory that it is in. */
struct place {
    char directory[PATH_MAX];
    char entry[PATH_MAX];
};

static void find_place(const struct done *done, const struct done_key *key, struct place *place)
{
    char name[NAME_LENGTH + 1];
    for (size_t i = 0; i < SHA256_OCTETS; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", key->octets[i]); /* fits, as the others do */
    (void)snprintf(place->directory, PATH_MAX, "%s/%.2s", done->directory, name);
    (void)snprintf(place->entry, PATH_MAX, "%s/%.2s/%s", done->directory, name, name);
}

static int make_directory(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST ? 0 : -errno;
}

int done_check(const char *directory)
{
    if (strlen(directory) >= PATH_MAX - BELOW_MAX)
        return -ENAMETOOLONG;
    int result = make_directory(directory);
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return result < 0 ? result : -errno;
    (void)close(descriptor); /* it was only looked at */
    return access(directory, R_OK | W_OK | X_OK) == 0 ? 0 : -errno;
}

/* Reads all of the message but our trace. */
static int digest(struct done *done, int message, off_t at)
{
    static char octets[64 * 1024];
    struct sha256 hash;
    ssize_t length;
    sha256_begin(&hash);
    do {
        length = pread(message, octets, sizeof octets, at);
        if (length < 0 && errno != EINTR)
            return -errno;
        if (length > 0)
            sha256_add(&hash, octets, (size_t)length);
        at += length > 0 ? length : 0;
    } while (length != 0);
    sha256_end(&hash, done->message.octets);
    done->digested = true;
    return 0;
}

static void add_address(struct sha256 *hash, const struct mailbox *mailbox)
{
    struct span whole = mailbox_whole(mailbox);
    sha256_add(hash, whole.octets, whole.length);
    sha256_add(hash, "", 1);
}

static struct done_key key_of(const struct done *done, const struct envelope *envelope,
                              unsigned recipient)
{
    struct mailbox mailbox = envelope_recipient(envelope, recipient);
    struct sha256 hash;
    struct done_key key = {{0}};
    sha256_begin(&hash);
    add_address(&hash, &envelope->sender);
    add_address(&hash, &mailbox);
    sha256_add(&hash, done->message.octets, SHA256_OCTETS);
    sha256_end(&hash, key.octets);
    return key;
}

/* So that it can be forgotten when the client has heard of it; else it only stays for its time. */
static void remember(struct done *done, const struct done_key *key)
{
    if (done->count < ENVELOPE_RECIPIENTS_MAX)
        done->keys[done->count++] = *key;
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
    return status->st_mtime < time(NULL) - DONE_SECONDS_MAX;
}

static int open_lock(struct done *done)
{
    char path[PATH_MAX];
    if (done->locking)
        return 0;
    (void)snprintf(path, sizeof path, "%s/lock", done->directory); /* fits: done_check */
    done->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    done->locking = done->lock >= 0;
    return done->locking ? 0 : -errno;
}

/* Until the message is settled, or this process ends. 0, or -errno. */
static int lock(struct done *done, const struct done_key *key)
{
    struct flock place = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int result = open_lock(done);
    if (result < 0)
        return result;
    for (size_t i = 0; i < 7; i++)
        place.l_start = place.l_start << 8 | key->octets[i];
    if (fcntl(done->lock, F_OFD_SETLK, &place) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EALREADY : -errno;
}

/* 1 where there is an entry, 0 where there is none, for which the directory is there; or -errno. */
static int look_for(const struct done *done, const struct done_key *key)
{
    struct place place;
    struct stat status;
    find_place(done, key, &place);
    if (stat(place.entry, &status) == 0) {
        if (!is_old(&status))
            return 1;
        (void)unlink(place.entry); /* else it is written anew */
        return 0;
    }
    if (errno != ENOENT)
        return -errno;
    int result = mkdir(place.directory, S_IRWXU) == 0
                     ? sync_path(done->directory, O_RDONLY | O_DIRECTORY)
                     : -errno;
    return result == -EEXIST ? 0 : result;
}

int done_look(struct done *done, int message, size_t trace, const struct envelope *envelope,
              unsigned first, unsigned end)
{
    int having = 0;
    if (done->directory == NULL)
        return 0;
    int result = done->digested ? 0 : digest(done, message, (off_t)trace);
    for (unsigned i = first; result >= 0 && i < end; i++) {
        struct done_key key = key_of(done, envelope, i);
        result = lock(done, &key);
        if (result == 0)
            result = look_for(done, &key);
        done->has[i] = result == 1;
        if (done->has[i])
            remember(done, &key);
        having += done->has[i] ? 1 : 0;
    }
    return result < 0 ? result : having;
}

bool done_has(const struct done *done, unsigned recipient)
{
    return done->has[recipient];
}

struct entry {
    struct timespec when;
    char name[NAME_LENGTH + 1];
};

static int compare_ages(const void *a, const void *b)
{
    const struct timespec *one = &((const struct entry *)a)->when;
    const struct timespec *other = &((const struct entry *)b)->when;
    if (one->tv_sec != other->tv_sec)
        return one->tv_sec < other->tv_sec ? -1 : 1;
    return one->tv_nsec < other->tv_nsec ? -1 : one->tv_nsec > other->tv_nsec;
}

/* Lists entries, the oldest first; how many there are. */
static size_t list(DIR *stream, struct entry entries[CLEANED_MAX])
{
    size_t count = 0;
    const struct dirent *found;
    struct stat status;
    while (count < CLEANED_MAX && (found = readdir(stream)) != NULL) {
        if (strlen(found->d_name) != NAME_LENGTH ||
            fstatat(dirfd(stream), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        entries[count].when = status.st_mtim;
        memcpy(entries[count++].name, found->d_name, NAME_LENGTH + 1);
    }
    qsort(entries, count, sizeof *entries, compare_ages);
    return count;
}

/* Takes away what is too old, and the oldest of too many. What fails is for whoever comes next. */
static void clean(const char *directory)
{
    static struct entry entries[CLEANED_MAX];
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return;
    size_t count = list(stream, entries);
    time_t limit = time(NULL) - DONE_SECONDS_MAX;
    for (size_t i = 0; i < count; i++)
        if (entries[i].when.tv_sec < limit || count - i > DONE_ENTRIES_MAX)
            (void)unlinkat(dirfd(stream), entries[i].name, 0);
    (void)closedir(stream); /* it was only read */
}

/* Makes the entry, at once: who kills us from now on changes nothing. */
static int make_entry(struct done *done, const struct done_key *key)
{
    struct place place;
    find_place(done, key, &place);
    int descriptor = open(place.entry, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0)
        return -errno;
    (void)close(descriptor); /* nothing was written */
    remember(done, key);
    return 0;
}

/* Makes it last; and cleans around one of 16, by chance: names are as good as random. */
static int keep_entry(const struct done *done, const struct done_key *key)
{
    struct place place;
    find_place(done, key, &place);
    int result = sync_path(place.entry, O_WRONLY);
    if (result == 0)
        result = sync_path(place.directory, O_RDONLY | O_DIRECTORY);
    if (key->octets[1] < 16)
        clean(place.directory);
    return result;
}

int done_add(struct done *done, const struct envelope *envelope, unsigned first, unsigned end)
{
    int result = 0;
    if (done->directory == NULL)
        return 0;
    for (unsigned i = first; result == 0 && i < end; i++) {
        struct done_key key = key_of(done, envelope, i);
        result = done->has[i] ? 0 : make_entry(done, &key);
    }
    for (unsigned i = first; result == 0 && i < end; i++) {
        struct done_key key = key_of(done, envelope, i);
        result = done->has[i] ? 0 : keep_entry(done, &key);
    }
    return result;
}

void done_settle(struct done *done, bool whole)
{
    if (whole)
        done->settled = done->count;
    else
        done->count = done->settled;
    done->digested = false;
    if (done->locking)
        (void)close(done->lock); /* nothing was written */
    done->locking = false;
}

void done_forget(struct done *done)
{
    for (unsigned i = 0; i < done->settled; i++) {
        struct place place;
        find_place(done, &done->keys[i], &place);
        (void)unlink(place.entry); /* else it stays for its time */
    }
    done->count -= done->settled;
    memmove(done->keys, done->keys + done->settled, done->count * sizeof *done->keys);
    done->settled = 0;
}
