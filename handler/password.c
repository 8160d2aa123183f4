#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "process.h"
#include "signals.h"

enum {
    PROGRAM_INPUT = 3,
    PROGRAM_MILLISECONDS = 60000,
    TIME_DIGITS = 8,  /* hexadecimal, up to the year 2106 */
    MESSAGE_MAX = 512 /* octets that a checkpassword program reads */
};

_Static_assert(AUTH_NAME_MAX + AUTH_PASSWORD_MAX + TIME_DIGITS + 3 <= MESSAGE_MAX,
               "write_credentials has no other bounds");

/* Name, password and time, a NUL behind each. */
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

/* Starts the program with its pipe filled. 0, or -errno. */
static int start(pid_t *process, const char *path, char *const *program,
                 struct credentials credentials, int null)
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
    };
    if (result == 0)
        result = process_start(process, path, program, environ, descriptors, 3, PROCESS_COMMAND);
    (void)close(ends[0]); /* the program has its own */
    return result;
}

static enum verdict judge_status(const char *path, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return VERDICT_ACCEPTED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        return VERDICT_REFUSED;
    log_trouble("password program %s: %s %d", path, WIFEXITED(status) ? "exit" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return VERDICT_DEFERRED;
}

/* Waits for the program; false where it takes too long, or where we shall stop. */
static bool wait_for(pid_t process, int *status)
{
    int64_t until = clock_milliseconds() + PROGRAM_MILLISECONDS;
    while (!process_has_ended(process, status)) {
        int64_t left = until - clock_milliseconds();
        struct timespec limit = {.tv_sec = (time_t)(left / 1000),
                                 .tv_nsec = (long)(left % 1000) * 1000000};
        if (left <= 0 || signals_want_stop())
            return false;
        (void)ppoll(NULL, 0, &limit, signals_waiting()); /* the loop looks for itself */
    }
    return true;
}

enum verdict password_judge(const char *path, char *const *program, struct credentials credentials)
{
    pid_t process = -1;
    int status;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int result = null < 0 ? -errno : start(&process, path, program, credentials, null);
    if (null >= 0)
        (void)close(null); /* the program has its own */
    if (result < 0) {
        log_trouble("password program %s: %s", path, strerror(-result));
        return VERDICT_DEFERRED;
    }
    if (wait_for(process, &status))
        return judge_status(path, status);
    log_trouble("password program %s: %s", path, signals_want_stop() ? "cut off" : "timeout");
    (void)kill(-process, SIGKILL);              /* or it has just ended */
    (void)kill(process, SIGKILL);               /* it may have left its group */
    (void)process_wait(process, 1000, &status); /* it is gone, or not to be ended */
    return VERDICT_DEFERRED;
}
