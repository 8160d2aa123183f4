/*
 * Serves SMTP on one connection and gives each message to the delivery command. Here the session,
 * which knows the protocol, and the handler, which knows the machine, meet: the session in a
 * process that can do nothing but talk, and the runner in this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/boundary.h"
#include "handler/clock.h"
#include "handler/connection.h"
#include "handler/done.h"
#include "handler/foresight.h"
#include "handler/hostname.h"
#include "handler/log.h"
#include "handler/options.h"
#include "handler/patience.h"
#include "handler/process.h"
#include "handler/proxy.h"
#include "handler/recipients.h"
#include "handler/runner.h"
#include "handler/sandbox.h"
#include "handler/signals.h"
#include "handler/spool.h"
#include "handler/stream.h"
#include "handler/superserver.h"
#include "handler/systemd.h"
#include "handler/template.h"
#include "handler/tls.h"
#include "session.h"

enum { FAREWELL_MILLISECONDS = 2000 }; /* for the client to read the last reply */

struct program {
    struct connection connection;
    struct stream stream;
    struct recipients recipients;
    struct patience patience;
    struct boundary boundary;
    const char *hostname;
    enum tls_policy tls_policy;
    char id[40];
    int64_t began;   /* milliseconds */
    unsigned turns;  /* within messages */
    bool more;       /* octets are likely to be there already: as many were read as could be */
    const char *how; /* the session was ended; NULL where nobody but the client did */
    bool client_left;
    bool unheard; /* with --done-list: a message was accepted, and the client may not know yet */
    bool shows;   /* that it knows, whatever it says next */
    struct options options;
    char command_path[PROCESS_PATH_MAX];
    char auth_path[PROCESS_PATH_MAX];
    struct session session;
    struct runner runner;
};

/* Cuts the session off; one word for each reason, for the log. */
static void end(struct program *program, enum ending ending)
{
    static const char *const words[] = {
        [ENDING_LEFT] = "lost",
        [ENDING_COMMAND_TIMEOUT] = "timeout",
        [ENDING_DATA_TIMEOUT] = "too-slow",
        [ENDING_SESSION_TIMEOUT] = "too-long",
        [ENDING_SHUTDOWN] = "shutdown",
    };
    if (program->how == NULL)
        program->how = words[ending];
    program->client_left |= ending == ENDING_LEFT;
    session_end(&program->session, ending);
    patience_hurry(&program->patience, clock_milliseconds());
}

/* Writes what replies can go now; false where they cannot. */
static bool write_replies(struct program *program)
{
    struct span replies = session_replies(&program->session);
    if (replies.length == 0)
        return false;
    ssize_t written = stream_write(&program->stream, replies);
    if (written > 0) {
        session_written(&program->session, (size_t)written);
        /* What is here already was said before. */
        program->shows = program->unheard && session_replies(&program->session).length == 0 &&
                         stream_wait(&program->stream, STREAM_READABLE, 0, signals_waiting()) == 0;
    } else if (written != -EAGAIN) {
        end(program, ENDING_LEFT);
    }
    return written != -EAGAIN;
}

static void read_octets(struct program *program, struct room room)
{
    struct session *session = &program->session;
    unsigned commands = session_counts(session).commands;
    bool within_message = session_within_message(session);
    ssize_t length = stream_read(&program->stream, room);
    program->more = program->stream.in_is_socket && length == (ssize_t)room.length;
    if (length == -EAGAIN)
        return;
    if (length < 0) {
        end(program, ENDING_LEFT);
        return;
    }
    if (length == 0) {
        program->client_left = true;
        session_end(session, ENDING_INPUT_OVER);
        return;
    }
    int64_t now = clock_milliseconds();
    if (program->shows) {
        boundary_tell_heard(&program->boundary);
        program->unheard = program->shows = false;
    }
    session_fed(session, (size_t)length, clock_microseconds_utc() / 1000000);
    if (within_message)
        patience_octets_came(&program->patience, (size_t)length, now);
    else if (session_counts(session).commands != commands)
        patience_renew(&program->patience, now);
}

