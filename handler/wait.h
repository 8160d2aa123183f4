/*
 * Waits for descriptors or a process: the one place that lets signals in (signals.h).
 */
#ifndef HANDLER_WAIT_H
#define HANDLER_WAIT_H

#include <poll.h>
#include <stdint.h>

#define WAIT_FOREVER INT64_MAX

/*
 * Waits until one of `polled` is ready, a signal comes, or it is `deadline`, in clock_milliseconds,
 * or WAIT_FOREVER. Returns how many are ready, 0 if a signal came, -ETIMEDOUT after the deadline,
 * whatever is ready then, or -errno.
 */
int wait_until(struct pollfd *polled, nfds_t count, int64_t deadline);

#endif
