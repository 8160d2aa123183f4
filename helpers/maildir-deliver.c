/*
 * maildir-deliver DIRECTORY: a delivery command that writes the message on standard input to a
 * Maildir, which it makes when it is missing. It exits 0 only when the message and its directory
 * entry are on disk, and 75 after any trouble; then nothing of the message is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static int trouble(const char *what)
{
    fprintf(stderr, "maildir-deliver: %s: %s\n", what, strerror(errno));
    return EX_TEMPFAIL;
}

static bool sync_and_close(int descriptor)
{
    bool synced = fsync(descriptor) == 0;
    return close(descriptor) == 0 && synced;
}

/* Makes the directory `path` unless it is there. */
static bool make_directory(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST;
}

/* Syncs the entries of a directory, whoever made them: another delivery may not have come so far.
 */
static bool sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory >= 0 && sync_and_close(directory);
}

/* Syncs the directory above; where that may not be opened, the file system that both are in. */
static bool sync_above(void)
{
    if (sync_directory(".."))
        return true;
    int directory = errno == EACCES ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return directory >= 0 && syncfs(directory) == 0 && close(directory) == 0;
}

/* Enters the Maildir `path`, made when it is missing. */
static bool enter_maildir(const char *path)
{
    static const char *const parts[] = {"tmp", "new", "cur"};
    if (!make_directory(path) || chdir(path) != 0)
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!make_directory(parts[i]))
            return false;
    return sync_directory(".") && sync_above();
}

/* No message ever had this name: the time, the process, and 64 bits by chance. */
static bool make_name(char *name, size_t size)
{
    struct timespec now;
    uint64_t chance;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return false;
    int length = snprintf(name, size, "%lld.M%06ldP%ldR%016llx.smtp-handler", (long long)now.tv_sec,
                          now.tv_nsec / 1000, (long)getpid(), (unsigned long long)chance);
    return length > 0 && (size_t)length < size;
}

static bool write_all(int to, const char *octets, size_t length)
{
    while (length > 0) {
        ssize_t written = write(to, octets, length);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            octets += written;
            length -= (size_t)written;
        }
    }
    return true;
}

static bool copy(int from, int to)
{
    static char octets[64 * 1024];
    ssize_t length;
    while ((length = read(from, octets, sizeof octets)) != 0) {
        if (length < 0 && errno != EINTR)
            return false;
        if (length > 0 && !write_all(to, octets, (size_t)length))
            return false;
    }
    return true;
}

/* Writes the message to tmp/NAME and to the disk. */
static bool write_message(int tmp, const char *name)
{
    int file = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0)
        return false;
    bool copied = copy(STDIN_FILENO, file);
    int error = errno;
    bool synced = sync_and_close(file);
    if (copied && synced)
        return true;
    error = copied ? errno : error;
    (void)unlinkat(tmp, name, 0); /* the first error is the one to tell */
    errno = error;
    return false;
}

/* Moves the message from tmp/ to new/: it is there whole, or not at all. */
static bool publish(int tmp, int new, const char *name)
{
    int error;
    if (renameat(tmp, name, new, name) != 0) {
        error = errno;
        (void)unlinkat(tmp, name, 0); /* the first error is the one to tell */
    } else {
        if (fsync(new) == 0)
            return true;
        error = errno;
        (void)unlinkat(new, name, 0); /* so that a later try makes no second one */
    }
    errno = error;
    return false;
}

int main(int argc, char **argv)
{
    int tmp, new;
    char name[128];
    (void)signal(SIGXFSZ, SIG_IGN); /* EFBIG tells the same, and leaves time to clean up */
    if (argc != 2 || argv[1][0] == '\0') {
        fputs("usage: maildir-deliver DIRECTORY\n", stderr);
        return EX_USAGE;
    }
    if (!enter_maildir(argv[1]) || (tmp = open("tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        (new = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return trouble(argv[1]);
    if (!make_name(name, sizeof name) || !write_message(tmp, name) || !publish(tmp, new, name))
        return trouble(name);
    return EX_OK;
}
