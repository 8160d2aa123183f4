/*
 * Serves SMTP on one connection and gives each message to the delivery command. Here the session,
 * which knows the protocol, and the handler, which knows the machine, meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/connection.h"
#include "handler/deliver.h"
#include "handler/hostname.h"
#include "handler/log.h"
#include "handler/options.h"
#include "handler/password.h"
#include "handler/patience.h"
#include "handler/process.h"
#include "handler/proxy.h"
#include "handler/recipients.h"
#include "handler/report.h"
#include "handler/signals.h"
#include "handler/spool.h"
#include "handler/stream.h"
#include "handler/superserver.h"
#include "handler/systemd.h"
#include "handler/template.h"
#include "handler/tls.h"
#include "session.h"

struct program {
    struct options options;
    struct connection connection;
    struct tls tls;
    struct stream stream;
    struct recipients recipients;
    struct spool spool;
    struct patience patience;
    struct delivery delivery;
    struct session session;
    const char *hostname;
    char command_path[PROCESS_PATH_MAX];
    char auth_path[PROCESS_PATH_MAX];
    char id[40];
    bool delivered;  /* the message at hand was given to the command */
    const char *how; /* the session was ended; NULL where nobody but the client did */
    bool client_left;
    const char *doing; /* as the service manager was told last */
    unsigned accepted_told;
};

static const char waiting[] = "waiting for commands", receiving[] = "receiving a message",
                  delivering[] = "delivering a message";

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
    if (written > 0)
        session_written(&program->session, (size_t)written);
    else if (written != -EAGAIN)
        end(program, ENDING_LEFT);
    return written != -EAGAIN;
}

static void read_octets(struct program *program, struct room room)
{
    struct session *session = &program->session;
    unsigned commands = session_counts(session).commands;
    bool within_message = session_within_message(session);
    ssize_t length = stream_read(&program->stream, room);
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
    session_fed(session, (size_t)length, clock_microseconds_utc() / 1000000);
    if (within_message)
        patience_octets_came(&program->patience, (size_t)length, now);
    else if (session_counts(session).commands != commands)
        patience_renew(&program->patience, now);
}

/* Tells the service manager what is going on, in words, if that is something else than before. */
static void notify_status(struct program *program, const char *doing)
{
    char state[160];
    struct session_counts counts = session_counts(&program->session);
    if (program->doing == doing && program->accepted_told == counts.accepted)
        return;
    program->doing = doing;
    program->accepted_told = counts.accepted;
    int length = snprintf(state, sizeof state, "STATUS=client %s, %s, %u messages accepted",
                          program->connection.client.text, doing, counts.accepted);
    if (length > 0)
        systemd_notify(state);
}

/* Nothing is wanted but octets or time: writes, waits, reads. */
static void exchange(struct program *program)
{
    struct session *session = &program->session;
    enum ending ending;
    if (write_replies(program))
        return;
    notify_status(program, session_within_message(session) ? receiving : waiting);
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
    int ready = stream_wait(&program->stream, events, left, signals_waiting());
    if (ready < 0)
        end(program, ENDING_LEFT);
    else if ((ready & STREAM_READABLE) != 0)
        read_octets(program, room);
}

/* Whether TLS can be had, EX_OK, or what it is a case of; the log says why not. */
static int prepare_tls(struct program *program)
{
    struct problem problem;
    if (tls_prepare(&program->tls, &program->options, &program->connection, &problem))
        return EX_OK;
    log_trouble("%s", problem.text);
    return problem.status;
}

