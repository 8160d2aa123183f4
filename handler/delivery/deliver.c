#include "handler/delivery/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/delivery/template.h"
#include "handler/log.h"
#include "handler/process.h"
#include "handler/wait.h"

/* The delivery command has the outputs alone. */
static const struct deliver_ends nowhere = {-1, -1, 0, NULL};

/* As in qmail-command(8): accept the message, and keep nothing. */
enum { STATUS_DISCARDED = 99 };

/* sysexits.h, and qmail-command(8) for 99 and more. All other statuses defer. */
static const struct {
    int status;
    enum verdict verdict;
} exits[] = {
    {EX_OK, VERDICT_ACCEPTED},
    {STATUS_DISCARDED, VERDICT_ACCEPTED},
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

/* Reads the command's outputs until it has ended; false if it has not in time. */
static bool wait_for_command(pid_t pid, int64_t timeout, struct outputs *outputs, int *status)
{
    int64_t deadline = clock_milliseconds() + timeout;
    while (!process_has_ended(pid, status)) {
        struct pollfd polled[] = {
            {.fd = outputs->standard.read_end, .events = POLLIN}, /* -1 once it has ended */
            {.fd = outputs->error.read_end, .events = POLLIN},
        };
        if (wait_until(polled, 2, deadline) < 0)
            return false;
        outputs_read(outputs);
    }
    return true;
}

/*
 * Kills the command, in whichever process group it is. True if it had exited by itself, so that its
 * status counts. A command that we may not kill is left alone.
 */
static bool kill_command(const struct command *command, pid_t pid, struct outputs *outputs,
                         int *status)
{
    const int64_t grace = 1000;
    bool killed = kill(-pid, SIGKILL) == 0;
    killed = kill(pid, SIGKILL) == 0 || killed;
    bool ended = wait_for_command(pid, grace, outputs, status);
    if (!ended)
        log_trouble("the %s, process %ld, %s", command->what, (long)pid,
                    killed ? "does not end though killed" : "may not be killed");
    return ended && WIFEXITED(*status);
}

__attribute__((format(printf, 3, 4))) static void
set_outcome(struct delivery *delivery, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(delivery->ended, sizeof delivery->ended, format, arguments); /* may be cut */
    va_end(arguments);
    delivery->verdict = verdict;
    delivery->discarded = false;
}

static void set_outcome_from_status(struct delivery *delivery, int status)
{
    if (WIFEXITED(status))
        set_outcome(delivery, verdict_of(WEXITSTATUS(status)), "exit %d", WEXITSTATUS(status));
    else
        set_outcome(delivery, VERDICT_DEFERRED, "signal %d", WTERMSIG(status));
    delivery->discarded = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DISCARDED;
}

/* Whether the command, which has ended, left processes behind in its group. */
static bool is_group_left(pid_t pid)
{
    return kill(-pid, 0) == 0 || errno == EPERM;
}

/* Waits for the command, and kills it when its time is over; `delivery` gets the outcome. */
static void finish(const struct command *command, pid_t pid, int64_t timeout,
                   struct delivery *delivery)
{
    int status;
    bool has_ended = wait_for_command(pid, timeout, &delivery->outputs, &status);
    delivery->left = has_ended && is_group_left(pid);
    if (has_ended || kill_command(command, pid, &delivery->outputs, &status))
        set_outcome_from_status(delivery, status);
    else
        set_outcome(delivery, VERDICT_DEFERRED, "timeout");
}

/* Starts a process that may write into a file up to `file_max` octets; 0: as many as we may. */
static int start(pid_t *pid, const struct process_plan *plan, uint64_t file_max)
{
    struct rlimit ours;
    if (file_max == 0)
        return process_start(pid, plan);
    if (getrlimit(RLIMIT_FSIZE, &ours) != 0)
        return -errno;
    struct rlimit theirs = ours;
    if (theirs.rlim_cur > file_max)
        theirs.rlim_cur = file_max;
    if (setrlimit(RLIMIT_FSIZE, &theirs) != 0)
        return -errno;
    int result = process_start(pid, plan);
    (void)setrlimit(RLIMIT_FSIZE, &ours); /* what it was is allowed */
    return result;
}

/* Starts the command and waits for it; `delivery` gets the outcome. */
static void run(const struct command *command, const struct attributes *attributes, int message,
                int64_t timeout, int rules, const struct deliver_ends *ends,
                struct delivery *delivery)
{
    static struct strings arguments, environment;
    pid_t pid = -1;
    const struct process_descriptor descriptors[] = {
        {message, STDIN_FILENO},
        {delivery->outputs.standard.write_end, STDOUT_FILENO},
        {delivery->outputs.error.write_end, STDERR_FILENO},
        {ends->message, STDERR_FILENO + 1},
        {ends->edits, STDERR_FILENO + 2},
    };
    int result = template_expand(command->words, attributes, &arguments);
    if (result == 0)
        result = attributes_export(attributes, &environment);
    const struct process_plan plan = {command->path, arguments.list,           environment.list,
                                      descriptors,   ends == &nowhere ? 3 : 5, PROCESS_COMMAND,
                                      rules};
    if (result == 0)
        result = start(&pid, &plan, ends->file_max);
    outputs_close_write_ends(&delivery->outputs);
    if (result < 0)
        set_outcome(delivery, VERDICT_MISCONFIGURED, "not executed: %s", process_error(-result));
    else
        finish(command, pid, timeout, delivery);
}

void deliver_skip(struct delivery *delivery, enum verdict verdict, struct span text)
{
    *delivery = (struct delivery){.verdict = verdict};
    delivery->outputs.text_length = text.length;
    memcpy(delivery->outputs.text, text.octets, text.length);
}

void deliver_defer(struct delivery *delivery)
{
    if (delivery->discarded || verdict_outcome(delivery->verdict) == OUTCOME_REFUSED)
        delivery->verdict = VERDICT_DEFERRED;
    delivery->discarded = false;
}

void deliver_filter(const struct command *command, const struct attributes *attributes, int message,
                    int64_t timeout, int rules, const struct deliver_ends *ends,
                    struct delivery *delivery)
{
    int64_t start_time = clock_milliseconds();
    delivery->left = false;
    int result = outputs_open(&delivery->outputs, attributes->values[ATTRIBUTE_TRANSACTION_ID]);
    delivery->outputs.fields = ends->fields;
    if (ends != &nowhere)
        delivery->outputs.filter = span_of(command->words[0]);
    if (result == 0)
        run(command, attributes, message, timeout, rules, ends, delivery);
    else
        set_outcome(delivery, VERDICT_MISCONFIGURED, "not executed: %s", strerror(-result));
    delivery->left = outputs_close(&delivery->outputs) || delivery->left;
    delivery->milliseconds = clock_milliseconds() - start_time;
}

void deliver_run(const struct command *command, const struct attributes *attributes, int message,
                 int64_t timeout, int rules, struct delivery *delivery)
{
    deliver_filter(command, attributes, message, timeout, rules, &nowhere, delivery);
}