/* Nothing is wanted but octets or time: writes, waits, reads. */
static void exchange(struct program *program)
{
    struct session *session = &program->session;
    enum ending ending;
    if (write_replies(program))
        return;
    boundary_tell_status(&program->boundary, session_within_message(session));
    if (session_keeps_octets(session))
        boundary_expect_octets(&program->boundary);
    struct room room = session_room(session);
    int events = (session_replies(session).length > 0 ? STREAM_WRITABLE : 0) |
                 (room.length > 0 ? STREAM_READABLE : 0);
    int64_t left = patience_left(&program->patience, session_within_message(session),
                                 clock_milliseconds(), &ending);
    if (left == 0) {
        /* Where even the last reply cannot be written nothing is. */
        end(program, program->how == NULL ? ending : ENDING_LEFT);
        return;
    }
    int ready = program->more && room.length > 0
                    ? STREAM_READABLE
                    : stream_wait(&program->stream, events, left, signals_waiting());
    if (ready < 0)
        end(program, ENDING_LEFT);
    else if ((ready & STREAM_READABLE) != 0)
        read_octets(program, room);
}

/* Of the sender, or the recipient if that is not NULL. */
static bool is_certain(const struct program *program, const struct mailbox *recipient)
{
    return foresight_accepts(&program->options, &program->recipients,
                             session_envelope(&program->session), recipient);
}

/* WANT_VERDICT */
static void judge(struct program *program)
{
    struct session *session = &program->session;
    struct boundary *boundary = &program->boundary;
    enum verdict verdict = VERDICT_DEFERRED;
    if (patience_session_is_over(&program->patience, clock_milliseconds())) {
        end(program, ENDING_SESSION_TIMEOUT);
        return;
    }
    switch (session_question(session)) {
    case QUESTION_TLS:
        verdict = boundary_prepare_tls(boundary) ? VERDICT_ACCEPTED : VERDICT_DEFERRED;
        break;
    case QUESTION_SENDER:
        verdict = boundary_judge_sender(boundary, session, is_certain(program, NULL));
        break;
    case QUESTION_RECIPIENT:
        verdict = boundary_judge_recipient(boundary, session,
                                           is_certain(program, session_candidate(session)));
        break;
    }
    session_answer(session, verdict, span_empty());
}

/* WANT_CREDENTIALS */
static void judge_credentials(struct program *program)
{
    struct session *session = &program->session;
    enum verdict verdict =
        boundary_judge_credentials(&program->boundary, session_credentials(session));
    session_answer(session, verdict, span_empty());
    patience_renew(&program->patience, clock_milliseconds());
}

/* The client is behind the relay from now on. */
static bool shake_hands(struct program *program)
{
    int in, out;
    bool are_sockets;
    if (!boundary_shake_hands(&program->boundary, &in, &out, &are_sockets))
        return false;
    stream_switch(&program->stream, in, out, are_sockets);
    (void)close(STDIN_FILENO); /* the relay has it */
    (void)close(STDOUT_FILENO);
    return true;
}

/* WANT_CLIENT */
static void introduce(struct program *program)
{
    struct connection *connection = &program->connection;
    const struct xclient *told = session_xclient(&program->session);
    bool taken = proxy_introduce(connection, told) &&
                 boundary_take_client(&program->boundary, connection, true,
                                      xclient_value(told, XCLIENT_LOGIN));
    session_introduced(&program->session, taken, span_of(connection->client.text),
                       span_of(connection->client_hostname));
}

/* WANT_TLS: whoever cannot shake hands is not to be talked to. */
static void secure(struct program *program)
{
    if (shake_hands(program))
        session_secured(&program->session);
    else
        end(program, ENDING_LEFT);
    patience_renew(&program->patience, clock_milliseconds());
}

/* WANT_STORE */
static void store(struct program *program)
{
    int result = boundary_store(&program->boundary, session_octets(&program->session));
    session_stored(&program->session, result == 0);
}

/* WANT_DELIVERY: replies that wait are written first, since it may take its time. */
static void deliver(struct program *program)
{
    struct session *session = &program->session;
    (void)write_replies(program); /* what cannot go now goes later */
    if (session_want(session) != WANT_DELIVERY)
        return;
    if (patience_session_is_over(&program->patience, clock_milliseconds())) {
        end(program, ENDING_SESSION_TIMEOUT);
        return;
    }
    struct span text;
    enum verdict verdict = boundary_deliver(&program->boundary, session, &text);
    session_answer(session, verdict, text);
}

