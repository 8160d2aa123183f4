#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "signals.h"

enum { FIRST_OF_OURS = 10 };

/* Otherwise errno is EACCES where there is a file that may not be executed. */
static bool is_program(const char *path)
{
    struct stat status;
    errno = 0;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool process_find_program(const char *what, const char *name, char path[PROCESS_PATH_MAX],
                          struct problem *problem)
{
    const char *directories = getenv("PATH");
    if (directories == NULL)
        directories = "/usr/local/bin:/usr/bin:/bin";
    if (strchr(name, '/') != NULL)
        directories = NULL;
    int length = snprintf(path, PROCESS_PATH_MAX, "%s", name);
    if (directories == NULL && length > 0 && length < PROCESS_PATH_MAX && is_program(path))
        return true;
    bool denied = directories == NULL && errno == EACCES;
    while (directories != NULL && *name != '\0') {
        size_t end = strcspn(directories, ":");
        length = snprintf(path, PROCESS_PATH_MAX, "%.*s%s%s", (int)end, directories,
                          end > 0 ? "/" : "", name);
        if (length > 0 && length < PROCESS_PATH_MAX && is_program(path))
            return true;
        denied = denied || errno == EACCES;
        directories = directories[end] == ':' ? directories + end + 1 : NULL;
    }
    return problem_set(problem, EX_CONFIG, "%s %s: %s", what, name,
                       denied ? strerror(EACCES) : "no such program");
}

bool process_check_interpreter(const char *what, const char *path, struct problem *problem)
{
    char line[256]; /* what the kernel looks at; see execve(2) */
    int script = open(path, O_RDONLY | O_CLOEXEC);
    if (script < 0)
        return true; /* one need not be able to read a program */
    ssize_t length = read(script, line, sizeof line - 1);
    (void)close(script); /* it was only read */
    if (length < 2 || memcmp(line, "#!", 2) != 0)
        return true;
    line[length] = '\0';
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    interpreter[strcspn(interpreter, " \t\n")] = '\0';
    return is_program(interpreter) ||
           problem_set(problem, EX_CONFIG, "%s %s: its interpreter %s: %s", what, path, interpreter,
                       strerror(errno != 0 ? errno : EACCES));
}

/* What a new process is made of. */
struct start {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const struct process_descriptor *descriptors;
    size_t count;
    enum process_kind kind;
    pid_t parent;
    int error; /* what the new process tells us */
};

/* From now on it dies with us; false where we are gone already. */
static bool die_with_parent(const struct start *start)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == start->parent;
}

static bool place_descriptors(const struct start *start)
{
    for (size_t i = 0; i < start->count; i++) {
        int ours = start->descriptors[i].ours, its = start->descriptors[i].its;
        /* Onto itself dup2 would leave it close-on-exec. */
        if (ours == its ? fcntl(ours, F_SETFD, 0) != 0 : dup2(ours, its) < 0)
            return false;
    }
    return true;
}

/*
 * The new process, in our memory, while we stand still until it executes the program. So it calls
 * the kernel and nothing else, and writes nothing but `error`.
 */
static int become(void *argument)
{
    struct start *start = argument;
    bool is_command = start->kind == PROCESS_COMMAND;
    if ((!is_command || (setpgid(0, 0) == 0 && die_with_parent(start))) &&
        place_descriptors(start) && signals_restore(start->kind == PROCESS_SESSION))
        (void)execve(start->path, start->arguments, start->environment); /* returns if it fails */
    start->error = errno;
    return EX_OSERR;
}

int process_start(pid_t *process, const char *path, char *const *arguments,
                  char *const *environment, const struct process_descriptor *descriptors,
                  size_t count, enum process_kind kind)
{
    static _Alignas(16) char stack[16 * 1024]; /* of the new process, as long as it is ours */
    struct start start = {path,  arguments, environment, descriptors,
                          count, kind,      getpid(),    .error = 0};
    pid_t started = clone(become, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    if (started < 0)
        return -errno;
    if (start.error != 0) {
        (void)waitpid(started, NULL, 0); /* it has ended */
        return -start.error;
    }
    *process = started;
    return 0;
}

int process_move(int *descriptor)
{
    int moved = fcntl(*descriptor, F_DUPFD_CLOEXEC, FIRST_OF_OURS);
    int error = moved < 0 ? -errno : 0;
    (void)close(*descriptor); /* the copy stays */
    *descriptor = moved;
    return error;
}

bool process_has_ended(pid_t process, int *status)
{
    pid_t ended;
    do
        ended = waitpid(process, status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    return ended == process;
}

bool process_wait(pid_t process, int64_t timeout, int *status)
{
    int64_t until = clock_milliseconds() + timeout;
    int64_t left = timeout;
    while (!process_has_ended(process, status)) {
        struct timespec limit = {.tv_sec = (time_t)(left / 1000),
                                 .tv_nsec = (long)(left % 1000) * 1000000};
        if (left <= 0)
            return false;
        (void)ppoll(NULL, 0, &limit, signals_waiting()); /* the loop looks for itself */
        left = until - clock_milliseconds();
    }
    return true;
}