/* WANT_VERDICT: may this sender, this recipient take part? */
static void judge_address(struct program *program)
{
    struct session *session = &program->session;
    bool about_sender = session_question(session) == QUESTION_SENDER;
    const struct mailbox *recipient = about_sender ? NULL : session_candidate(session);
    enum verdict verdict = VERDICT_ACCEPTED;
    struct facts facts;
    if (patience_session_is_over(&program->patience, clock_milliseconds())) {
        end(program, ENDING_SESSION_TIMEOUT);
        return;
    }
    facts_gather(&facts, session, &program->connection, &program->tls, &program->options, recipient,
                 0);
    bool may_relay = program->options.submission && session_user(session).length > 0;
    if (!about_sender && !may_relay)
        verdict = recipients_judge(&program->recipients, recipient);
    if (verdict == VERDICT_ACCEPTED && template_makes_option(program->options.command, &facts))
        verdict = about_sender ? VERDICT_UNSAFE_SENDER : VERDICT_UNSAFE_RECIPIENT;
    if (verdict != VERDICT_ACCEPTED)
        report_address(session, &program->connection, recipient, verdict);
    session_answer(session, verdict, span_empty());
}

static void judge(struct program *program)
{
    if (session_question(&program->session) != QUESTION_TLS)
        judge_address(program);
    else
        session_answer(&program->session,
                       prepare_tls(program) == EX_OK ? VERDICT_ACCEPTED : VERDICT_DEFERRED,
                       span_empty());
}

/* WANT_CREDENTIALS */
static void judge_credentials(struct program *program)
{
    struct session *session = &program->session;
    enum verdict verdict =
        password_judge(program->auth_path, program->options.auth, session_credentials(session));
    report_credentials(session, &program->connection, verdict);
    session_answer(session, verdict, span_empty());
    patience_renew(&program->patience, clock_milliseconds());
}

static bool shake_hands(struct program *program)
{
    struct problem problem;
    int64_t timeout = (int64_t)program->options.command_timeout * 1000;
    bool shaken = tls_shake_hands(&program->tls, &program->stream, timeout, &problem);
    if (!shaken)
        report_handshake(&program->connection, problem.text);
    return shaken;
}

/* WANT_CLIENT */
static void introduce(struct program *program)
{
    struct connection *connection = &program->connection;
    bool taken = proxy_introduce(connection, session_xclient(&program->session));
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
    int result = spool_append(&program->spool, session_octets(&program->session));
    if (result < 0)
        log_trouble("spool: %s", strerror(-result));
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
    int message = spool_open(&program->spool);
    if (message < 0) {
        log_trouble("reading the spool: %s", strerror(-message));
        session_answer(session, VERDICT_DEFERRED, span_empty());
        return;
    }
    struct mailbox mailbox;
    const struct mailbox *recipient = session_recipient(session, &mailbox) ? &mailbox : NULL;
    struct facts facts;
    facts_gather(&facts, session, &program->connection, &program->tls, &program->options, recipient,
                 program->spool.length);
    notify_status(program, delivering);
    deliver_run(program->command_path, program->options.command, &facts, message,
                (int64_t)program->options.delivery_timeout * 1000, &program->delivery);
    (void)close(message); /* it was only read */
    program->delivered = true;
    report_delivery(session, &program->connection, &program->tls, recipient,
                    program->options.command[0], &program->delivery);
    session_answer(session, program->delivery.verdict, outputs_text(&program->delivery.outputs));
}

/* WANT_DISCARD */
static void discard(struct program *program)
{
    if (!program->delivered)
        report_refusal(&program->session, &program->connection, &program->tls);
    program->delivered = false;
    spool_discard(&program->spool);
    patience_renew(&program->patience, clock_milliseconds());
    session_discarded(&program->session);
}

