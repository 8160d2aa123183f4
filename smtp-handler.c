/*
 * smtp-handler serves SMTP on one connection and gives each message to the delivery command. This
 * file is what it was started as: help, --check, a listener, or one connection, for which it parts
 * in two after handler/start/ has checked what must be right. Its head is the map of the house.
 *
 * The processes:
 *
 * - The frontend (handler/frontend/) talks to the client. It is confined: it can read and write its
 *   descriptors, nothing else. It feeds the pure session machine, which knows SMTP, makes no system
 *   call, and wants one thing at a time; the frontend's loop (wants.c) does that, or asks for it.
 * - The runner (handler/runner/) does for the frontend what touches the machine, and treats every
 *   request as hostile. It asks whether something may pass (handler/verdict/), and runs the
 *   delivery command (handler/delivery/).
 * - The listener (handler/listener/), if we are given sockets that listen or --listen, starts this
 *   program anew for each connection, and reads nothing that a client sends.
 *
 * The boundary (handler/boundary/) lies between frontend and runner. boundary.h lists all that the
 * frontend may ask: one record for a request, and one for the answer if there is one. The table in
 * runner/operation.c says which request may come when.
 *
 * The way of a message: stream.c reads octets into the session's room. For MAIL and each RCPT the
 * session wants a verdict; the runner parses the address again and decides, and the session replies
 * as it was answered. After DATA or BDAT the session decodes the octets, and wants them stored: the
 * frontend writes them into the spool, memory that the runner has made. After the last octet it
 * wants a delivery: the runner seals the spool, runs the filters, each on what the one before made
 * of it, and starts the command with that as its standard input. The command's exit status becomes
 * a verdict, crosses the boundary, and only then the session queues 250.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/confine.h"
#include "handler/connection.h"
#include "handler/frontend/frontend.h"
#include "handler/frontend/proxy.h"
#include "handler/ledger.h"
#include "handler/listener/listener.h"
#include "handler/log.h"
#include "handler/relay.h"
#include "handler/runner/report.h"
#include "handler/runner/runner.h"
#include "handler/signals.h"
#include "handler/start/check.h"
#include "handler/start/listen.h"
#include "handler/start/start.h"
#include "handler/systemd.h"

/* Tells who started us, and the client, why nobody is served. */
static int fail(const struct start *start, const struct problem *problem)
{
    start_tell(start, problem);
    start_turn_away(start);
    return problem->status;
}

static int fail_errno(struct start *start, const char *call)
{
    struct problem problem;
    (void)problem_set(&problem, EX_OSERR, "%s: %s", call, process_error(errno));
    return fail(start, &problem);
}

/* The exit status. ferror(3): a library may have failed to write, with nothing left to flush. */
static int finish_output(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

/*
 * Whether the client may be served: with --proxy-networks, only a proxy there. This is decided
 * before the parting, since the runner believes a frontend that names another client.
 */
static bool may_be_served(const struct start *start)
{
    const struct options *options = &start->options;
    bool may =
        !options->proxy_protocol || proxy_may_speak(&start->connection, &options->proxy_networks);
    if (!may)
        report_proxy(&start->connection, false, "it is in none of the proxy-networks");
    return may;
}

static void be_frontend(struct start *start, int socket, pid_t runner)
{
    static struct frontend frontend;
    frontend.options = &start->options;
    frontend.recipients = &start->recipients;
    frontend.connection = &start->connection;
    frontend.hostname = start->hostname;
    frontend.id = start->id;
    frontend.tls_policy = start->tls_policy;
    frontend.lacks_tls = start->lacks_tls;
    frontend.one_recipient = start->one_recipient;
    frontend.newlines = start->newlines;
    frontend.began = start->began;
    frontend.ledger = start->ledger;
    frontend_run(&frontend, socket, runner);
}

static int be_runner(struct start *start, int socket, pid_t frontend)
{
    static struct runner runner;
    bool with_auth = start->options.auth[0] != NULL;
    if (with_auth)
        ledger_open_failures(&start->ledger);
    ledger_close(&start->ledger);
    runner.options = &start->options;
    runner.connection = &start->connection;
    runner.recipients = &start->recipients;
    runner.command = &start->command;
    runner.recipient_check =
        start->recipient_check.path[0] != '\0' ? &start->recipient_check : NULL;
    runner.filters = &start->filters;
    policy_begin(&runner.policy, start->options.policy);
    runner.one_recipient = start->one_recipient;
    runner.hostname = start->hostname;
    runner.auth_path = with_auth ? start->auth_path : NULL;
    runner.id = start->id;
    runner.began = start->began;
    runner.ledger = start->ledger;
    runner.spool = start->spool;
    runner.duplicate.directory = start->options.done_list;
    return runner_run(&runner, socket, frontend);
}

/* Parts into the frontend and the runner; the exit status of either. */
static int serve_connection(struct start *start)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return fail_errno(start, "socketpair");
    pid_t runner = getpid();
    pid_t frontend = fork();
    if (frontend < 0)
        return fail_errno(start, "fork");
    if (frontend == 0) {
        be_frontend(start, sockets[1], runner);
        return EX_OK;
    }
    (void)close(sockets[1]); /* the frontend has its own */
    return be_runner(start, sockets[0], frontend);
}

