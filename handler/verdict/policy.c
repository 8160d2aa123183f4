#include "handler/verdict/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/socket-address.h"
#include "handler/verdict/policy-question.h"
#include "handler/wait.h"

enum { ASK_MILLISECONDS = 10000, CROWDED_MILLISECONDS = 20 };

void policy_begin(struct policy *policy, const char *name)
{
    policy->name = name;
    policy->socket = -1;
    policy->is_reported = false;
    policy->silent = 0;
}

void policy_end(struct policy *policy)
{
    if (policy->socket >= 0)
        (void)close(policy->socket); /* all was read, or does not count */
    policy->socket = -1;
}

/* Waits until the socket is ready for `events`. 0, or -errno. */
static int wait_for(int socket, short events, int64_t deadline)
{
    struct pollfd polled = {.fd = socket, .events = events};
    int ready = 0;
    while (ready == 0) /* a signal came */
        ready = wait_until(&polled, 1, deadline);
    return ready < 0 ? ready : 0;
}

/* The kernel tells nobody when a Unix socket takes connections again. 0, or -errno. */
static int wait_a_moment(int64_t deadline)
{
    int64_t later = clock_milliseconds() + CROWDED_MILLISECONDS;
    int result = wait_until(NULL, 0, later < deadline ? later : deadline);
    return result == -ETIMEDOUT && later < deadline ? 0 : result;
}

/* 0, or -errno. */
static int finish_connecting(int socket, int64_t deadline)
{
    int error = 0;
    socklen_t length = sizeof error;
    int result = wait_for(socket, POLLOUT, deadline);
    if (result == 0 && getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        result = -errno;
    return result == 0 ? -error : result;
}

/* 0, or -errno. */
static int connect_to(int socket, const union socket_address *address, int64_t deadline)
{
    int result = -EAGAIN;
    while (result == -EAGAIN) {
        result = connect(socket, &address->any, socket_address_length(address)) == 0 ? 0 : -errno;
        if (result == -EAGAIN && (result = wait_a_moment(deadline)) == 0)
            result = -EAGAIN;
    }
    return result == -EINPROGRESS ? finish_connecting(socket, deadline) : result;
}

/* Opens a connection. 0, or -errno. */
static int open_connection(struct policy *policy, int64_t deadline)
{
    union socket_address address;
    if (!socket_address_parse(&address, policy->name))
        return -EINVAL; /* as no option can be */
    policy->socket = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (policy->socket < 0)
        return -errno;
    int result = connect_to(policy->socket, &address, deadline);
    if (result < 0)
        policy_end(policy);
    return result;
}

/* 0, or -errno. */
static int send_question(int socket, struct span question, int64_t deadline)
{
    while (question.length > 0) {
        ssize_t sent = send(socket, question.octets, question.length, MSG_NOSIGNAL);
        int result = sent < 0 ? -errno : 0;
        if (result == -EAGAIN)
            result = wait_for(socket, POLLOUT, deadline);
        if (result < 0)
            return result;
        question = span_after(question, sent < 0 ? 0 : (size_t)sent);
    }
    return 0;
}

/* Receives an answer, `*length` octets of those received. 0, or -errno. */
static int receive_answer(struct policy *policy, int64_t deadline, size_t *received, size_t *length)
{
    int end = 0;
    *received = 0;
    while (end == 0) {
        int result = wait_for(policy->socket, POLLIN, deadline);
        if (result < 0)
            return result;
        ssize_t more =
            recv(policy->socket, policy->octets + *received, POLICY_ANSWER_MAX - *received, 0);
        if (more <= 0)
            return more == 0 ? -EPIPE : -errno;
        *received += (size_t)more;
        end = policy_answer_find_end((struct span){policy->octets, *received});
        if (end == 0 && *received == POLICY_ANSWER_MAX)
            return -EBADMSG;
    }
    *length = end > 0 ? (size_t)end : 0;
    return end < 0 ? end : 0;
}

/* Asks over the connection, or a new one. 0, or -errno, without a connection then. */
static int exchange(struct policy *policy, struct span question, int64_t deadline, size_t *length)
{
    size_t received = 0;
    int result = policy->socket < 0 ? open_connection(policy, deadline) : 0;
    if (result == 0)
        result = send_question(policy->socket, question, deadline);
    if (result == 0)
        result = receive_answer(policy, deadline, &received, length);
    if (result < 0 || received > *length) /* what follows would answer the next question */
        policy_end(policy);
    return result;
}

/* Leaves a connection that the server has closed since the last answer, or on which it spoke. */
static void leave_stale(struct policy *policy)
{
    struct pollfd polled = {.fd = policy->socket, .events = POLLIN};
    if (policy->socket >= 0 && poll(&polled, 1, 0) != 0)
        policy_end(policy);
}

static const char *describe(int error)
{
    if (error == EPIPE || error == ECONNRESET)
        return "it closed the connection without an answer";
    return error == ETIMEDOUT ? "no answer in 10 seconds"
           : error == EBADMSG ? "what it answers is no answer of the protocol"
                              : strerror(error);
}

/* systemd's units leave sockets of Unix alone. */
static const char *page_of(int error)
{
    return error == EAFNOSUPPORT ? PAGE_NETWORK : PAGE_POLICY;
}

void policy_ask(struct policy *policy, const struct transaction *transaction,
                const struct mailbox *recipient, struct policy_answer *answer)
{
    static char octets[POLICY_QUESTION_MAX];
    struct text question = {octets, 0, sizeof octets};
    int64_t deadline = clock_milliseconds() + ASK_MILLISECONDS;
    size_t length = 0;
    *answer = (struct policy_answer){.verdict = VERDICT_DEFERRED};
    answer->action = answer->text = span_empty();
    if (policy->silent == transaction->number)
        return;
    policy_question_write(transaction, recipient, &question);
    leave_stale(policy);
    int result = exchange(policy, text_span(&question), deadline, &length);
    if (result < 0 && result != -ETIMEDOUT)
        result = exchange(policy, text_span(&question), deadline, &length);
    if (result == 0) {
        policy_answer_parse((struct span){policy->octets, length}, answer);
        return;
    }
    policy->silent = result == -ETIMEDOUT ? transaction->number : policy->silent;
    if (!policy->is_reported)
        log_trouble("policy server %s: %s; recipients are deferred; see %s", policy->name,
                    describe(-result), page_of(-result));
    policy->is_reported = true;
}

bool policy_check(const char *name, struct problem *problem)
{
    struct policy policy;
    policy_begin(&policy, name);
    int result = open_connection(&policy, clock_milliseconds() + ASK_MILLISECONDS);
    policy_end(&policy);
    if (result == 0)
        return true;
    (void)problem_set(problem, EX_OK, "%s: %s; recipients would be deferred", name,
                      describe(-result)); /* is false */
    problem->page = page_of(-result);
    return false;
}
