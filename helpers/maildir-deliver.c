/*
 * maildir-deliver DIRECTORY: a delivery command that writes the message on standard input to a
 * Maildir, which it makes if it is missing. It exits 0 only if the message and its directory entry
 * are on disk, and 75 after any trouble, with nothing left of the message. It removes what killed
 * deliveries left in tmp/ after 36 hours, as maildir(5) wants, unless tmp/ is a link. A DIRECTORY
 * that begins with a hyphen is taken for an option, which there are none of but --help.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static int trouble(const char *what)
{
    const char *see = errno == EROFS ? "; see smtp-handler-units(7), READ-ONLY FILES" : "";
    fprintf(stderr, "maildir-deliver: %s: %s%s\n", what, strerror(errno), see);
    return EX_TEMPFAIL;
}

static bool sync_and_close(int descriptor)
{
    bool synced = fsync(descriptor) == 0;
    return close(descriptor) == 0 && synced;
}

/* Makes the directory `path` if it is missing. */
static bool make_directory(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST;
}

/* Syncs the entries of a directory, also those of another delivery that has not synced yet. */
static bool sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory >= 0 && sync_and_close(directory);
}

/* Syncs the parent directory, or if we may not open that, the whole file system. */
static bool sync_above(void)
{
    if (sync_directory(".."))
        return true;
    int directory = errno == EACCES ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return directory >= 0 && syncfs(directory) == 0 && close(directory) == 0;
}

/* Enters the Maildir `path`, and makes it if it is missing. */
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

/* A unique name: the time, the process, and 64 random bits. */
static bool make_name(char *name, size_t size)
{
    struct timespec now;
    uint64_t random;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        getrandom(&random, sizeof random, 0) != sizeof random)
        return false;
    int length = snprintf(name, size, "%lld.M%06ldP%ldR%016llx.smtp-handler", (long long)now.tv_sec,
                          now.tv_nsec / 1000, (long)getpid(), (unsigned long long)random);
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
    (void)unlinkat(tmp, name, 0); /* the first error is reported */
    errno = error;
    return false;
}

/* Moves the message from tmp/ to new/; it appears there whole or not at all. */
static bool publish(int tmp, int new, const char *name)
{
    int error;
    if (renameat(tmp, name, new, name) != 0) {
        error = errno;
        (void)unlinkat(tmp, name, 0); /* the first error is reported */
    } else {
        if (fsync(new) == 0)
            return true;
        error = errno;
        (void)unlinkat(new, name, 0); /* so that a retry makes no duplicate */
    }
    errno = error;
    return false;
}

enum {
    LITTER_SECONDS = 36 * 3600, /* maildir(5) */
    LITTER_ENTRIES_MAX = 1000   /* a delivery looks at; the next one goes on */
};

/* The time that a delivery put in front of the name, at least 9 digits and a dot; -1 if none. */
static long long time_in(const char *name)
{
    enum { TIME_DIGITS_MIN = 9 };
    size_t digits = strspn(name, "0123456789");
    return digits >= TIME_DIGITS_MIN && name[digits] == '.' ? strtoll(name, NULL, 10) : -1;
}

/*
 * Whether a killed delivery left the file in tmp/. The time in the name spares us stat(2) for most
 * files, and keeps a new file with the time stamps of an old message.
 */
static bool is_litter(int tmp, const char *name, time_t now)
{
    struct stat status;
    long long began = time_in(name);
    if (began < 0 || began > now - LITTER_SECONDS)
        return false;
    return fstatat(tmp, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           status.st_mtime <= now - LITTER_SECONDS && status.st_atime <= now - LITTER_SECONDS;
}

/*
 * Opens tmp/ to clean it, if it is a directory of the Maildir's owner: a link may lead to the files
 * of others. A descriptor, or -1.
 */
static int open_to_clean(void)
{
    struct stat maildir, status;
    int tmp = open("tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tmp < 0)
        return -1;
    if (stat(".", &maildir) == 0 && fstat(tmp, &status) == 0 && maildir.st_uid == status.st_uid)
        return tmp;
    (void)close(tmp); /* nothing was done with it */
    return -1;
}

/* Removes litter from tmp/. The message is on disk already, so errors do not matter. */
static void clean(void)
{
    time_t now = time(NULL);
    int tmp = open_to_clean();
    DIR *stream = tmp < 0 ? NULL : fdopendir(tmp);
    if (stream == NULL)
        return;
    const struct dirent *entry;
    for (unsigned i = 0; i < LITTER_ENTRIES_MAX && (entry = readdir(stream)) != NULL; i++)
        if (is_litter(tmp, entry->d_name, now))
            (void)unlinkat(tmp, entry->d_name, 0); /* or another delivery has done it */
    (void)closedir(stream);                        /* it was only read */
}

static const char usage[] = "usage: maildir-deliver DIRECTORY\n";

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int help(void)
{
    printf("%s\nWrites the message on standard input to the Maildir DIRECTORY, which it makes if\n"
           "it is missing. Exits 0 when the message is on disk, 75 after any trouble; see\n"
           "maildir-deliver(8).\n",
           usage);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

int main(int argc, char **argv)
{
    int tmp, new;
    char name[128];
    (void)signal(SIGXFSZ, SIG_IGN); /* EFBIG says the same, and lets us clean up */
    if (argc == 2 && is_help(argv[1]))
        return help();
    if (argc != 2 || argv[1][0] == '\0' || argv[1][0] == '-') {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (!enter_maildir(argv[1]) || (tmp = open("tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        (new = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return trouble(argv[1]);
    if (!make_name(name, sizeof name) || !write_message(tmp, name) || !publish(tmp, new, name))
        return trouble(name);
    clean();
    return EX_OK;
}
