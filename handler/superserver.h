/*
 * The life of a listener: it lets connections in up to the limits, tells the service manager how it
 * is, and goes when it is asked to, or has nothing to do for long.
 */
#ifndef HANDLER_SUPERSERVER_H
#define HANDLER_SUPERSERVER_H

#include "listener.h"

/* The caller owns its memory, zeros at first but for the listener, and reads none of its fields. */
struct superserver {
    struct listener listener;
    int argc;
    char **argv;
    const struct options *options; /* one of the readings, the newest that made sense */
    struct options readings[2];
    struct session session;    /* tells those who are not let in */
    int64_t idle_since;        /* milliseconds, as all times here */
    int64_t watchdog_interval; /* -1 where nobody watches */
    int64_t watchdog_fed;
    int64_t status_sent;
    uint64_t status_started; /* sessions, when it was sent */
    unsigned status_count;
    unsigned refused;
    int64_t reported_since; /* the second in which so many refusals were reported */
    unsigned reported;
    unsigned unreported; /* since the last that was */
};

/*
 * Serves the sockets that superserver->listener has taken until SIGTERM, and until all sessions
 * have ended then, or until it has been idle for as long as is said. `argv` is what the program was
 * started with, and what it starts itself with; what is wrong there is logged, and told by each
 * session.
 */
void superserver_run(struct superserver *superserver, int argc, char **argv);

#endif
