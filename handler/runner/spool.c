#include "handler/runner/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/boundary/record.h"
#include "handler/log.h"
#include "handler/page.h"
#include "session/text/span.h"

struct spool spool_new(const char *directory)
{
    return (struct spool){.directory = directory, .descriptor = -1};
}

/* A file without a name; if the file system has no such files, one that is unlinked. */
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
    if (descriptor < 0) /* the directory is there; in one of /proc nothing can be made */
        return errno == ENOENT ? -EOPNOTSUPP : -errno;
    (void)unlink(path);                /* who may create it may remove it */
    (void)fchmod(descriptor, S_IRUSR); /* and its owner may do this */
    return descriptor;
}

/* The first of the directories named in a variable, as systemd lists them; empty for none. */
static struct span directory_by_variable(const char *variable)
{
    const char *value = getenv(variable);
    if (value == NULL || value[0] != '/')
        return span_empty();
    return (struct span){value, strcspn(value, ":")};
}

/* Opens a file in the first directory that allows it, whose name is put into `place`. */
static int open_file(const struct spool *spool, char place[PATH_MAX])
{
    const struct span places[] = {
        directory_by_variable("RUNTIME_DIRECTORY"),
        directory_by_variable("TMPDIR"),
        span_of("/var/tmp"),
    };
    size_t count = sizeof places / sizeof *places;
    int descriptor = -ENOENT;
    if (spool->directory != NULL) {
        (void)snprintf(place, PATH_MAX, "%s", spool->directory); /* a longer one cannot be opened */
        return open_file_in(spool->directory);
    }
    for (size_t i = 0; descriptor < 0 && i < count; i++) {
        if (places[i].length == 0 || places[i].length >= PATH_MAX)
            continue;
        (void)snprintf(place, PATH_MAX, "%.*s", (int)places[i].length, places[i].octets); /* fits */
        descriptor = open_file_in(place);
    }
    return descriptor;
}

int spool_check(const struct spool *spool, char place[PATH_MAX])
{
    int descriptor = open_file(spool, place);
    if (descriptor < 0)
        return descriptor;
    (void)close(descriptor); /* nothing was written, and it has no name */
    return 0;
}

/* Appends the octets of `from` between `at` and `end`. 0, or -errno. */
static int append(int to, int from, off_t at, off_t end)
{
    while (at < end) {
        ssize_t copied = sendfile(to, from, &at, (size_t)(end - at));
        if (copied == 0)
            return -EIO;
        if (copied < 0 && errno != EINTR)
            return -errno;
    }
    return 0;
}

int spool_move_to_file(struct spool *spool)
{
    char place[PATH_MAX];
    int file = open_file(spool, place);
    if (file < 0)
        return file;
    int result = append(file, spool->descriptor, 0, spool_length(spool));
    if (result < 0) {
        (void)close(file); /* it is given up */
        return result;
    }
    (void)close(spool->descriptor); /* memory has no late errors */
    spool->descriptor = file;
    spool->in_file = true;
    spool->is_fixed = false;
    return 0;
}

#ifndef MFD_NOEXEC_SEAL
enum { MFD_NOEXEC_SEAL = 8 };
#endif

/* Memory that nobody can execute: a client chooses its octets. */
static int create_memory(void)
{
    int memory = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (memory >= 0 || errno != EINVAL)
        return memory;
    /* A kernel before 6.3 gives it all rights. */
    memory = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory >= 0)
        (void)fchmod(memory, S_IRUSR); /* its owner may do this */
    return memory;
}

/* Memory of a fixed size, so that no more can be written. */
static int make_fixed_memory(void)
{
    int memory = create_memory();
    if (memory >= 0 && (ftruncate(memory, SPOOL_MEMORY_MAX) != 0 ||
                        fcntl(memory, F_ADD_SEALS, F_SEAL_GROW) != 0)) {
        (void)close(memory); /* it is given up */
        return -1;
    }
    return memory;
}