/* Finds the connection, or the sockets to listen on, that we were started with. */
static bool find_clients(struct start *start, struct listener *listener, bool *listens,
                         struct problem *problem)
{
    struct systemd_descriptors passed;
    struct sockets *sockets = &listener->sockets;
    relay_take_keeper();
    bool taken = systemd_take_descriptors(&passed, problem);
    *listens = passed.count > 0 ? sockets_take(sockets, passed.first, passed.count)
                                : sockets_take(sockets, STDIN_FILENO, 1);
    if (*listens) {
        start->connection = (struct connection){.stderr_is_client = !sockets->stderr_is_usable};
        return true;
    }
    return connection_find(&start->connection, passed.connection, problem) && taken;
}

/* Serves the connection if nothing is wrong; the exit status if it does not. */
static int serve(struct start *start, struct problems *problems)
{
    if (problems_allow(problems))
        start_prepare(start, problems);
    if (problems_allow(problems))
        start_look_at_tls(start, problems);
    if (!problems_allow(problems))
        return fail(start, &problems->error);
    if (!may_be_served(start))
        return EX_OK;
    _exit(serve_connection(start)); /* nothing is buffered, and there is nothing to clean up */
}

int main(int argc, char **argv)
{
    static struct start start;
    static struct listener listener;
    static struct problems problems;
    const struct options *options = &start.options;
    struct problem found;
    bool listens;
    (void)confine_hide(true); /* cannot fail */
    start.began = clock_milliseconds();
    start.ledger = ledger_take();
    /* A listener starts /proc/self/exe: without this the process would be called "exe". */
    (void)prctl(PR_SET_NAME, "smtp-handler"); /* cannot fail */
    bool ready =
        find_clients(&start, &listener, &listens, &found) && signals_begin(listens, &found);
    log_open(LOG_OPTION_BEST, start.connection.stderr_is_client);
    options_read(&start.options, argc, argv, &problems);
    if (problems_allow(&problems) && (options->help || options->version)) {
        if (options->help)
            options_print_help();
        else
            puts("smtp-handler " VERSION);
        return finish_output();
    }
    bool binds = options->listen.count > 0;
    if (binds) {
        ready = listen_alone(&start, listens, &found);
        listens = false;
    }
    log_open(options->log, start.connection.stderr_is_client);
    if (options->no_sandbox)
        (void)confine_hide(false); /* as above */
    if (options->check)
        return check_run(&start, &problems);
    problems_add_unless(&problems, ready, &found);
    if (binds && problems_allow(&problems)) {
        listens = listen_begin(&start, &listener.sockets, &problems);
        argc = options_drop_listening(argv);
    }
    if (!listens)
        return serve(&start, &problems);
    /* Even if the options are wrong: it logs so, and each session sends 421. */
    listener_run(&listener, argc, argv);
    return EX_OK;
}
