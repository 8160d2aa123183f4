#include "handler/listener/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/helper.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/wait.h"

enum { KEEPER_SOCKET = 3, KEEPER_RESTART_MILLISECONDS = 1000 };

/* 0, or -errno. */
static int open_sockets(struct keeper *keeper)
{
    int pair[2];
    if (keeper->is_open)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -errno;
    int result = process_move(&pair[0]);
    if (result == 0)
        result = process_move(&pair[1]);
    keeper->ours = pair[0];
    keeper->its = pair[1];
    keeper->is_open = result == 0;
    return result;
}

/* Neither standard input nor output: they may be a socket that listens. 0, or -errno. */
static int start(struct keeper *keeper, bool stderr_is_usable, char *const *environment)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int result = null < 0 ? -errno : process_move(&null);
    const struct process_descriptor descriptors[] = {
        {null, STDIN_FILENO},
        {null, STDOUT_FILENO},
        {keeper->its, KEEPER_SOCKET},
        {null, STDERR_FILENO},
    };
    const struct process_plan plan = {keeper->path,   keeper->files.arguments,  environment,
                                      descriptors,    stderr_is_usable ? 3 : 4, PROCESS_HELPER,
                                      PROCESS_UNRULED};
    if (result == 0)
        result = process_start(&keeper->process, &plan);
    if (null >= 0)
        (void)close(null); /* the keeper has its own */
    keeper->started = clock_milliseconds();
    return result;
}

/* Whether sessions would start relays of their own. */
static bool is_wanted(const struct options *options)
{
    bool speaks = relay_policy(options) != TLS_POLICY_NONE || options->tls == TLS_OPTION_IMPLICIT;
    return speaks && options->tls_relay == NULL && !relay_is_superservers();
}

static void start_or_tell(struct keeper *keeper, bool stderr_is_usable, char *const *environment)
{
    int result = start(keeper, stderr_is_usable, environment);
    if (result < 0)
        log_trouble("%s: %s", keeper->path, process_error(-result));
}

int keeper_begin(struct keeper *keeper, const struct options *options, bool stderr_is_usable,
                 char *const *environment)
{
    struct problem problem;
    pid_t before = keeper->process;
    keeper->process = 0;
    keeper->is_wanted = is_wanted(options);
    if (keeper->is_wanted && (!helper_find("tls-relay", keeper->path, &problem) ||
                              !relay_list_files(&keeper->files, options, true, &problem))) {
        log_trouble("%s; see " PAGE_TLS, problem.text); /* and each session tells it, too */
        keeper->is_wanted = false;
    }
    int result = keeper->is_wanted ? open_sockets(keeper) : 0;
    if (result < 0) {
        log_trouble("a keeper of TLS keys: %s; see " PAGE_KEEPER, process_error(-result));
        keeper->is_wanted = false;
    }
    if (keeper->is_wanted)
        start_or_tell(keeper, stderr_is_usable, environment);
    if (before != 0)
        (void)kill(before, SIGTERM); /* or it has ended */
    return keeper->is_wanted ? keeper->ours : -1;
}

bool keeper_ended(struct keeper *keeper, pid_t process, int status)
{
    if (keeper->process == 0 || process != keeper->process)
        return false;
    if (WIFSIGNALED(status))
        log_trouble("the keeper of TLS keys was ended by signal %d; see " PAGE_KEEPER,
                    WTERMSIG(status));
    else
        log_trouble("the keeper of TLS keys exited with %d; see " PAGE_KEEPER, WEXITSTATUS(status));
    keeper->process = 0;
    return true;
}

int64_t keeper_tend(struct keeper *keeper, int64_t now, bool stderr_is_usable,
                    char *const *environment)
{
    if (!keeper->is_wanted || keeper->process != 0)
        return WAIT_FOREVER;
    int64_t next = keeper->started + KEEPER_RESTART_MILLISECONDS;
    if (now < next)
        return next;
    start_or_tell(keeper, stderr_is_usable, environment);
    return keeper->process != 0 ? WAIT_FOREVER : now + KEEPER_RESTART_MILLISECONDS;
}
