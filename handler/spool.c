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

/* Memory of a fixed size, so that not more is written to it. */
static int make_memory(void)
{
    int memory = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory >= 0 && (ftruncate(memory, SPOOL_MEMORY_MAX) != 0 ||
                        fcntl(memory, F_ADD_SEALS, F_SEAL_GROW) != 0)) {
        (void)close(memory); /* it is given up */
        return -1;
    }
    return memory;
}

int spool_begin(struct spool *spool)
{
    spool->ended = false;
    spool->descriptor = make_memory();
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
    if (fstat(spool->descriptor, &status) != 0)
        return -errno;
    /* Who writes shares the place to write at with us. */
    off_t length =
        spool->in_file || spool->ended ? status.st_size : lseek(spool->descriptor, 0, SEEK_CUR);
    return length < 0 ? -errno : length;
}

static int reopen(const struct spool *spool)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", spool->descriptor); /* fits */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

/* With F_SEAL_WRITE the kernel waits for all processors, to see that nobody has it mapped. */
static bool seal(int memory, bool may_be_mapped)
{
    const int others = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (!may_be_mapped && fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | others) == 0)
        return true; /* a kernel before 5.1 does not know it */
    return fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | others) == 0;
}

static int end_memory(const struct spool *spool, bool may_be_mapped)
{
    int64_t length = spool_length(spool);
    if (length < 0)
        return (int)length;
    bool sealed =
        ftruncate(spool->descriptor, length) == 0 && seal(spool->descriptor, may_be_mapped);
    return sealed ? 0 : -errno;
}

/* A lease for reading can be had of a file that nobody has open for writing. */
static int end_file(struct spool *spool)
{
    int reader = reopen(spool);
    if (reader < 0)
        return reader;
    (void)close(spool->descriptor); /* nothing was written through it but in spool_move_to_file */
    spool->descriptor = reader;
    if (fcntl(reader, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN ? -ETXTBSY : 0; /* not every file system has leases */
    (void)fcntl(reader, F_SETLEASE, F_UNLCK);  /* nobody can open it anew */
    return 0;
}

int spool_end(struct spool *spool, bool may_be_mapped)
{
    int result = spool->in_file ? end_file(spool) : end_memory(spool, may_be_mapped);
    spool->ended = result == 0;
    return result;
}

int spool_open(const struct spool *spool)
{
    return reopen(spool);
}

void spool_discard(struct spool *spool)
{
    if (spool->descriptor < 0)
        return;
    if (spool->in_file && !spool->ended)
        (void)ftruncate(spool->descriptor, 0); /* who still has it open keeps no octets */
    (void)close(spool->descriptor);            /* its octets are of no more use */
    spool->descriptor = -1;
}