/* WANT_DISCARD */
static void discard(struct program *program)
{
    bool accepted = session_result(&program->session).verdict == VERDICT_ACCEPTED;
    if (program->options.done_list != NULL && accepted)
        program->unheard = true;
    program->shows = false;
    boundary_discard(&program->boundary, &program->session);
    patience_renew(&program->patience, clock_milliseconds());
    session_discarded(&program->session);
}

/* A look at signals is a system call: of the many pieces of a message one in so many has it. */
static bool is_to_stop(struct program *program)
{
    const unsigned seldom = 32;
    const struct session *session = &program->session;
    bool looks = !session_within_message(session) || session_want(session) == WANT_DELIVERY ||
                 ++program->turns % seldom == 0;
    return boundary_is_lost(&program->boundary) || signals_heard_stop() ||
           (looks && signals_want_stop());
}

/* Does what the session wants until it has nothing to say and nothing to hear. */
static void serve(struct program *program)
{
    for (;;) {
        if (program->how == NULL && is_to_stop(program))
            end(program, ENDING_SHUTDOWN);
        switch (session_want(&program->session)) {
        case WANT_NOTHING:
            exchange(program);
            break;
        case WANT_VERDICT:
            judge(program);
            break;
        case WANT_CREDENTIALS:
            judge_credentials(program);
            break;
        case WANT_CLIENT:
            introduce(program);
            break;
        case WANT_TLS:
            secure(program);
            break;
        case WANT_STORE:
            store(program);
            break;
        case WANT_DELIVERY:
            deliver(program);
            break;
        case WANT_DISCARD:
            discard(program);
            break;
        case WANT_CLOSE:
            return;
        }
    }
}

/* Makes the session new; the client is behind TLS already where it is `secured`. */
static void begin_session(struct program *program, bool secured)
{
    const struct options *options = &program->options;
    const struct connection *connection = &program->connection;
    bool lenient = options->newlines == NEWLINES_OPTION_LENIENT ||
                   (options->newlines == NEWLINES_OPTION_AUTO && !connection->in_is_socket);
    struct session_settings settings = {
        .hostname = span_of(program->hostname),
        .client_address = span_of(connection->client.text),
        .client_hostname = span_of(connection->client_hostname),
        .id = span_of(program->id),
        .max_size = options->max_size,
        .max_recipients = options->max_recipients,
        .lmtp = options->lmtp,
        .one_recipient = options->one_recipient,
        .one_answer = options->done_list != NULL,
        .dsn = options->dsn,
        .tls = program->tls_policy,
        .secured = secured,
        .auth = options->auth[0] != NULL,
        .auth_required = options->submission,
        .xclient = networks_contain(&options->xclient, connection->client.text),
        .max_messages = options->max_messages,
        .max_errors = options->max_errors,
        .newlines = lenient ? NEWLINES_LENIENT : NEWLINES_STRICT,
        .line_ending = options->line_ending,
        .trace = !options->no_trace,
    };
    session_begin(&program->session, &settings);
}

/* Everything that can be wrong before a client is served. */
static bool prepare(struct program *program, struct problem *problem)
{
    struct options *options = &program->options;
    bool of_recipient;
    program->hostname = hostname_find(options->hostname);
    if (!template_check(options->command, &of_recipient, problem)) {
        problem->status = options->command == options->words ? EX_CONFIG : EX_USAGE;
        return false;
    }
    if (!process_find_program("delivery command", options->command[0], program->command_path,
                              problem) ||
        (options->auth[0] != NULL && !process_find_program("password program", options->auth[0],
                                                           program->auth_path, problem)) ||
        !recipients_open(&program->recipients, options, program->hostname,
                         program->connection.local.text, problem))
        return false;
    if (options->proxy_protocol && program->connection.client_waits &&
        !proxy_check(&program->connection, problem))
        return false;
    int listing = options->done_list != NULL ? done_check(options->done_list) : 0;
    if (listing < 0)
        return problem_set(problem, EX_CONFIG, "done-list %s: %s", options->done_list,
                           strerror(-listing));
    options->one_recipient = options->one_recipient || of_recipient;
    program->tls_policy = tls_policy(options);
    (void)snprintf(program->id, sizeof program->id, "%llx-%x",
                   (unsigned long long)clock_microseconds_utc(), (unsigned)getpid()); /* fits */
    program->runner.spool = spool_of(options->spool);
    int result = options->spool != NULL || options->check ? spool_check(&program->runner.spool) : 0;
    if (result < 0)
        return problem_set(problem, EX_CONFIG, "spool %s: %s",
                           options->spool != NULL ? options->spool : "/var/tmp", strerror(-result));
    return true;
}

