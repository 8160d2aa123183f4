#include "handler/listener/listener.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/connection.h"
#include "handler/log.h"
#include "handler/process.h"
#include "handler/signals.h"
#include "handler/systemd.h"
#include "handler/wait.h"

/* Reads the options again; if they are wrong, those from before stay, at first the defaults. */
static void read_options(struct listener *listener)
{
    bool second = listener->options == &listener->option_sets[0];
    struct options *options = &listener->option_sets[second ? 1 : 0];
    static struct problems problems;
    problems = (struct problems){0};
    options_read(options, listener->argc, listener->argv, &problems);
    if (!problems_allow(&problems)) {
        log_trouble("%s; see %s", problems.error.text, problems.error.page);
        if (listener->options != NULL)
            return;
        static char program[] = "smtp-handler", command[] = "true";
        static char *defaults[] = {program, command, NULL};
        options_read(options, 2, defaults, &problems);
    }
    listener->options = options;
}

/* Whether to log one more refusal: a flood must not drown what else the log holds. */
static bool may_report(struct listener *listener)
{
    const unsigned max = 10; /* a second */
    int64_t now = clock_milliseconds();
    if (now - listener->reported_since >= 1000) {
        listener->reported_since = now;
        listener->reported = 0;
    }
    return listener->reported++ < max;
}

/* Sends 421 if that needs no waiting. */
static void turn_away(struct listener *listener, const struct sockets_arrival *arrival)
{
    char line[REPLY_LINE_MAX];
    struct span reply = reply_write(line, REPLY_TOO_MANY_CONNECTIONS,
                                    span_of(connection_hostname(listener->options->hostname)));
    (void)send(arrival->descriptor, reply.octets, reply.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(arrival->descriptor); /* nothing is read from it */
    listener->refused++;
}

static void report(struct listener *listener, const struct endpoint *client, const char *limit,
                   unsigned max)
{
    static struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_LIMIT);
    log_add(&event, "client", span_of(client->text));
    log_add(&event, "limit", span_of(limit));
    log_add_number(&event, "max", max);
    if (listener->unreported > 0)
        log_add_number(&event, "unreported", listener->unreported);
    log_send(&event);
    listener->unreported = 0;
}

/* `limit` is the option whose limit is reached, and `max` its value. */
static void refuse(struct listener *listener, const struct sockets_arrival *arrival,
                   const char *limit, unsigned max)
{
    if (may_report(listener))
        report(listener, &arrival->client, limit, max);
    else
        listener->unreported++;
    turn_away(listener, arrival);
}

static void start_session(struct listener *listener, const struct sockets_arrival *arrival)
{
    int result = sockets_start(&listener->sockets, arrival, listener->argv);
    if (result == 0)
        return;
    if (may_report(listener))
        log_trouble("starting a session: %s", process_error(-result));
    turn_away(listener, arrival);
}

static void admit(struct listener *listener, const struct sockets_arrival *arrival)
{
    const struct sockets *sockets = &listener->sockets;
    const struct options *options = listener->options;
    if (sockets->session_count >= options->max_connections)
        refuse(listener, arrival, "max-connections", options->max_connections);
    else if (sockets_are_full_of(sockets, arrival, options->max_connections_per_source))
        refuse(listener, arrival, "max-connections-per-source",
               options->max_connections_per_source);
    else
        start_session(listener, arrival);
}

/* Tells the sessions whether three quarters of the connections are taken, by more than one. */
static void tell_sessions(struct listener *listener)
{
    struct sockets *sockets = &listener->sockets;
    uint64_t count = sockets->session_count, max = listener->options->max_connections;
    ledger_set_crowded(&sockets->ledger, count > 1 && 4 * count >= 3 * max);
}

/* Tells the service manager the status, at most once a second. */
static void send_status(struct listener *listener, int64_t now)
{
    const struct sockets *sockets = &listener->sockets;
    char state[160];
    if (now - listener->status_sent < 1000)
        return;
    int length =
        snprintf(state, sizeof state, "STATUS=%u sessions, %llu so far, %u refused",
                 sockets->session_count, (unsigned long long)sockets->started, listener->refused);
    if (length > 0)
        systemd_notify(state);
    listener->status_sent = now;
    listener->status_started = sockets->started;
    listener->status_count = sockets->session_count;
}

