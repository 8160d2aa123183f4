#include "handler/process.h"

#include <errno.h>
#include <fcntl.h>
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

#include "handler/clock.h"
#include "handler/landlock.h"
#include "handler/signals.h"
#include "handler/wait.h"

enum { FIRST_MOVED = 10 };

const char *process_find_fault(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? "no such program" : strerror(errno);
    if (S_ISDIR(status.st_mode))
        return strerror(EISDIR);
    if (access(path, X_OK) == 0 && S_ISREG(status.st_mode))
        return NULL;
    bool is_marked = (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    return is_marked || !S_ISREG(status.st_mode) ? strerror(EACCES) : "not executable (chmod +x)";
}

/*
 * Looks for `name` in the directories of PATH; what is not a program does not end the search. NULL,
 * or why there is none.
 */
static const char *search(const char *name, char path[PROCESS_PATH_MAX])
{
    const char *directories = getenv("PATH"), *fault = "no such program in PATH";
    if (directories == NULL)
        directories = "/usr/local/bin:/usr/bin:/bin";
    while (directories != NULL) {
        size_t end = strcspn(directories, ":");
        int length = snprintf(path, PROCESS_PATH_MAX, "%.*s%s%s", (int)end, directories,
                              end > 0 ? "/" : "", name);
        bool is_file = length > 0 && length < PROCESS_PATH_MAX && access(path, F_OK) == 0;
        const char *found = is_file ? process_find_fault(path) : fault;
        if (found == NULL)
            return NULL;
        fault = found;
        directories = directories[end] == ':' ? directories + end + 1 : NULL;
    }
    return fault;
}

/* What the user may have meant, behind the fault; empty if we do not know. */
static const char *find_hint(const char *name)
{
    if (name[0] == '~' || name[0] == '$')
        return "; no shell replaces ~ or $";
    if (strchr(name, '/') != NULL)
        return "";
    char here[PROCESS_PATH_MAX];
    int length = snprintf(here, sizeof here, "./%s", name);
    bool is_here = length > 0 && length < PROCESS_PATH_MAX && process_find_fault(here) == NULL;
    return is_here ? "; for the one in this directory write ./ in front" : "";
}

bool process_find_program(const char *what, const char *name, char path[PROCESS_PATH_MAX],
                          struct problem *problem)
{
    bool is_path = strchr(name, '/') != NULL;
    int length = snprintf(path, PROCESS_PATH_MAX, "%s", name);
    const char *fault = "no such program";
    if (is_path && length < PROCESS_PATH_MAX)
        fault = process_find_fault(path);
    else if (!is_path && name[0] != '\0')
        fault = search(name, path);
    return fault == NULL ||
           problem_set(problem, EX_CONFIG, "%s %s: %s%s", what, name, fault, find_hint(name));
}

/* What the new process is told, and what it tells us. */
struct child {
    const struct process_plan *plan;
    pid_t parent;
    int error;
};

/* From now on the new process dies with us; false if we are gone already. */
static bool die_with_parent(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool place_descriptors(const struct process_plan *plan)
{
    for (size_t i = 0; i < plan->descriptor_count; i++) {
        int from = plan->descriptors[i].from, to = plan->descriptors[i].to;
        /* Onto itself dup2 would leave it close-on-exec. */
        if (from == to ? fcntl(from, F_SETFD, 0) != 0 : dup2(from, to) < 0)
            return false;
    }
    return true;
}

/*
 * The new process, in our memory, while we stand still until it executes the program. So it calls
 * the kernel and nothing else, and writes nothing but `error`.
 */
static int exec_in_child(void *argument)
{
    struct child *child = argument;
    const struct process_plan *plan = child->plan;
    bool is_session = plan->kind == PROCESS_SESSION;
    if ((plan->kind != PROCESS_COMMAND || setpgid(0, 0) == 0) &&
        (is_session || die_with_parent(child->parent)) && place_descriptors(plan) &&
        signals_restore(is_session) &&
        (plan->rules == PROCESS_UNRULED || landlock_enforce(plan->rules) == 0))
        (void)execve(plan->path, plan->arguments, plan->environment); /* returns if it fails */
    child->error = errno;
    return EX_OSERR;
}

int process_start(pid_t *process, const struct process_plan *plan)
{
    static _Alignas(16) char stack[16 * 1024]; /* of the new process, as long as it is ours */
    struct child child = {.plan = plan, .parent = getpid()};
    pid_t started =
        clone(exec_in_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    if (started < 0)
        return -errno;
    if (child.error != 0) {
        (void)waitpid(started, NULL, 0); /* it has ended */
        return -child.error;
    }
    *process = started;
    return 0;
}

const char *process_error(int error)
{
    return error == EAGAIN ? "too many processes (TasksMax= of the unit, or ulimit -u)"
                           : strerror(error);
}

int process_move(int *descriptor)
{
    int moved = fcntl(*descriptor, F_DUPFD_CLOEXEC, FIRST_MOVED);
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
    int64_t deadline = clock_milliseconds() + timeout;
    while (!process_has_ended(process, status))
        if (wait_until(NULL, 0, deadline) < 0)
            return false;
    return true;
}