/* Whether --check answers on standard output; for ExecStartPre= of a unit that is the client. */
static bool reports_on_stdout(const struct program *program)
{
    return program->options.check && !program->connection.is_one_socket;
}

/* 421 instead of the greeting. */
static void turn_away(struct program *program)
{
    begin_session(program, false);
    session_end(&program->session, ENDING_MISCONFIGURED);
    (void)write_replies(program); /* who cannot be told is gone */
    stream_finish(&program->stream, FAREWELL_MILLISECONDS, signals_waiting());
}

/* Says what is wrong: to whoever started us, and with 421 to a client that waits. */
static int fail(struct program *program, const struct problem *problem)
{
    const struct connection *connection = &program->connection;
    if (reports_on_stdout(program)) {
        puts(problem->text);
        return fflush(stdout) == 0 ? problem->status : EX_IOERR;
    }
    if (log_stderr_is_journal() || connection->stderr_is_client ||
        fcntl(STDERR_FILENO, F_GETFD) < 0)
        log_trouble("%s", problem->text);
    else
        fprintf(stderr, "smtp-handler: %s\n", problem->text);
    if (connection->client_waits) {
        program->hostname = hostname_find(program->options.hostname);
        turn_away(program);
    }
    return problem->status;
}

/* The exit status; a library may have met the trouble before, and have nothing left to flush. */
static int finish_output(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* --check: what need not be looked at for each connection is looked at, too. */
static int check(struct program *program)
{
    struct problem problem;
    if (!prepare(program, &problem) || !recipients_check(&program->recipients, &problem) ||
        !process_check_interpreter("delivery command", program->command_path, &problem) ||
        !tls_check(&program->runner.tls, &program->options, &program->connection, &problem))
        return fail(program, &problem);
    if (reports_on_stdout(program))
        puts("ok");
    return finish_output();
}

/* The header of a proxy in front of us; whoever has none is not to be talked to. */
static bool read_proxy_header(struct program *program)
{
    enum { TIMEOUT_MILLISECONDS = 5000 };
    struct problem problem;
    if (proxy_read(&program->connection, TIMEOUT_MILLISECONDS, signals_waiting(), &problem))
        return boundary_take_client(&program->boundary, &program->connection, false, span_empty());
    boundary_report_proxy(&program->boundary, problem.status == EX_OK, problem.text);
    return false;
}

/* Serves the client, from its first octet to its last. */
static void serve_client(struct program *program)
{
    bool implicit = program->options.tls == TLS_OPTION_IMPLICIT;
    if (program->options.proxy_protocol && !read_proxy_header(program))
        return; /* the log says why */
    if (implicit && !(boundary_prepare_tls(&program->boundary) && shake_hands(program)))
        return; /* in clear nothing may be said */
    begin_session(program, implicit);
    patience_begin(&program->patience, &program->options, program->began);
    serve(program);
    if (!program->client_left)
        stream_finish(&program->stream, FAREWELL_MILLISECONDS, signals_waiting());
    if (program->how == NULL && session_counts(&program->session).quit)
        program->how = "quit";
    else if (program->how == NULL)
        program->how = program->client_left ? "eof" : "limit";
    boundary_end(&program->boundary, &program->session, program->how);
}

/* The client's two, standard error, the runner's; and four: two behind TLS, and two spools. */
enum { SESSION_DESCRIPTORS = BOUNDARY_DESCRIPTOR + 5 };

/* Leaves it the client, standard error, and `runner`. */
static bool keep_descriptors(struct program *program, int runner)
{
    struct connection *connection = &program->connection;
    if (dup2(connection->in, STDIN_FILENO) < 0 || dup2(connection->out, STDOUT_FILENO) < 0 ||
        dup2(runner, BOUNDARY_DESCRIPTOR) < 0)
        return false;
    connection->in = STDIN_FILENO;
    connection->out = STDOUT_FILENO;
    program->stream = stream_of(connection);
    return syscall(SYS_close_range, BOUNDARY_DESCRIPTOR + 1, ~0U, 0) == 0;
}

/* It may hold what no client is to know. */
static void forget_environment(void)
{
    for (char **variable = environ; *variable != NULL; variable++)
        explicit_bzero(*variable, strlen(*variable));
}

/* The session process: what a client sends is read here and nowhere else. */
static void be_session_process(struct program *program, int runner, pid_t parent)
{
    const struct options *options = &program->options;
    bool is_bounded = options->max_size > 0 && !program->connection.out_is_file;
    uint64_t file_max = is_bounded ? options->max_size + TRACE_MAX : UINT64_MAX;
    program->boundary = boundary_of_session_process();
    forget_environment();
    /* Nobody else would end one that was taken over. */
    if (!keep_descriptors(program, runner) || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        getppid() != parent)
        return;
    unsigned missing = options->no_sandbox ? 0 : sandbox_enter(SESSION_DESCRIPTORS, file_max);
    if (missing == 0 || boundary_report_unconfined(&program->boundary, missing))
        serve_client(program);
    else
        turn_away(program);
}

/* Parts into the session process and the runner, and serves. */
static int run(struct program *program)
{
    struct runner *runner = &program->runner;
    struct problem problem;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        (void)problem_set(&problem, EX_OSERR, "socketpair: %s", strerror(errno));
        return fail(program, &problem);
    }
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0) {
        be_session_process(program, ends[1], parent);
        _exit(EX_OK);
    }
    if (process < 0) {
        (void)problem_set(&problem, EX_OSERR, "fork: %s", strerror(errno));
        return fail(program, &problem);
    }
    (void)close(ends[1]); /* the session process has its own */
    runner->options = &program->options;
    runner->connection = &program->connection;
    runner->recipients = &program->recipients;
    runner->command_path = program->command_path;
    runner->auth_path = program->options.auth[0] != NULL ? program->auth_path : NULL;
    runner->id = program->id;
    runner->began = program->began;
    runner->done.directory = program->options.done_list;
    return runner_run(runner, ends[0], process);
}

