/*
 * The life of a listener: it lets connections in up to the limits, tells the service manager its
 * status, and ends on SIGTERM, or if it has been idle for long.
 */
#ifndef HANDLER_LISTENER_H
#define HANDLER_LISTENER_H

#include "handler/listener/keeper.h"
#include "handler/listener/sockets.h"

/* The caller owns its memory, zeros at first but for the sockets, and reads none of its fields. */
struct listener {
    struct sockets sockets;
    struct keeper keeper;
    int argc;
    char **argv;
    const struct options *options; /* the last valid set */
    struct options option_sets[2];
    int64_t idle_since;        /* milliseconds, as all times here */
    int64_t watchdog_interval; /* -1 if nobody watches */
    int64_t watchdog_fed;
    int64_t status_sent;
    uint64_t status_started; /* sessions, when it was sent */
    unsigned status_count;
    unsigned refused;
    int64_t reported_since; /* the second in which so many refusals were logged */
    unsigned reported;
    unsigned unreported; /* since the last that was */
};

/*
 * Serves the sockets that listener->sockets has taken until SIGTERM, or until it has been idle for
 * --idle-exit, and then until all sessions have ended. `argv` is what the program was started with,
 * and what it starts itself with; an error in it is logged, and each session tells it, too.
 */
void listener_run(struct listener *listener, int argc, char **argv);

#endif
