#include "handler/verdict/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/confine.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/process.h"
#include "handler/signals.h"
#include "handler/wait.h"

enum {
    PROGRAM_INPUT = 3,
    PROGRAM_REPORT = 4, /* what its sandbox lacks */
    PROGRAM_MILLISECONDS = 60000,
    TIME_DIGITS = 8,  /* hexadecimal, up to the year 2106 */
    MESSAGE_MAX = 512 /* octets that a checkpassword program reads */
};

_Static_assert(AUTH_NAME_MAX + AUTH_PASSWORD_MAX + TIME_DIGITS + 3 <= MESSAGE_MAX,
               "write_credentials has no other bounds");

/* Name, password and time, each ended by a NUL. */
static int write_credentials(int pipe, struct credentials credentials)
{
    char message[MESSAGE_MAX];
    int length = snprintf(message, sizeof message, "%.*s%c%.*s%c", (int)credentials.user.length,
                          credentials.user.octets, '\0', (int)credentials.password.length,
                          credentials.password.octets, '\0');
    size_t used = (size_t)length;
    length = snprintf(message + used, sizeof message - used, "%x", (unsigned)time(NULL));
    used += (size_t)length + 1;
    ssize_t written = write(pipe, message, used);
    explicit_bzero(message, sizeof message);
    return written == (ssize_t)used ? 0 : -errno;
}

/* Starts the program with its pipe filled, and `report` to write to. 0, or -errno. */
static int start(pid_t *process, const char *path, char *const *program,
                 struct credentials credentials, int null, int report)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    int result = process_move(&ends[0]);
    if (result == 0)
        result = write_credentials(ends[1], credentials);
    (void)close(ends[1]); /* a pipe has no late errors */
    const struct process_descriptor descriptors[] = {
        {null, STDIN_FILENO},
        {null, STDOUT_FILENO},
        {ends[0], PROGRAM_INPUT},
        {report, PROGRAM_REPORT},
    };
    const struct process_plan plan = {path, program,         environ,        descriptors,
                                      4,    PROCESS_COMMAND, PROCESS_UNRULED};
    if (result == 0)
        result = process_start(process, &plan);
    (void)close(ends[0]); /* the program has its own */
    return result;
}

/* The same, with all that it needs; what it reports is to be read from `report`. 0, or -errno. */
static int launch(pid_t *process, const char *path, const struct options *options,
                  struct credentials credentials, int *report)
{
    const char *sandbox = options->no_sandbox        ? "off"
                          : options->require_sandbox ? "required"
                                                     : "on";
    int ends[2];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int result = null < 0 || setenv("SMTP_HANDLER_SANDBOX", sandbox, 1) != 0 ? -errno : 0;
    if (result == 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        result = -errno;
    if (result == 0) {
        *report = ends[0];
        result = process_move(&ends[1]);
        if (result == 0)
            result = start(process, path, options->auth, credentials, null, ends[1]);
        (void)close(ends[1]); /* the program has its own, or it is closed already */
    }
    if (null >= 0)
        (void)close(null); /* likewise */
    return result;
}

static enum verdict verdict_of(const char *path, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return VERDICT_ACCEPTED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        return VERDICT_REFUSED;
    log_trouble("password program %s: %s %d; AUTH is deferred; see " PAGE_USERS, path,
                WIFEXITED(status) ? "exit" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return VERDICT_DEFERRED;
}

/* Waits for the program; false if it takes too long, or SIGTERM came. */
static bool wait_for_end(pid_t process, int *status)
{
    int64_t deadline = clock_milliseconds() + PROGRAM_MILLISECONDS;
    while (!process_has_ended(process, status))
        if (signals_stop_pending() || wait_until(NULL, 0, deadline) < 0)
            return false;
    return true;
}

/* The first octet counts: it was written before anything of the client was read. */
static void read_report(int report, unsigned *missing)
{
    unsigned char parts;
    if (read(report, &parts, 1) == 1) /* other programs do not report */
        *missing |= parts & CONFINE_PARTS;
    (void)close(report); /* it was only read */
}

static enum verdict wait_for_verdict(pid_t process, const char *path)
{
    int status;
    if (wait_for_end(process, &status))
        return verdict_of(path, status);
    log_trouble("password program %s: %s; AUTH is deferred; see " PAGE_USERS, path,
                signals_stop_pending() ? "cut off" : "timeout");
    (void)kill(-process, SIGKILL);              /* or it has just ended */
    (void)kill(process, SIGKILL);               /* it may have left its group */
    (void)process_wait(process, 1000, &status); /* it is gone, or not to be ended */
    return VERDICT_DEFERRED;
}

enum verdict password_verdict(const char *path, const struct options *options,
                              struct credentials credentials, unsigned *missing)
{
    enum verdict verdict = VERDICT_DEFERRED;
    pid_t process = -1;
    int report = -1;
    int result = launch(&process, path, options, credentials, &report);
    if (result < 0)
        log_trouble("password program %s: %s; AUTH is deferred; see " PAGE_USERS, path,
                    process_error(-result));
    else
        verdict = wait_for_verdict(process, path);
    if (report >= 0)
        read_report(report, missing);
    return verdict;
}
