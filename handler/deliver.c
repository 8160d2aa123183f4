#include "deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "signals.h"
#include "template.h"

/* sysexits.h, and qmail-command(8) for 100 and more. All other statuses defer. */
static const struct {
    int status;
    enum verdict verdict;
} exits[] = {
    {EX_OK, VERDICT_ACCEPTED},
    {EX_USAGE, VERDICT_MISCONFIGURED},
    {EX_DATAERR, VERDICT_BAD_CONTENT},
    {EX_NOUSER, VERDICT_UNKNOWN_MAILBOX},
    {EX_NOHOST, VERDICT_UNKNOWN_DOMAIN},
    {EX_UNAVAILABLE, VERDICT_UNAVAILABLE},
    {EX_OSFILE, VERDICT_MISCONFIGURED},
    {EX_CANTCREAT, VERDICT_MAILBOX_TROUBLE},
    {EX_PROTOCOL, VERDICT_PROTOCOL_TROUBLE},
    {EX_NOPERM, VERDICT_NOT_PERMITTED},
    {EX_CONFIG, VERDICT_MISCONFIGURED},
    {100, VERDICT_REFUSED},
    {112, VERDICT_REFUSED},
};

static enum verdict verdict_of(int status)
{
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        if (exits[i].status == status)
            return exits[i].verdict;
    return VERDICT_DEFERRED;
}

/* Otherwise errno is EACCES where there is a file that may not be executed. */
static bool is_program(const char *path)
{
    struct stat status;
    errno = 0;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool deliver_find_program(const char *name, char path[DELIVER_PATH_MAX], struct problem *problem)
{
    const char *directories = getenv("PATH");
    if (directories == NULL)
        directories = "/usr/local/bin:/usr/bin:/bin";
    if (strchr(name, '/') != NULL)
        directories = NULL;
    int length = snprintf(path, DELIVER_PATH_MAX, "%s", name);
    if (directories == NULL && length > 0 && length < DELIVER_PATH_MAX && is_program(path))
        return true;
    bool denied = directories == NULL && errno == EACCES;
    while (directories != NULL && *name != '\0') {
        size_t end = strcspn(directories, ":");
        length = snprintf(path, DELIVER_PATH_MAX, "%.*s%s%s", (int)end, directories,
                          end > 0 ? "/" : "", name);
        if (length > 0 && length < DELIVER_PATH_MAX && is_program(path))
            return true;
        denied = denied || errno == EACCES;
        directories = directories[end] == ':' ? directories + end + 1 : NULL;
    }
    return problem_set(problem, EX_CONFIG, "delivery command %s: %s", name,
                       denied ? strerror(EACCES) : "no such program");
}

bool deliver_check_interpreter(const char *path, struct problem *problem)
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
           problem_set(problem, EX_CONFIG, "delivery command %s: its interpreter %s: %s", path,
                       interpreter, strerror(errno != 0 ? errno : EACCES));
}

/* What the command's process is like before it is executed. 0, or an errno. */
static int describe(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int message,
                    const struct outputs *outputs)
{
    int error = posix_spawn_file_actions_adddup2(actions, message, STDIN_FILENO);
    if (error == 0)
        error =
            posix_spawn_file_actions_adddup2(actions, outputs->standard.commands, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, outputs->error.commands, STDERR_FILENO);
    if (error == 0)
        error = signals_restore(attributes, POSIX_SPAWN_SETPGROUP, false);
    return error;
}

/* Starts the program. 0, or an errno. */
static int spawn(pid_t *pid, const char *path, char *const *arguments, char *const *variables,
                 int message, const struct outputs *outputs)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = describe(&actions, &attributes, message, outputs);
        if (error == 0)
            error = posix_spawn(pid, path, &actions, &attributes, arguments, variables);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Waits until something is to be read, a signal came, or the time is over. */
static void wait_for_news(const struct outputs *outputs, int64_t timeout)
{
    struct pollfd polled[] = {
        {.fd = outputs->standard.ours, .events = POLLIN},
        {.fd = outputs->error.ours, .events = POLLIN},
    };
    struct timespec limit = {.tv_sec = (time_t)(timeout / 1000),
                             .tv_nsec = (long)(timeout % 1000) * 1000000};
    (void)ppoll(polled, 2, &limit, signals_waiting()); /* its caller looks for itself */
}

static bool has_ended(pid_t pid, int *status)
{
    pid_t ended;
    do
        ended = waitpid(pid, status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    return ended == pid;
}

/* Reads what the command says until it has ended; false where it has not in time. */
static bool follow(pid_t pid, int64_t timeout, struct outputs *outputs, int *status)
{
    int64_t until = clock_milliseconds() + timeout;
    int64_t left = timeout;
    while (!has_ended(pid, status)) {
        if (left <= 0)
            return false;
        wait_for_news(outputs, left);
        outputs_read(outputs);
        left = until - clock_milliseconds();
    }
    return true;
}

/*
 * Kills the command, whatever group it has made itself part of. True where it had exited by itself
 * all the same, so that its status counts. One that may not be killed is left to itself.
 */
static bool cut_short(pid_t pid, struct outputs *outputs, int *status)
{
    const int64_t grace = 1000;
    bool killed = kill(-pid, SIGKILL) == 0;
    killed = kill(pid, SIGKILL) == 0 || killed;
    bool ended = follow(pid, grace, outputs, status);
    if (!ended)
        log_trouble("the delivery command, process %ld, %s", (long)pid,
                    killed ? "does not end though killed" : "may not be killed");
    return ended && WIFEXITED(*status);
}

__attribute__((format(printf, 3, 4))) static void
conclude(struct delivery *delivery, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(delivery->ended, sizeof delivery->ended, format, arguments); /* may be cut */
    va_end(arguments);
    delivery->verdict = verdict;
}

static void conclude_from_status(struct delivery *delivery, int status)
{
    if (WIFEXITED(status))
        conclude(delivery, verdict_of(WEXITSTATUS(status)), "exit %d", WEXITSTATUS(status));
    else
        conclude(delivery, VERDICT_DEFERRED, "signal %d", WTERMSIG(status));
}

/* Spawns the command and follows it; `delivery` tells how it went. */
static void run(const char *path, char *const *command, const struct facts *facts, int message,
                int64_t timeout, struct delivery *delivery)
{
    static struct template_arguments arguments;
    static struct facts_environment environment;
    pid_t pid;
    int status;
    int error = -template_expand(command, facts, &arguments);
    if (error == 0)
        error = -facts_export(facts, &environment);
    if (error == 0)
        error = spawn(&pid, path, arguments.arguments, environment.variables, message,
                      &delivery->outputs);
    outputs_close_commands(&delivery->outputs);
    if (error != 0)
        conclude(delivery, VERDICT_MISCONFIGURED, "not executed: %s", strerror(error));
    else if (follow(pid, timeout, &delivery->outputs, &status) ||
             cut_short(pid, &delivery->outputs, &status))
        conclude_from_status(delivery, status);
    else
        conclude(delivery, VERDICT_DEFERRED, "timeout");
}

void deliver_run(const char *path, char *const *command, const struct facts *facts, int message,
                 int64_t timeout, struct delivery *delivery)
{
    int64_t start = clock_milliseconds();
    int result = outputs_open(&delivery->outputs, facts->values[FACT_TRANSACTION_ID]);
    if (result == 0)
        run(path, command, facts, message, timeout, delivery);
    else
        conclude(delivery, VERDICT_MISCONFIGURED, "not executed: %s", strerror(-result));
    outputs_close(&delivery->outputs);
    delivery->milliseconds = clock_milliseconds() - start;
}
