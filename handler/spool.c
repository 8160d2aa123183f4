#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct spool spool_of(const char *directory)
{
    return (struct spool){.directory = directory, .descriptor = -1};
}

/* A file without a name; where the file system has none such, one whose name is taken away. */
static int open_file_in(const char *directory)
{
    char path[PATH_MAX];
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR);
    if (descriptor >= 0)
        return descriptor;
    if (errno != EOPNOTSUPP && errno != EISDIR)
        return -errno;
    int length = snprintf(path, sizeof path, "%s/smtp-handler.XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    (void)unlink(path);                /* whoever may create it may remove it */
    (void)fchmod(descriptor, S_IRUSR); /* and its owner may do this */
    return descriptor;
}

/* A file in the first of the directories named in a variable, as systemd lists them. */
static int open_file_by_variable(const char *variable)
{
    char directory[PATH_MAX];
    const char *value = getenv(variable);
    if (value == NULL || value[0] != '/')
        return -ENOENT;
    int length = snprintf(directory, sizeof directory, "%.*s", (int)strcspn(value, ":"), value);
    if (length < 0 || (size_t)length >= sizeof directory)
        return -ENAMETOOLONG;
    return open_file_in(directory);
}

static int open_file(const struct spool *spool)
{
    if (spool->directory != NULL)
        return open_file_in(spool->directory);
    int descriptor = open_file_by_variable("RUNTIME_DIRECTORY");
    if (descriptor < 0)
        descriptor = open_file_by_variable("TMPDIR");
    return descriptor >= 0 ? descriptor : open_file_in("/var/tmp");
}

int spool_check(const struct spool *spool)
{
    int descriptor = open_file(spool);
    if (descriptor < 0)
        return descriptor;
    (void)close(descriptor); /* nothing was written */
    return 0;
}

int spool_move_to_file(struct spool *spool)
{
    off_t at = 0;
    int64_t length = spool_length(spool);
    int file = open_file(spool);
    if (file < 0)
        return file;
    while (at < length) {
        ssize_t copied = sendfile(file, spool->descriptor, &at, (size_t)(length - at));
        if (copied == 0 || (copied < 0 && errno != EINTR)) {
            int error = copied == 0 ? -EIO : -errno;
            (void)close(file); /* it is given up */
            return error;
        }
    }
    (void)close(spool->descriptor); /* memory has no late errors */
    spool->descriptor = file;
    spool->in_file = true;
    return 0;
}

int spool_begin(struct spool *spool)
{
    spool->descriptor = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    spool->in_file = spool->descriptor < 0;
    if (!spool->in_file)
        return 0;
    int file = open_file(spool);
    spool->descriptor = file < 0 ? -1 : file;
    return file < 0 ? file : 0;
}

int64_t spool_length(const struct spool *spool)
{
    struct stat status;
    return fstat(spool->descriptor, &status) == 0 ? status.st_size : -errno;
}

int spool_open(const struct spool *spool)
{
    const int read_only = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    char path[64];
    bool sealed = spool->in_file || (fcntl(spool->descriptor, F_GET_SEALS) & F_SEAL_SEAL) != 0;
    if (!sealed && fcntl(spool->descriptor, F_ADD_SEALS, read_only) != 0)
        return -errno;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", spool->descriptor); /* fits */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

void spool_discard(struct spool *spool)
{
    if (spool->descriptor >= 0)
        (void)close(spool->descriptor); /* its octets are of no more use */
    spool->descriptor = -1;
    spool->in_file = false;
}