static bool is_status_stale(const struct listener *listener)
{
    return listener->status_started != listener->sockets.started ||
           listener->status_count != listener->sockets.session_count;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Feeds the watchdog and sends the status; returns when it must again, or WAIT_FOREVER. */
static int64_t feed_watchdog(struct listener *listener, int64_t now)
{
    int64_t interval = listener->watchdog_interval;
    if (interval >= 0 && now - listener->watchdog_fed >= interval / 2) {
        systemd_notify("WATCHDOG=1");
        listener->watchdog_fed = now;
    }
    if (is_status_stale(listener))
        send_status(listener, now);
    int64_t next = is_status_stale(listener) ? now + 1000 : WAIT_FOREVER;
    return interval >= 0 ? earlier(next, now + interval) : next;
}

/* When the listener will have been idle for --idle-exit, or WAIT_FOREVER. */
static int64_t idle_until(struct listener *listener, int64_t now)
{
    int64_t max = (int64_t)listener->options->idle_exit * 1000;
    if (listener->sockets.session_count > 0)
        listener->idle_since = now;
    return max > 0 ? listener->idle_since + max : WAIT_FOREVER;
}

/* Starts a keeper of keys as the options have it, and hands it to sessions. */
static void begin_keeping(struct listener *listener)
{
    struct sockets *sockets = &listener->sockets;
    sockets_hand_keeper(sockets, keeper_begin(&listener->keeper, listener->options,
                                              sockets->stderr_is_usable, sockets->environment));
}

/* Takes note of the processes that have ended. */
static void reap(struct listener *listener)
{
    int status;
    pid_t process;
    while ((process = sockets_reap(&listener->sockets, &status)) != 0)
        (void)keeper_ended(&listener->keeper, process, status); /* or it was one from before */
}

/* What must be done now and then; returns when it must again, or WAIT_FOREVER. */
static int64_t tend(struct listener *listener, int64_t now)
{
    const struct sockets *sockets = &listener->sockets;
    return earlier(
        feed_watchdog(listener, now),
        keeper_tend(&listener->keeper, now, sockets->stderr_is_usable, sockets->environment));
}

/* Reads the options again, and says so as sd_notify(3) has it. */
static void reload(struct listener *listener)
{
    char state[64];
    int length = snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
                          (long long)clock_milliseconds() * 1000);
    if (length > 0)
        systemd_notify(state);
    read_options(listener);
    begin_keeping(listener);
    systemd_notify("READY=1");
}

/* Waits for one connection, a signal or time; false when it is time to end. */
static bool serve_one(struct listener *listener)
{
    struct sockets *sockets = &listener->sockets;
    struct sockets_arrival arrival;
    int64_t now = clock_milliseconds();
    reap(listener);
    int64_t end = idle_until(listener, now);
    if (signals_stop_pending() || now >= end)
        return false;
    if (signals_reload_caught())
        reload(listener);
    tell_sessions(listener);
    int result = sockets_wait(sockets, earlier(end, tend(listener, now)), &arrival);
    if (result > 0) {
        listener->idle_since = clock_milliseconds();
        admit(listener, &arrival);
    } else if (result < 0) {
        log_trouble("accepting a connection: %s", strerror(-result));
        (void)poll(NULL, 0, 100); /* until there are descriptors again, or memory */
    }
    return true;
}

/* Running deliveries end and are answered; the other sessions send 421. */
static void drain(struct listener *listener)
{
    struct sockets *sockets = &listener->sockets;
    struct sockets_arrival nobody;
    systemd_notify("STOPPING=1");
    sockets_stop(sockets);
    while (sockets->session_count > 0) {
        (void)sockets_wait(sockets, tend(listener, clock_milliseconds()), &nobody); /* no socket */
        reap(listener);
    }
}

void listener_run(struct listener *listener, int argc, char **argv)
{
    listener->argc = argc;
    listener->argv = argv;
    listener->watchdog_interval = systemd_watchdog_interval();
    listener->idle_since = clock_milliseconds();
    read_options(listener);
    int result = sockets_share(&listener->sockets);
    if (result < 0)
        log_trouble("sharing memory with sessions: %s", strerror(-result));
    begin_keeping(listener);
    systemd_notify("READY=1");
    while (serve_one(listener))
        ;
    drain(listener);
}
