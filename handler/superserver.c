#include "superserver.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "hostname.h"
#include "log.h"
#include "report.h"
#include "signals.h"
#include "systemd.h"

/* Reads the options again; where they are wrong those from before stay, at first the defaults. */
static void read_options(struct superserver *superserver)
{
    static char program[] = "smtp-handler", command[] = "true";
    char *defaults[] = {program, command, NULL};
    bool second = superserver->options == &superserver->readings[0];
    struct options *options = &superserver->readings[second ? 1 : 0];
    struct problem problem;
    if (options_read(options, superserver->argc, superserver->argv, &problem)) {
        superserver->options = options;
        return;
    }
    log_trouble("%s", problem.text);
    if (superserver->options == NULL && options_read(options, 2, defaults, &problem))
        superserver->options = options;
}

/* Whether the log shall hear of one more refusal: a flood must not drown what else it holds. */
static bool is_to_be_reported(struct superserver *superserver)
{
    const unsigned most = 10; /* a second */
    int64_t now = clock_milliseconds();
    if (now - superserver->reported_since >= 1000) {
        superserver->reported_since = now;
        superserver->reported = 0;
    }
    return superserver->reported++ < most;
}

/* Says 421 to one who is not let in. Whoever cannot be told at once is not. */
static void turn_away(struct superserver *superserver, const struct listener_arrival *arrival)
{
    const struct options *options = superserver->options;
    struct session *session = &superserver->session;
    struct session_settings settings = {.hostname = span_of(hostname_find(options->hostname)),
                                        .lmtp = options->lmtp};
    session_begin(session, &settings);
    session_end(session, ENDING_TOO_MANY_CONNECTIONS);
    struct span replies = session_replies(session);
    (void)send(arrival->descriptor, replies.octets, replies.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(arrival->descriptor); /* nothing is read from it */
    superserver->refused++;
}

/* `limit` is the option whose limit is reached. */
static void refuse(struct superserver *superserver, const struct listener_arrival *arrival,
                   const char *limit)
{
    if (is_to_be_reported(superserver)) {
        report_limit(&arrival->client, limit, superserver->unreported);
        superserver->unreported = 0;
    } else {
        superserver->unreported++;
    }
    turn_away(superserver, arrival);
}

static void start_session(struct superserver *superserver, const struct listener_arrival *arrival)
{
    int result = listener_start(&superserver->listener, arrival, superserver->argv);
    if (result == 0)
        return;
    if (is_to_be_reported(superserver))
        log_trouble("starting a session: %s", strerror(-result));
    turn_away(superserver, arrival);
}

static void admit(struct superserver *superserver, const struct listener_arrival *arrival)
{
    const struct listener *listener = &superserver->listener;
    const struct options *options = superserver->options;
    if (listener->count >= options->max_connections)
        refuse(superserver, arrival, "max-connections");
    else if (listener_count_network(listener, arrival) >= options->max_connections_per_source)
        refuse(superserver, arrival, "max-connections-per-source");
    else
        start_session(superserver, arrival);
}

/* Tells the service manager how it goes, once a second at most. */
static void send_status(struct superserver *superserver, int64_t now)
{
    const struct listener *listener = &superserver->listener;
    char state[160];
    if (now - superserver->status_sent < 1000)
        return;
    int length =
        snprintf(state, sizeof state, "STATUS=%u sessions, %llu so far, %u refused",
                 listener->count, (unsigned long long)listener->started, superserver->refused);
    if (length > 0)
        systemd_notify(state);
    superserver->status_sent = now;
    superserver->status_started = listener->started;
    superserver->status_count = listener->count;
}

static bool is_status_stale(const struct superserver *superserver)
{
    return superserver->status_started != superserver->listener.started ||
           superserver->status_count != superserver->listener.count;
}

/* Tells the service manager that all is well; returns how long it may take until the next time. */
static int64_t beat(struct superserver *superserver, int64_t now)
{
    int64_t interval = superserver->watchdog_interval;
    if (interval >= 0 && now - superserver->watchdog_fed >= interval / 2) {
        systemd_notify("WATCHDOG=1");
        superserver->watchdog_fed = now;
    }
    if (is_status_stale(superserver))
        send_status(superserver, now);
    int64_t left = is_status_stale(superserver) ? 1000 : -1;
    return interval >= 0 && (left < 0 || interval < left) ? interval : left;
}

/* How long it may be idle yet; -1 for ever. */
static int64_t idle_left(struct superserver *superserver, int64_t now)
{
    int64_t most = (int64_t)superserver->options->idle_exit * 1000;
    if (superserver->listener.count > 0)
        superserver->idle_since = now;
    if (most == 0)
        return -1;
    int64_t left = superserver->idle_since + most - now;
    return left > 0 ? left : 0;
}

/* Reads the options again, with what sd_notify(3) wants said of it. */
static void reload(struct superserver *superserver)
{
    char state[64];
    int length = snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
                          (long long)clock_milliseconds() * 1000);
    if (length > 0)
        systemd_notify(state);
    read_options(superserver);
    systemd_notify("READY=1");
}

/* Waits for one connection, or what else happens; false when it is time to go. */
static bool serve_one(struct superserver *superserver)
{
    struct listener *listener = &superserver->listener;
    struct listener_arrival arrival;
    int64_t now = clock_milliseconds();
    listener_reap(listener);
    int64_t idle = idle_left(superserver, now);
    if (signals_want_stop() || idle == 0)
        return false;
    if (signals_want_reload())
        reload(superserver);
    int64_t timeout = beat(superserver, now);
    int result = listener_wait(
        listener, timeout < 0 || (idle >= 0 && idle < timeout) ? idle : timeout, &arrival);
    if (result > 0) {
        superserver->idle_since = clock_milliseconds();
        admit(superserver, &arrival);
    } else if (result < 0) {
        log_trouble("accepting a connection: %s", strerror(-result));
        (void)poll(NULL, 0, 100); /* until there are descriptors again, or memory */
    }
    return true;
}

/* Running deliveries end and are answered, the other sessions hear 421. */
static void drain(struct superserver *superserver)
{
    struct listener *listener = &superserver->listener;
    struct listener_arrival nobody;
    systemd_notify("STOPPING=1");
    listener_stop(listener);
    while (listener->count > 0) {
        (void)listener_wait(listener, beat(superserver, clock_milliseconds()),
                            &nobody); /* no socket */
        listener_reap(listener);
    }
}

void superserver_run(struct superserver *superserver, int argc, char **argv)
{
    superserver->argc = argc;
    superserver->argv = argv;
    superserver->watchdog_interval = systemd_watchdog_interval();
    superserver->idle_since = clock_milliseconds();
    read_options(superserver);
    systemd_notify("READY=1");
    while (serve_one(superserver))
        ;
    drain(superserver);
}
