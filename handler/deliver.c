#include "deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
#include "process.h"
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

/* Reads what the command says until it has ended; false where it has not in time. */
static bool follow(pid_t pid, int64_t timeout, struct outputs *outputs, int *status)
{
    int64_t until = clock_milliseconds() + timeout;
    int64_t left = timeout;
    while (!process_has_ended(pid, status)) {
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
    pid_t pid = -1;
    int status;
    const struct process_descriptor descriptors[] = {
        {message, STDIN_FILENO},
        {delivery->outputs.standard.commands, STDOUT_FILENO},
        {delivery->outputs.error.commands, STDERR_FILENO},
    };
    int result = template_expand(command, facts, &arguments);
    if (result == 0)
        result = facts_export(facts, &environment);
    if (result == 0)
        result = process_start(&pid, path, arguments.arguments, environment.variables, descriptors,
                               3, PROCESS_COMMAND);
    outputs_close_commands(&delivery->outputs);
    if (result < 0)
        conclude(delivery, VERDICT_MISCONFIGURED, "not executed: %s", strerror(-result));
    else if (follow(pid, timeout, &delivery->outputs, &status) ||
             cut_short(pid, &delivery->outputs, &status))
        conclude_from_status(delivery, status);
    else
        conclude(delivery, VERDICT_DEFERRED, "timeout");
}

void deliver_skip(struct delivery *delivery, enum verdict verdict, const char *text)
{
    *delivery = (struct delivery){.verdict = verdict};
    delivery->outputs.text_length = strlen(text);
    memcpy(delivery->outputs.text, text, strlen(text));
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
