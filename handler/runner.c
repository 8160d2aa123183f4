#include "runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "operation.h"
#include "process.h"
#include "signals.h"

void runner_allow_until(struct runner *runner, int64_t time)
{
    const int64_t most = time + RUNNER_FAREWELL_SECONDS * 1000LL;
    if (runner->until < most)
        runner->until = most;
}

/* SIGTERM is for the session process to hear, once. */
static void hand_on_stop(struct runner *runner)
{
    if (!runner->stopped && signals_want_stop()) {
        runner->stopped = true;
        (void)kill(runner->process, SIGTERM); /* or it has ended */
    }
}

/* Waits for a record, or the end of the session process. 0, or -errno. */
static int receive(struct runner *runner, struct request *request)
{
    struct pollfd polled = {.fd = runner->socket, .events = POLLIN};
    int ready = 0;
    while (ready <= 0) {
        int64_t left = runner->until - clock_milliseconds();
        struct timespec limit = {.tv_sec = (time_t)(left / 1000),
                                 .tv_nsec = (long)(left % 1000) * 1000000};
        if (left <= 0)
            return -ETIMEDOUT;
        hand_on_stop(runner);
        ready = ppoll(&polled, 1, &limit, signals_waiting());
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
    return record_receive(runner->socket, request, sizeof *request, NULL, 0, MSG_DONTWAIT);
}

/* Serves one record. False where there are no more, for `*result` as an -errno. */
static bool serve_record(struct runner *runner, int *result)
{
    static struct request request;
    bool answers = false;
    *result = receive(runner, &request);
    if (*result == -EBADMSG)
        runner->wrong = "a record of another size";
    if (*result < 0 || !operation_take(runner, &request, &answers))
        return false;
    hand_on_stop(runner); /* so that it is heard before the answer */
    if (answers)
        *result = record_send(runner->socket, &runner->answer, sizeof runner->answer,
                              runner->descriptors, runner->descriptor_count, MSG_DONTWAIT);
    operation_conclude(runner);
    if (*result == -EAGAIN)
        runner->wrong = "no answer is taken";
    explicit_bzero(&request, sizeof request); /* a password is not kept */
    return *result == 0;
}

/* Ends the session process, if it has not, and says why. */
static void finish(struct runner *runner, int result)
{
    const int64_t grace =
        3000; /* milliseconds: it may say good-bye to a client that it turns away */
    int status = 0;
    bool expected = runner->phase == RUNNER_PHASE_OVER;
    if (runner->wrong != NULL || result == -ETIMEDOUT ||
        !process_wait(runner->process, grace, &status)) {
        (void)kill(runner->process, SIGKILL); /* or it ends just now */
        (void)process_wait(runner->process, grace, &status);
    }
    if (expected)
        return;
    runner->status = EX_SOFTWARE;
    if (runner->wrong != NULL)
        log_trouble("the session process is not to be trusted: %s", runner->wrong);
    else if (result == -ETIMEDOUT)
        log_trouble("the session process does not end");
    else if (WIFSIGNALED(status))
        log_trouble("the session process was ended by signal %d", WTERMSIG(status));
    else
        log_trouble("the session process ended: %s", strerror(-result));
}

int runner_run(struct runner *runner, int socket, pid_t process)
{
    int result = 0;
    runner->socket = socket;
    runner->process = process;
    runner->status = EX_OK;
    runner->until = 0;
    runner_allow_until(runner, runner->began + (int64_t)runner->options->session_timeout * 1000);
    runner->phase = runner->options->proxy_protocol ? RUNNER_PHASE_PROXY : RUNNER_PHASE_IDLE;
    runner->transaction.lmtp = runner->options->lmtp;
    while (runner->phase != RUNNER_PHASE_OVER && serve_record(runner, &result))
        ;
    finish(runner, result);
    tls_finish(&runner->tls);
    spool_discard(&runner->spool);
    return runner->status;
}
