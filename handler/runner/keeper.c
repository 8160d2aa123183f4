#include "handler/runner/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/boundary/channel.h"
#include "handler/clock.h"
#include "handler/process.h"
#include "handler/relay.h"
#include "handler/signals.h"
#include "handler/wait.h"

enum { CROWDED_MILLISECONDS = 20 };

bool keeper_is_used(const struct options *options)
{
    return options->tls_relay != NULL || relay_keeper() >= 0;
}

/* A socket to the keeper at `path`, or -errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    int keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (keeper < 0 || connect(keeper, (struct sockaddr *)&address, sizeof address) == 0)
        return keeper < 0 ? -errno : keeper;
    int result = -errno;
    (void)close(keeper); /* nothing was sent */
    return result;
}

/* The kernel wakes nobody when fewer of a user's descriptors are on the way. 0, or -errno. */
static int wait_for_others(int64_t deadline)
{
    int64_t later = clock_milliseconds() + CROWDED_MILLISECONDS;
    int ready = later < deadline ? wait_until(NULL, 0, later) : -ETIMEDOUT;
    return ready == -ETIMEDOUT && later < deadline ? 0 : ready;
}

/* 0, or -errno. */
static int request(int keeper, const int *descriptors, size_t count, int64_t deadline)
{
    struct pollfd polled = {.fd = keeper, .events = POLLOUT};
    int result = -EAGAIN;
    while (result == -EAGAIN || result == -ETOOMANYREFS) {
        int ready = result == -ETOOMANYREFS ? wait_for_others(deadline) : 0;
        if (ready == 0)
            ready = signals_stop_pending() ? -EINTR : wait_until(&polled, 1, deadline);
        if (ready < 0)
            return ready;
        result = channel_send(keeper, ".", 1, descriptors, count, MSG_DONTWAIT);
    }
    return result;
}

bool keeper_ask(const struct options *options, const int *descriptors, size_t count,
                int64_t deadline, struct problem *problem)
{
    const char *path = options->tls_relay;
    int keeper = path != NULL ? connect_to(path) : relay_keeper();
    int result = keeper < 0 ? keeper : request(keeper, descriptors, count, deadline);
    if (path != NULL && keeper >= 0)
        (void)close(keeper); /* the request is sent, or not */
    if (result == 0)
        return true;
    (void)problem_set(problem, EX_OSERR, "%s: %s", path != NULL ? path : "the keeper of TLS keys",
                      process_error(-result)); /* is false */
    return path != NULL && options_blame(options, &options->tls_relay, NULL, problem);
}