/* Does what the session wants until it has nothing to say and nothing to hear. */
static void serve(struct program *program)
{
    for (;;) {
        if (signals_want_stop() && program->how == NULL)
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

static void begin_session(struct program *program)
{
    const struct options *options = &program->options;
    const struct connection *connection = &program->connection;
    program->hostname = hostname_find(options->hostname);
    bool lenient = options->newlines == NEWLINES_OPTION_LENIENT ||
                   (options->newlines == NEWLINES_OPTION_AUTO && !connection->in_is_socket);
    (void)snprintf(program->id, sizeof program->id, "%llx-%x",
                   (unsigned long long)clock_microseconds_utc(), (unsigned)getpid()); /* fits */
    struct session_settings settings = {
        .hostname = span_of(program->hostname),
        .client_address = span_of(connection->client.text),
        .client_hostname = span_of(connection->client_hostname),
        .id = span_of(program->id),
        .max_size = options->max_size,
        .max_recipients = options->max_recipients,
        .lmtp = options->lmtp,
        .one_recipient = options->one_recipient,
        .dsn = options->dsn,
        .tls = tls_policy(options),
        .secured = program->tls.secured,
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
    if (!template_check(options->command, &of_recipient, problem)) {
        problem->status = options->command == options->words ? EX_CONFIG : EX_USAGE;
        return false;
    }
    if (!process_find_program("delivery command", options->command[0], program->command_path,
                              problem) ||
        (options->auth[0] != NULL && !process_find_program("password program", options->auth[0],
                                                           program->auth_path, problem)) ||
        !recipients_open(&program->recipients, options, hostname_find(options->hostname),
                         program->connection.local.text, problem))
        return false;
    if (options->proxy_protocol && program->connection.client_waits &&
        !proxy_check(&program->connection, problem))
        return false;
    options->one_recipient = options->one_recipient || of_recipient;
    program->spool = spool_of(options->spool);
    int result = options->spool != NULL || options->check ? spool_check(&program->spool) : 0;
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
        begin_session(program);
        session_end(&program->session, ENDING_MISCONFIGURED);
        (void)write_replies(program); /* who cannot be told is gone */
        stream_finish(&program->stream, 2000, signals_waiting());
    }
    return problem->status;
}

/* --check: what need not be looked at for each connection is looked at, too. */
static int check(struct program *program)
{
    struct problem problem;
    if (!prepare(program, &problem) || !recipients_check(&program->recipients, &problem) ||
        !process_check_interpreter("delivery command", program->command_path, &problem) ||
        !tls_check(&program->tls, &program->options, &program->connection, &problem))
        return fail(program, &problem);
    if (reports_on_stdout(program))
        puts("ok");
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

/* The header of a proxy in front of us; whoever has none is not to be talked to. */
static bool read_proxy_header(struct program *program)
{
    enum { TIMEOUT_MILLISECONDS = 5000 };
    struct problem problem;
    bool is_right =
        proxy_read(&program->connection, TIMEOUT_MILLISECONDS, signals_waiting(), &problem);
    if (!is_right)
        report_proxy(&program->connection, problem.status == EX_OK, problem.text);
    return is_right;
}

/* Before the greeting: EX_OK where there can be none; in clear nothing may be said. */
static int secure_from_the_start(struct program *program, bool *secured)
{
    int status = prepare_tls(program);
    *secured = status == EX_OK && shake_hands(program);
    return status;
}

static int serve_client(struct program *program, int64_t began)
{
    bool ready = !program->options.proxy_protocol || read_proxy_header(program);
    int status = EX_OK;
    if (ready && program->options.tls == TLS_OPTION_IMPLICIT)
        status = secure_from_the_start(program, &ready);
    if (!ready) {
        tls_finish(&program->tls);
        return status; /* the log says why */
    }
    begin_session(program);
    patience_begin(&program->patience, &program->options, began);
    serve(program);
    bool quit = session_counts(&program->session).quit;
    if (!program->client_left)
        stream_finish(&program->stream, 2000, signals_waiting());
    tls_finish(&program->tls);
    if (program->how == NULL)
        program->how = quit ? "quit" : program->client_left ? "eof" : "limit";
    report_connection(&program->session, &program->connection, &program->tls, program->how,
                      clock_milliseconds() - began);
    return EX_OK;
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
    int64_t began = clock_milliseconds();
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
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
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
    return serve_client(&program, began);
}
