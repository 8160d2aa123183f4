#include "handler/wait.h"

#include <errno.h>
#include <time.h>

#include "handler/clock.h"
#include "handler/signals.h"

int wait_until(struct pollfd *polled, nfds_t count, int64_t deadline)
{
    int64_t left = deadline - clock_milliseconds();
    struct timespec limit = {.tv_sec = (time_t)(left / 1000),
                             .tv_nsec = (long)(left % 1000) * 1000000};
    if (left <= 0)
        return -ETIMEDOUT;
    int ready = ppoll(polled, count, deadline == WAIT_FOREVER ? NULL : &limit, signals_poll_mask());
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    return ready == 0 ? -ETIMEDOUT : ready;
}
