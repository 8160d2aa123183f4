/*
 * Makes clients with wrong passwords wait: 1, 2, 4 seconds within a session, and up to 8 if a
 * listener counts those of the client's network over all its sessions. A try waits for the failures
 * before it until it is checked, right or wrong, so that silence tells nothing; a wrong one waits
 * on until its own time is over. It is the answer that waits, not the next try.
 */
#ifndef HANDLER_VERDICT_PENALTY_H
#define HANDLER_VERDICT_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

/* A try. Times are those of clock_milliseconds. */
struct penalty {
    int64_t began;
    int64_t until; /* no wait goes on after it */
    int asker;     /* a socket: if its other end is closed, nobody wants the answer */
};

/*
 * Waits until the time for `failures`, of the session, or for those `of_network` if they are more,
 * has passed since the try began. False if SIGTERM came before, or nobody wants the answer now.
 */
bool penalty_wait(const struct penalty *penalty, unsigned failures, unsigned of_network);

#endif