/* The connection, or the sockets to listen on, that whoever started us gave us. */
static bool find_clients(struct program *program, struct superserver *superserver, bool *listens,
                         struct problem *problem)
{
    struct systemd_descriptors passed;
    struct listener *listener = &superserver->listener;
    bool taken = systemd_take_descriptors(&passed, problem);
    *listens = passed.count > 0 ? listener_take(listener, passed.first, passed.count)
                                : listener_take(listener, STDIN_FILENO, 1);
    if (*listens) {
        program->connection = (struct connection){.stderr_is_client = !listener->stderr_is_usable};
        return true;
    }
    return connection_find(&program->connection, passed.connection, problem) && taken;
}

int main(int argc, char **argv)
{
    static struct program program; /* in static memory: pages that are not used cost nothing */
    static struct superserver superserver;
    struct problem problem;
    bool listens;
    program.began = clock_milliseconds();
    /* A listener starts /proc/self/exe, which would be called that. */
    (void)prctl(PR_SET_NAME, "smtp-handler"); /* cannot fail */
    bool ready = find_clients(&program, &superserver, &listens, &problem) &&
                 signals_begin(listens, &problem);
    log_open(LOG_OPTION_BEST, program.connection.stderr_is_client);
    ready = ready && options_read(&program.options, argc, argv, &problem);
    if (ready && (program.options.help || program.options.version)) {
        if (program.options.help)
            options_print_help();
        else
            puts("smtp-handler " VERSION);
        return finish_output();
    }
    if (ready)
        log_open(program.options.log, program.connection.stderr_is_client);
    if (ready && program.options.check)
        return check(&program);
    if (listens) {
        superserver_run(&superserver, argc, argv);
        return EX_OK;
    }
    program.stream = stream_of(&program.connection);
    if (!ready || !prepare(&program, &problem))
        return fail(&program, &problem);
    _exit(run(&program)); /* nothing is buffered, and there is nothing to clean up */
}
