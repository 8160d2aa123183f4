#include "handler/frontend/frontend.h"

#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/frontend/proxy.h"
#include "handler/frontend/sandbox.h"
#include "handler/frontend/wants.h"
#include "handler/signals.h"
#include "session/trace.h"

enum { FAREWELL_MILLISECONDS = 2000 }; /* for the client to read the last reply */

/* The client's two, standard error, the runner's; and four: two behind TLS, and two spools. */
enum { DESCRIPTORS = BOUNDARY_DESCRIPTOR + 5 };

void frontend_turn_away(const struct connection *connection, const char *hostname)
{
    const struct stream stream = stream_of(connection);
    char line[REPLY_LINE_MAX];
    struct span reply = reply_write(line, REPLY_MISCONFIGURED, span_of(hostname));
    (void)stream_write(&stream, reply); /* or the client is gone */
    stream_finish(&stream, FAREWELL_MILLISECONDS);
}

/* Whether the client shall wait for the greeting; a health check of a proxy need not. */
static bool must_wait(const struct frontend *frontend)
{
    const struct options *options = frontend->options;
    const struct connection *connection = frontend->connection;
    bool is_proxy = options->proxy_protocol && !connection->is_proxied;
    return options->greet_delay > 0 && connection->in_is_socket && !is_proxy &&
           !cidr_contains(&options->xclient, connection->client.text);
}

/* Whether the client speaks until then, in clock_milliseconds, though the greeting is to come. */
static bool speaks_first(struct frontend *frontend, int64_t until)
{
    int ready = 0;
    while (ready == 0 && !signals_stop_pending())
        ready = stream_wait(&frontend->stream, STREAM_READABLE, until);
    return stream_has_octets(&frontend->stream);
}

/*
 * If `secured`, TLS protects what the client says from the start; if `early`, the client spoke
 * before the greeting.
 */
static void begin_session(struct frontend *frontend, bool secured, bool early)
{
    const struct options *options = frontend->options;
    const struct connection *connection = frontend->connection;
    struct session_settings settings = {
        .hostname = span_of(frontend->hostname),
        .client_address = span_of(connection->client.text),
        .client_hostname = span_of(connection->client_hostname),
        .id = span_of(frontend->id),
        .max_size = options->max_size,
        .max_recipients = options->max_recipients,
        .lmtp = options->lmtp,
        .one_recipient = frontend->one_recipient,
        .combined_reply = options->done_list != NULL,
        .dsn = options->dsn,
        .tls = frontend->tls_policy,
        .lacks_tls = frontend->lacks_tls,
        .secured = secured,
        .auth = options->auth[0] != NULL,
        .auth_required = options->submission,
        .xclient = cidr_contains(&options->xclient, connection->client.text),
        .early = early,
        .strict_pipelining = options->strict_pipelining && connection->in_is_socket,
        .max_messages = options->max_messages,
        .max_errors = options->max_errors,
        .newlines = frontend->newlines,
        .line_ending = options->line_ending,
        .trace = !options->no_trace,
    };
    session_begin(&frontend->session, &settings);
}

/* Whether a proxy in front of us sent a header; without one nothing is said. */
static bool read_proxy_header(struct frontend *frontend)
{
    enum { TIMEOUT_MILLISECONDS = 5000 };
    struct problem problem;
    if (proxy_read(frontend->connection, TIMEOUT_MILLISECONDS, &problem))
        return boundary_replace_client(&frontend->boundary, frontend->connection, false,
                                       span_empty());
    boundary_report_proxy(&frontend->boundary, problem.status == EX_OK, problem.text);
    return false;
}

/* Serves the client, from its first octet to its last. */
static void serve_client(struct frontend *frontend)
{
    bool implicit = frontend->options->tls == TLS_OPTION_IMPLICIT;
    if (frontend->options->proxy_protocol && !read_proxy_header(frontend))
        return; /* the log says why */
    int64_t until = clock_milliseconds() + (int64_t)frontend->options->greet_delay * 1000;
    if (frontend->options->resolve && connection_lacks_hostname(frontend->connection))
        boundary_resolve(&frontend->boundary, frontend->connection);
    if (implicit && !(boundary_prepare_tls(&frontend->boundary) && wants_handshake(frontend)))
        return; /* nothing may be said in plaintext */
    bool early = !implicit && must_wait(frontend) && speaks_first(frontend, until);
    begin_session(frontend, implicit, early);
    timeouts_begin(&frontend->timeouts, frontend->options, frontend->began);
    wants_serve(frontend);
    if (!frontend->client_left)
        stream_finish(&frontend->stream, FAREWELL_MILLISECONDS);
    if (frontend->reason == NULL && session_counts(&frontend->session).quit)
        frontend->reason = "quit";
    else if (frontend->reason == NULL)
        frontend->reason = frontend->client_left ? "eof" : "limit";
    boundary_end(&frontend->boundary, &frontend->session, frontend->reason);
}

/* Leaves open the client's descriptors, standard error, and `socket`. */
static bool close_other_descriptors(struct connection *connection, int socket)
{
    if (dup2(connection->in, STDIN_FILENO) < 0 || dup2(connection->out, STDOUT_FILENO) < 0 ||
        dup2(socket, BOUNDARY_DESCRIPTOR) < 0)
        return false;
    connection->in = STDIN_FILENO;
    connection->out = STDOUT_FILENO;
    return syscall(SYS_close_range, BOUNDARY_DESCRIPTOR + 1, ~0U, 0) == 0;
}

/* The environment may hold secrets. */
static void forget_environment(void)
{
    for (char **variable = environ; *variable != NULL; variable++)
        explicit_bzero(*variable, strlen(*variable));
}

/* Enters the sandbox; false if it lacks something that --require-sandbox asks for. */
static bool is_confined(struct frontend *frontend)
{
    const struct options *options = frontend->options;
    bool is_bounded = options->max_size > 0 && !frontend->connection->out_is_file;
    uint64_t file_max = is_bounded ? options->max_size + TRACE_MAX : UINT64_MAX;
    if (options->no_sandbox)
        return true;
    unsigned missing = sandbox_enter(DESCRIPTORS, file_max, timeouts_processor_seconds(options));
    return missing == 0 || boundary_report_unconfined(&frontend->boundary, missing);
}

void frontend_run(struct frontend *frontend, int socket, pid_t runner)
{
    frontend->boundary = boundary_new(); /* reads the environment */
    forget_environment();
    /* Only the runner would end a frontend that was taken over, so it must not outlive it. */
    if (!close_other_descriptors(frontend->connection, socket) ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != runner)
        return;
    frontend->stream = stream_of(frontend->connection);
    if (is_confined(frontend))
        serve_client(frontend);
    else
        frontend_turn_away(frontend->connection, frontend->hostname);
}