/* Begins a message in `memory`, or if that is -1 in a file. 0, or -errno. */
static int begin(struct spool *spool, int memory)
{
    char place[PATH_MAX];
    int descriptor = memory < 0 ? open_file(spool, place) : memory;
    spool->sealed = spool->is_fixed = false;
    spool->error = 0;
    spool->in_file = memory < 0;
    spool->descriptor = descriptor < 0 ? -1 : descriptor;
    return descriptor < 0 ? descriptor : 0;
}

int spool_begin(struct spool *spool)
{
    int result = begin(spool, make_fixed_memory());
    spool->is_fixed = !spool->in_file;
    return result;
}

int spool_begin_empty(struct spool *spool, uint64_t expected)
{
    int result = begin(spool, expected > SPOOL_MEMORY_MAX ? -1 : create_memory());
    /* Its writer may open it again, by the name of its descriptor. */
    if (result == 0)
        (void)fchmod(spool->descriptor, S_IRUSR | S_IWUSR); /* its owner may do this */
    return result;
}

int64_t spool_length(const struct spool *spool)
{
    struct stat status;
    if (fstat(spool->descriptor, &status) != 0)
        return -errno;
    /* The writer shares its file offset with us. */
    off_t length =
        spool->is_fixed && !spool->sealed ? lseek(spool->descriptor, 0, SEEK_CUR) : status.st_size;
    return length < 0 ? -errno : length;
}

int spool_reopen(int message)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", message); /* fits */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

/* For F_SEAL_WRITE the kernel waits for all processors, to see that nobody has it mapped. */
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

/* The kernel grants a read lease only on a file that nobody has open for writing. */
static int end_file(struct spool *spool)
{
    (void)fchmod(spool->descriptor, S_IRUSR); /* its owner may do this */
    int reader = spool_reopen(spool->descriptor);
    if (reader < 0)
        return reader;
    spool->error = close(spool->descriptor) == 0 ? 0 : -errno; /* of a full disk, as late as this */
    spool->descriptor = reader;
    if (spool->error < 0)
        return spool->error;
    if (fcntl(reader, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN ? -ETXTBSY : 0; /* not every file system has leases */
    (void)fcntl(reader, F_SETLEASE, F_UNLCK);  /* nobody can open it again */
    return 0;
}

int spool_seal(struct spool *spool, bool may_be_mapped)
{
    if (spool->error < 0)
        return spool->error;
    int result = spool->in_file ? end_file(spool) : end_memory(spool, may_be_mapped);
    spool->sealed = result == 0;
    return result;
}

int spool_open(const struct spool *spool)
{
    return spool_reopen(spool->descriptor);
}

/* Writes the pieces. 0, or -errno. */
static int write_pieces(int to, int message, const struct spool_piece *pieces, size_t count)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct span octets = pieces[i].octets;
        if (octets.length > 0 && write(to, octets.octets, octets.length) != (ssize_t)octets.length)
            result = -ENOSPC;
        else
            result = append(to, message, pieces[i].from, pieces[i].end);
    }
    return result;
}

int spool_copy(const struct spool *spool, int message, const struct spool_piece *pieces,
               size_t count, uint64_t *length)
{
    struct spool copy = spool_new(spool->directory);
    *length = 0;
    for (size_t i = 0; i < count; i++)
        *length += pieces[i].octets.length + (uint64_t)(pieces[i].end - pieces[i].from);
    int result = spool_begin(&copy);
    if (result == 0 && !copy.in_file && *length > SPOOL_MEMORY_MAX)
        result = spool_move_to_file(&copy);
    if (result == 0)
        result = write_pieces(copy.descriptor, message, pieces, count);
    if (result == 0)
        result = spool_seal(&copy, false);
    if (result == 0)
        result = spool_reopen(copy.descriptor);
    spool_discard(&copy);
    return result;
}

void spool_discard(struct spool *spool)
{
    if (spool->descriptor < 0)
        return;
    /* A process that still has it open keeps no octets. */
    bool is_writer = spool->in_file && !spool->sealed && spool->error == 0;
    if (is_writer && ftruncate(spool->descriptor, 0) != 0)
        log_trouble("spool: ftruncate: %s; see " PAGE_FILE, strerror(errno));
    (void)close(spool->descriptor); /* its octets are not needed any more */
    spool->descriptor = -1;
}
