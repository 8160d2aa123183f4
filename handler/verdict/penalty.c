#include "handler/verdict/penalty.h"

#include <errno.h>

#include "handler/signals.h"
#include "handler/wait.h"

/* Milliseconds for so many failures: twice as long for each, up to a limit. */
static int64_t time_for(unsigned failures)
{
    int64_t time = failures > 0 ? 1000 : 0;
    for (unsigned i = 1; i < failures && time < 8000; i++)
        time *= 2;
    return time;
}

bool penalty_wait(const struct penalty *penalty, unsigned failures, unsigned of_network)
{
    struct pollfd asker = {.fd = penalty->asker}; /* POLLHUP comes unasked */
    int64_t deadline = penalty->began + time_for(of_network > failures ? of_network : failures);
    int result;
    if (penalty->until < deadline)
        deadline = penalty->until;
    do
        result = wait_until(&asker, 1, deadline);
    while (result == 0 && !signals_stop_pending());
    return result == -ETIMEDOUT;
}
