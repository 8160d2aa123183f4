#include "handler/runner/runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "handler/boundary/boundary.h"
#include "handler/boundary/channel.h"
#include "handler/clock.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/process.h"
#include "handler/runner/operation.h"
#include "handler/signals.h"
#include "handler/wait.h"

/* Passes SIGTERM on to the frontend, once, and limits its time. */
static void pass_on_stop(struct runner *runner)
{
    if (runner->stopped || !signals_stop_pending())
        return;
    const int64_t max = clock_milliseconds() + BOUNDARY_FAREWELL_SECONDS * 1000LL;
    runner->stopped = true;
    if (runner->until > max)
        runner->until = max;
    (void)kill(runner->process, SIGTERM); /* or it has ended */
}

/* Tells the service manager what is going on while we wait for a request. */
static void notify_phase(struct runner *runner)
{
    switch (runner->phase) {
    case RUNNER_PHASE_IDLE:
    case RUNNER_PHASE_SENDER:
    case RUNNER_PHASE_RECIPIENT:
        runner_notify(runner, "waiting for commands");
        break;
    case RUNNER_PHASE_SPOOL:
        runner_notify(runner, "receiving a message");
        break;
    case RUNNER_PHASE_PROXY: /* the client is not known yet */
    case RUNNER_PHASE_EACH:  /* still delivering */
    case RUNNER_PHASE_OVER:
        break;
    }
}

/* Whether the process on the other end of the socket is. */
static bool is_gone(int result)
{
    return result == -EPIPE || result == -ECONNRESET;
}

/* Receives a request that is there. Of a frontend that is gone, only how the connection ended. */
static int receive_now(struct runner *runner, struct request *request)
{
    int result = channel_receive(runner->socket, request, sizeof *request, NULL, 0, MSG_DONTWAIT);
    if (result == -ECONNRESET && !runner->gone) { /* once: it ended without reading an answer */
        runner->gone = true;
        result = channel_receive(runner->socket, request, sizeof *request, NULL, 0, MSG_DONTWAIT);
    }
    return result == 0 && runner->gone && request->operation != OPERATION_END ? -EPIPE : result;
}

/* Waits for a request. 0, or -errno: -EPIPE or -ECONNRESET if the frontend is gone. */
static int receive(struct runner *runner, struct request *request)
{
    struct pollfd polled = {.fd = runner->socket, .events = POLLIN};
    int ready = 0;
    while (ready == 0) {
        pass_on_stop(runner);
        ready = wait_until(&polled, 1, runner->until);
    }
    if (ready < 0)
        return ready;
    return receive_now(runner, request);
}

/* Serves one request. False if there are no more, for `*result` as an -errno, or a violation. */
static bool serve_request(struct runner *runner, int *result)
{
    static struct request request;
    bool is_answered = false;
    notify_phase(runner);
    *result = receive(runner, &request);
    if (*result == -EBADMSG)
        runner->violation = "request of another size";
    else if (*result == 0)
        runner->violation = operation_serve(runner, &request, &is_answered);
    if (*result < 0 || runner->violation != NULL)
        return false;
    pass_on_stop(runner); /* it arrives before the answer */
    if (is_answered)
        *result = channel_send(runner->socket, &runner->answer, sizeof runner->answer,
                               runner->descriptors, runner->descriptor_count, MSG_DONTWAIT);
    operation_after_answer(runner);
    if (*result == -EAGAIN)
        runner->violation = "answers not read";
    if (is_gone(*result)) {
        runner->gone = true;
        *result = 0; /* how it ended is still received */
    }
    explicit_bzero(&request, sizeof request); /* a password is not kept */
    return *result == 0;
}

/* Ends the frontend, if it has not ended, and logs why. */
static void finish(struct runner *runner, int result)
{
    const int64_t grace = 3000; /* milliseconds: it may still write a farewell to its client */
    int status = 0;
    bool expected = runner->phase == RUNNER_PHASE_OVER;
    if (runner->violation != NULL || result == -ETIMEDOUT ||
        !process_wait(runner->process, grace, &status)) {
        (void)kill(runner->process, SIGKILL); /* or it ends just now */
        (void)process_wait(runner->process, grace, &status);
    }
    if (expected)
        return;
    runner->status = EX_SOFTWARE;
    if (runner->violation != NULL)
        log_trouble("protocol violation by the frontend: %s; see " PAGE_SANDBOX, runner->violation);
    else if (result == -ETIMEDOUT)
        log_trouble("the frontend does not end; see " PAGE_SANDBOX);
    else if (!is_gone(result)) /* it may be our signal that it was ended by then */
        log_trouble("the frontend cannot be served: %s", strerror(-result));
    else if (WIFSIGNALED(status))
        log_trouble("the frontend was ended by signal %d; see " PAGE_SANDBOX, WTERMSIG(status));
    else
        log_trouble("the frontend ended: %s", strerror(-result));
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
    runner->transaction.connection = runner->connection;
    runner->transaction.lmtp = runner->options->lmtp;
    while (runner->phase != RUNNER_PHASE_OVER && serve_request(runner, &result))
        ;
    finish(runner, result);
    tls_finish(&runner->tls);
    policy_end(&runner->policy);
    spool_discard(&runner->spool);
    return runner->status;
}
