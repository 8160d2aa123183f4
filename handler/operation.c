#include "operation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "network.h"
#include "password.h"
#include "report.h"
#include "sandbox.h"
#include "systemd.h"
#include "template.h"

static const char waiting[] = "waiting for commands", receiving[] = "receiving a message",
                  delivering[] = "delivering a message";

/* System calls have none beyond. */
enum { ERRORS_MAX = 4096 };

/* The record is wrong; always false. */
static bool wrong(struct runner *runner, const char *what)
{
    runner->wrong = what;
    return false;
}

static void answer(struct runner *runner, enum verdict verdict)
{
    runner->answer.verdict = (uint32_t)verdict;
}

/* Tells the service manager what is going on, in words, if that is something else than before. */
static void notify_status(struct runner *runner, const char *doing)
{
    char state[160];
    unsigned accepted = runner->transaction.accepted;
    if (runner->doing == doing && runner->accepted_told == accepted)
        return;
    runner->doing = doing;
    runner->accepted_told = accepted;
    int length = snprintf(state, sizeof state, "STATUS=client %s, %s, %u messages accepted",
                          runner->connection->client.text, doing, accepted);
    if (length > 0)
        systemd_notify(state);
}

/* Whether text may come near a shell, a list or a log: printable ASCII or octets beyond it. */
static bool is_harmless(const struct record_text *text, size_t most)
{
    if (text->length > most)
        return false;
    for (size_t i = 0; i < text->length; i++) {
        unsigned char c = (unsigned char)text->octets[i];
        if (c < ' ' || c == 127)
            return false;
    }
    return true;
}

/* As long as an address of the Internet may be, and as a string. */
static bool take_end(struct endpoint *endpoint, const struct record_end *end)
{
    char text[INET6_ADDRSTRLEN];
    *endpoint = (struct endpoint){.port = end->port};
    if (end->address.length == 0)
        return true;
    if (end->address.length >= sizeof text)
        return false;
    memcpy(text, end->address.octets, end->address.length);
    text[end->address.length] = '\0';
    return endpoint_parse(endpoint, text);
}

/* A mailbox by the grammar, and in its canonical form: it is parsed here once more. */
static bool take_mailbox(struct mailbox *mailbox, enum path_kind kind,
                         const struct record_text *record)
{
    char octets[PATH_OCTETS_MAX];
    struct span whole = record_span(record);
    struct span path = {octets, whole.length + 2};
    if (path.length > sizeof octets)
        return false;
    octets[0] = '<';
    memcpy(octets + 1, whole.octets, whole.length);
    octets[whole.length + 1] = '>';
    return path_parse(&path, kind, mailbox) == PATH_RESULT_OK && path.length == 0 &&
           mailbox->length == whole.length &&
           memcmp(mailbox->octets, whole.octets, whole.length) == 0;
}

/* Text of up to `most` octets, without what could hurt. */
static bool take_text(char *octets, size_t most, size_t *length, const struct record_text *text)
{
    if (!is_harmless(text, most))
        return false;
    memcpy(octets, text->octets, text->length);
    *length = text->length;
    return true;
}

static bool take_unconfined(struct runner *runner, const struct request *request)
{
    if (runner->missing != 0 || request->unconfined.missing == 0)
        return wrong(runner, "a sandbox that lacks nothing more");
    runner->missing = request->unconfined.missing;
    if (runner->options->require_sandbox) {
        char words[SANDBOX_WORDS_MAX];
        log_trouble("the sandbox lacks %s", sandbox_words(runner->missing, words));
        runner->status = EX_OSERR;
        runner->phase = RUNNER_PHASE_OVER;
        answer(runner, VERDICT_DEFERRED);
    }
    return true;
}

/* The client and our end are those that a proxy names. */
static bool take_ends(struct runner *runner, const struct request *request)
{
    struct connection *connection = runner->connection;
    struct endpoint client, local;
    size_t length;
    if (!take_end(&client, &request->client.client) || !take_end(&local, &request->client.local))
        return wrong(runner, "an address that is none");
    if (!take_text(connection->client_hostname, DOMAIN_MAX, &length, &request->client.hostname))
        return wrong(runner, "a host's name that is none");
    connection->client_hostname[length] = '\0';
    if (!connection->is_proxied)
        connection->proxy = connection->client;
    connection->is_proxied = true;
    connection->client = client;
    connection->local = local;
    return true;
}

static bool take_proxy(struct runner *runner, const struct request *request)
{
    runner->phase = RUNNER_PHASE_IDLE;
    return request->client.named == 0 || take_ends(runner, request);
}

static bool take_no_proxy(struct runner *runner, const struct request *request)
{
    char text[RECORD_TEXT_MAX + 1];
    size_t length;
    if (!take_text(text, RECORD_TEXT_MAX, &length, &request->no_proxy.wrong))
        return wrong(runner, "words that are none");
    text[length] = '\0';
    report_proxy(runner->connection, request->no_proxy.silent != 0, text);
    runner->phase = RUNNER_PHASE_OVER;
    return true;
}

static bool take_tls(struct runner *runner, const struct request *request)
{
    struct problem problem;
    (void)request; /* it holds nothing */
    if (runner->tls_asked)
        return wrong(runner, "TLS asked for twice");
    runner->tls_asked = true;
    runner->tls_available =
        tls_prepare(&runner->tls, runner->options, runner->connection, &problem);
    if (runner->tls_available)
        return true;
    log_trouble("%s", problem.text);
    answer(runner, VERDICT_DEFERRED);
    if (runner->options->tls == TLS_OPTION_IMPLICIT) {
        runner->status = problem.status;
        runner->phase = RUNNER_PHASE_OVER; /* in clear nothing may be said */
    }
    return true;
}

static bool take_handshake(struct runner *runner, const struct request *request)
{
    struct problem problem;
    int64_t timeout = (int64_t)runner->options->command_timeout * 1000;
    (void)request; /* it holds nothing */
    if (!runner->tls_available || runner->tls.secured)
        return wrong(runner, "a handshake that cannot be");
    transaction_forget_client(&runner->transaction);
    runner->phase = RUNNER_PHASE_IDLE;
    bool shaken = tls_shake_hands(&runner->tls, timeout, &problem);
    runner_allow_until(runner, clock_milliseconds());
    runner->tls_available = false; /* once */
    if (!shaken) {
        report_handshake(runner->connection, problem.text);
        answer(runner, VERDICT_DEFERRED);
        if (runner->options->tls == TLS_OPTION_IMPLICIT)
            runner->phase = RUNNER_PHASE_OVER;
        return true;
    }
    runner->transaction.secured = true;
    runner->answer.sockets = runner->tls.are_sockets;
    runner->descriptors[0] = runner->tls.in;
    runner->descriptors[1] = runner->tls.out;
    runner->descriptor_count = 2;
    runner->gives_away = true;
    return true;
}

static bool take_client(struct runner *runner, const struct request *request)
{
    const struct record_text *user = &request->client.user;
    if (runner->introduced ||
        !networks_contain(&runner->options->xclient, runner->connection->client.text))
        return wrong(runner, "XCLIENT of somebody who may not say it");
    if (!is_harmless(user, AUTH_NAME_MAX))
        return wrong(runner, "a user's name that is none");
    runner->introduced = true;
    runner->phase = RUNNER_PHASE_IDLE;
    transaction_forget_client(&runner->transaction);
    transaction_know_user(&runner->transaction, record_span(user), "XCLIENT");
    return take_ends(runner, request);
}

static bool take_credentials(struct runner *runner, const struct request *request)
{
    static const char *const mechanisms[] = {"PLAIN", "LOGIN"};
    struct credentials credentials = {
        .user = record_span(&request->credentials.user),
        .password = record_span(&request->credentials.password),
    };
    if (runner->auth_path == NULL || !runner->tls.secured || runner->transaction.user_length > 0 ||
        runner->failures == AUTH_FAILURES_MAX)
        return wrong(runner, "credentials that nobody asked for");
    if (!is_harmless(&request->credentials.user, AUTH_NAME_MAX) || credentials.user.length == 0 ||
        credentials.password.length > AUTH_PASSWORD_MAX ||
        memchr(credentials.password.octets, '\0', credentials.password.length) != NULL)
        return wrong(runner, "credentials that are none");
    enum verdict verdict = password_judge(runner->auth_path, runner->options->auth, credentials);
    runner_allow_until(runner, clock_milliseconds());
    report_credentials(runner->connection, credentials.user, verdict);
    if (verdict == VERDICT_ACCEPTED)
        transaction_know_user(&runner->transaction, credentials.user,
                              mechanisms[request->credentials.login != 0]);
    else if (verdict_outcome(verdict) == OUTCOME_REFUSED)
        runner->failures++;
    answer(runner, verdict);
    return true;
}

/* Of DSN: what was said with RET=, "" for nothing. */
static const char *find_ret(const struct record_text *text)
{
    static const char *const words[] = {"FULL", "HDRS"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_equal(record_span(text), span_of(words[i])))
            return words[i];
    return "";
}

/* Whether the session has lasted for longer than it takes to end one. */
static bool is_late(const struct runner *runner)
{
    int64_t most = ((int64_t)runner->options->session_timeout + RUNNER_FAREWELL_SECONDS) * 1000;
    return clock_milliseconds() > runner->began + most;
}

/* What must come before a sender; NULL where nothing is missing. */
static const char *find_missing(const struct runner *runner)
{
    const struct options *options = runner->options;
    if (is_late(runner))
        return "mail behind the session's time";
    if (runner->transaction.number >= options->max_messages)
        return "more messages than may be";
    if (runner->refused >= options->max_errors)
        return "more errors than may be";
    if (tls_policy(options) == TLS_POLICY_REQUIRED && !runner->tls.secured)
        return "mail without TLS";
    if (options->tls == TLS_OPTION_IMPLICIT && !runner->tls.secured)
        return "mail without TLS";
    if (options->submission && runner->transaction.user_length == 0)
        return "mail of nobody";
    return NULL;
}

/* May this sender, or this recipient if that is not NULL, take part? */
static void judge(struct runner *runner, const struct mailbox *recipient)
{
    const struct transaction *transaction = &runner->transaction;
    enum verdict verdict = VERDICT_ACCEPTED;
    static struct facts facts;
    bool may_relay = runner->options->submission && transaction->user_length > 0;
    if (recipient != NULL && !may_relay)
        verdict = recipients_judge(runner->recipients, recipient);
    facts_gather(&facts, transaction, runner->connection, &runner->tls, runner->options, recipient,
                 0);
    if (verdict == VERDICT_ACCEPTED && template_makes_option(runner->options->command, &facts))
        verdict = recipient == NULL ? VERDICT_UNSAFE_SENDER : VERDICT_UNSAFE_RECIPIENT;
    if (verdict != VERDICT_ACCEPTED)
        report_address(transaction, runner->connection, recipient, verdict);
    runner->refused += verdict_outcome(verdict) == OUTCOME_REFUSED ? 1 : 0;
    answer(runner, verdict);
}

static bool take_sender(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    struct parameters *parameters = &transaction->envelope.parameters;
    const char *missing = find_missing(runner);
    if (missing != NULL)
        return wrong(runner, missing);
    transaction_begin(transaction, runner->id);
    transaction->extended = request->sender.extended != 0;
    parameters->utf8 = request->sender.utf8 != 0;
    if (!take_text(transaction->helo, sizeof transaction->helo, &transaction->helo_length,
                   &request->sender.helo) ||
        !take_text(parameters->envid, sizeof parameters->envid, &parameters->envid_length,
                   &request->sender.envid) ||
        !take_mailbox(&transaction->envelope.sender, PATH_KIND_REVERSE, &request->sender.mailbox))
        return wrong(runner, "a sender that is none");
    parameters->ret = find_ret(&request->sender.ret);
    judge(runner, NULL);
    bool accepted = runner->answer.verdict == VERDICT_ACCEPTED;
    runner->phase = accepted ? RUNNER_PHASE_SENDER : RUNNER_PHASE_IDLE;
    return true;
}

static bool take_recipient(struct runner *runner, const struct request *request)
{
    struct envelope *envelope = &runner->transaction.envelope;
    struct parameters parameters;
    struct mailbox mailbox;
    parameters_clear(&parameters);
    if (envelope->count >= runner->options->max_recipients)
        return wrong(runner, "more recipients than may be");
    if (runner->refused >= runner->options->max_errors)
        return wrong(runner, "more errors than may be");
    if (!take_mailbox(&mailbox, PATH_KIND_FORWARD, &request->recipient.mailbox) ||
        !take_text(parameters.notify, sizeof parameters.notify, &parameters.notify_length,
                   &request->recipient.notify) ||
        !take_text(parameters.orcpt, sizeof parameters.orcpt, &parameters.orcpt_length,
                   &request->recipient.orcpt))
        return wrong(runner, "a recipient that is none");
    judge(runner, &mailbox);
    /* Where there is no room the session process, whose envelope is as large, finds the same. */
    if (runner->answer.verdict == VERDICT_ACCEPTED && envelope_add(envelope, &mailbox, &parameters))
        runner->phase = RUNNER_PHASE_RECIPIENT;
    return true;
}

/* There are two for each delivery, and for each error of the client. */
static bool take_status(struct runner *runner, const struct request *request)
{
    uint64_t most = 2 * ((uint64_t)runner->transaction.number + 1) *
                    ((uint64_t)runner->options->max_errors + runner->options->max_recipients + 2);
    if (runner->statuses++ > most)
        return wrong(runner, "too many words on what it does");
    notify_status(runner, request->status.receiving != 0 ? receiving : waiting);
    return true;
}

/* Hands the spool over, unless it could not be made. */
static void pass_spool(struct runner *runner, int result)
{
    if (result < 0) {
        log_trouble("spool: %s", strerror(-result));
        answer(runner, VERDICT_STORAGE_FULL);
        return;
    }
    runner->descriptors[0] = runner->spool.descriptor;
    runner->descriptor_count = 1;
}

static bool take_spool(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    int result = spool_begin(&runner->spool);
    if (result == 0)
        runner->phase = RUNNER_PHASE_SPOOL;
    pass_spool(runner, result);
    return true;
}

static bool take_spool_file(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    pass_spool(runner, runner->spool.in_file ? 0 : spool_move_to_file(&runner->spool));
    return true;
}

/* Runs the command on `message`, for all whom `transaction` is for now. */
static void run_command(struct runner *runner, const struct transaction *transaction, int message,
                        uint64_t length)
{
    const struct options *options = runner->options;
    static struct facts facts;
    struct mailbox mailbox;
    const struct mailbox *recipient =
        transaction_recipient(transaction, &mailbox) ? &mailbox : NULL;
    facts_gather(&facts, transaction, runner->connection, &runner->tls, options, recipient, length);
    notify_status(runner, delivering);
    deliver_run(runner->command_path, options->command, &facts, message,
                (int64_t)options->delivery_timeout * 1000, &runner->delivery);
}

/* Runs the command, for `having` recipients fewer, and lists the others where it succeeds. */
static void deliver_to_rest(struct runner *runner, const struct request *request, int message,
                            unsigned first, unsigned end, unsigned having)
{
    const struct transaction *transaction = &runner->transaction;
    struct delivery *delivery = &runner->delivery;
    static struct transaction rest;
    int result = 0;
    if (having > 0) {
        transaction_leave_out(transaction, runner->done.has, &rest);
        transaction = &rest;
    }
    run_command(runner, transaction, message, request->delivery.stored);
    if (delivery->verdict == VERDICT_ACCEPTED)
        result = done_add(&runner->done, &runner->transaction.envelope, first, end);
    else if (having > 0)
        delivery->verdict = VERDICT_DEFERRED; /* a refusal would bounce the mail of all */
    delivery->done = having;
    if (result < 0)
        log_trouble("done-list, after a delivery: %s", strerror(-result));
}

/* Tells the log, and the session process, how it went. */
static void conclude_delivery(struct runner *runner)
{
    struct transaction *transaction = &runner->transaction;
    const struct delivery *delivery = &runner->delivery;
    struct mailbox mailbox;
    bool alone = transaction_recipient(transaction, &mailbox);
    runner->delivered = true;
    runner_allow_until(runner, clock_milliseconds());
    report_delivery(transaction, runner->connection, &runner->tls, alone ? &mailbox : NULL,
                    runner->options->command[0], delivery);
    if (delivery->verdict == VERDICT_ACCEPTED && !runner->counted) {
        runner->counted = true;
        runner->refused = 0;
        transaction->accepted++;
    }
    runner->failed |= delivery->verdict != VERDICT_ACCEPTED;
    answer(runner, delivery->verdict);
    runner->answer.text = record_text(outputs_text(&delivery->outputs));
}

/* Whether the session process is gone, and so nobody left to be told how a delivery went. */
static bool is_alone(const struct runner *runner)
{
    struct pollfd polled = {.fd = runner->socket, .events = 0};
    return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

/* Gives `message` to the command, or to whoever of the recipients does not have it yet. */
static void deliver(struct runner *runner, const struct request *request, int message)
{
    struct transaction *transaction = &runner->transaction;
    struct delivery *delivery = &runner->delivery;
    unsigned first = transaction->each ? transaction->recipient : 0;
    unsigned end = transaction->each ? first + 1 : transaction->envelope.count;
    int having = done_look(&runner->done, message, request->delivery.trace, &transaction->envelope,
                           first, end);
    if (having < 0) {
        log_trouble("done-list: %s", strerror(-having));
        deliver_skip(delivery, VERDICT_DEFERRED, "");
    } else if ((unsigned)having == end - first) {
        deliver_skip(delivery, VERDICT_ACCEPTED, "Delivered before");
        delivery->done = (unsigned)having;
    } else if (is_alone(runner)) { /* behind the locks of done_look: a retry comes after that */
        deliver_skip(delivery, VERDICT_DEFERRED, "");
    } else {
        deliver_to_rest(runner, request, message, first, end, (unsigned)having);
    }
    conclude_delivery(runner);
}

/* Forgets the message, delivered to all recipients or not. */
static void forget(struct runner *runner, bool to_all)
{
    spool_discard(&runner->spool);
    done_settle(&runner->done, to_all && !runner->failed);
    runner->unheard |= runner->counted;
    runner->delivered = runner->counted = runner->failed = false;
    runner->phase = RUNNER_PHASE_IDLE;
}

static bool take_delivery(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    bool each = request->delivery.each != 0;
    unsigned count = transaction->envelope.count;
    bool may_map = runner->options->no_sandbox || (runner->missing & SANDBOX_SECCOMP) != 0 ||
                   runner->connection->carries_descriptors;
    int result = runner->spool.ended ? 0 : spool_end(&runner->spool, may_map);
    int64_t length = spool_length(&runner->spool);
    if (is_late(runner))
        return wrong(runner, "a delivery behind the session's time");
    if (result == -ETXTBSY)
        return wrong(runner, "a message that can still be written to");
    if (length >= 0 && (uint64_t)length != request->delivery.stored)
        return wrong(runner, "a message that was not stored so");
    if (request->delivery.trace > TRACE_MAX)
        return wrong(runner, "more trace than there may be");
    if (!each && (count == 1 || runner->options->one_recipient || runner->options->lmtp ||
                  runner->phase == RUNNER_PHASE_EACH))
        return wrong(runner, "a delivery to others than are meant");
    transaction->each = each;
    transaction->size = request->delivery.size;
    int message = result < 0 ? result : spool_open(&runner->spool);
    if (message < 0) {
        log_trouble("reading the spool: %s", strerror(-message));
        answer(runner, VERDICT_DEFERRED);
        runner->failed = true;
    } else {
        deliver(runner, request, message);
        (void)close(message); /* it was only read */
    }
    bool last = !each || ++transaction->recipient == count;
    runner->phase = RUNNER_PHASE_EACH;
    runner->answer.settled =
        last && runner->delivered; /* else the log is to be told by a discard */
    return true;
}

static bool take_discard(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    int error = request->discard.error;
    if (request->discard.verdict >= VERDICTS ||
        !is_harmless(&request->discard.form, RECORD_TEXT_MAX))
        return wrong(runner, "a verdict that is none");
    if (request->discard.verdict == VERDICT_ACCEPTED)
        return wrong(runner, "a delivery that was none");
    if (error < 0 && error > -ERRORS_MAX)
        log_trouble("spool: %s", strerror(-error));
    transaction->size = request->discard.size;
    transaction->each = false;
    if (!runner->delivered)
        report_refusal(transaction, runner->connection, &runner->tls,
                       (enum verdict)request->discard.verdict, record_span(&request->discard.form));
    forget(runner, false);
    return true;
}

static bool take_heard(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    if (!runner->unheard)
        return wrong(runner, "an answer heard that there was not");
    runner->unheard = false;
    done_forget(&runner->done);
    return true;
}

static bool take_end_of_session(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    char words[SANDBOX_WORDS_MAX];
    if (!take_text(transaction->helo, sizeof transaction->helo, &transaction->helo_length,
                   &request->end.helo) ||
        !is_harmless(&request->end.how, RECORD_TEXT_MAX) ||
        !is_harmless(&request->end.pipelined_behind, RECORD_TEXT_MAX))
        return wrong(runner, "an end that is none");
    const struct report_end end = {
        .how = record_span(&request->end.how),
        .pipelined_behind = record_span(&request->end.pipelined_behind),
        .errors = request->end.errors,
        .unconfined = sandbox_words(runner->missing, words),
        .milliseconds = clock_milliseconds() - runner->began,
    };
    tls_finish(&runner->tls);
    report_connection(transaction, runner->connection, &runner->tls, &end);
    runner->phase = RUNNER_PHASE_OVER;
    return true;
}

enum { BEFORE_MESSAGE = RUNNER_PHASE_IDLE | RUNNER_PHASE_SENDER | RUNNER_PHASE_RECIPIENT };

enum answered { ANSWERED_NEVER, ANSWERED_ALWAYS, ANSWERED_UNLESS_CERTAIN };

/* When each record may come, and whether it is answered. */
static const struct {
    bool (*take)(struct runner *runner, const struct request *request);
    unsigned phases;
    enum answered answered;
} rows[OPERATIONS] = {
    [OPERATION_UNCONFINED] = {take_unconfined, RUNNER_PHASE_PROXY | RUNNER_PHASE_IDLE,
                              ANSWERED_ALWAYS},
    [OPERATION_PROXY] = {take_proxy, RUNNER_PHASE_PROXY, ANSWERED_ALWAYS},
    [OPERATION_NO_PROXY] = {take_no_proxy, RUNNER_PHASE_PROXY, ANSWERED_NEVER},
    [OPERATION_TLS] = {take_tls, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_HANDSHAKE] = {take_handshake, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_CLIENT] = {take_client, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_CREDENTIALS] = {take_credentials, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_SENDER] = {take_sender, BEFORE_MESSAGE, ANSWERED_UNLESS_CERTAIN},
    [OPERATION_RECIPIENT] = {take_recipient, RUNNER_PHASE_SENDER | RUNNER_PHASE_RECIPIENT,
                             ANSWERED_UNLESS_CERTAIN},
    [OPERATION_STATUS] = {take_status, (unsigned)~RUNNER_PHASE_OVER, ANSWERED_NEVER},
    [OPERATION_SPOOL] = {take_spool, RUNNER_PHASE_RECIPIENT, ANSWERED_ALWAYS},
    [OPERATION_SPOOL_FILE] = {take_spool_file, RUNNER_PHASE_SPOOL, ANSWERED_ALWAYS},
    [OPERATION_DELIVERY] = {take_delivery, RUNNER_PHASE_SPOOL | RUNNER_PHASE_EACH, ANSWERED_ALWAYS},
    [OPERATION_DISCARD] = {take_discard,
                           RUNNER_PHASE_RECIPIENT | RUNNER_PHASE_SPOOL | RUNNER_PHASE_EACH,
                           ANSWERED_NEVER},
    [OPERATION_HEARD] = {take_heard, BEFORE_MESSAGE | RUNNER_PHASE_SPOOL | RUNNER_PHASE_EACH,
                         ANSWERED_NEVER},
    [OPERATION_END] = {take_end_of_session, BEFORE_MESSAGE, ANSWERED_NEVER},
};

bool operation_take(struct runner *runner, const struct request *request, bool *answers)
{
    if (request->operation >= OPERATIONS)
        return wrong(runner, "a record that is none");
    if ((rows[request->operation].phases & runner->phase) == 0)
        return wrong(runner, "a record out of its order");
    enum answered answered = rows[request->operation].answered;
    bool certain = request->certain != 0;
    if (certain && answered != ANSWERED_UNLESS_CERTAIN)
        return wrong(runner, "certain what cannot be");
    *answers = answered != ANSWERED_NEVER && !certain;
    runner->descriptor_count = 0;
    runner->answer.text.length = 0;
    runner->answer.settled = false;
    answer(runner, VERDICT_ACCEPTED);
    if (!rows[request->operation].take(runner, request))
        return false;
    return !certain || runner->answer.verdict == VERDICT_ACCEPTED ||
           wrong(runner, "what is not so is called certain");
}

void operation_conclude(struct runner *runner)
{
    if (runner->answer.settled)
        forget(runner, true);
    if (runner->gives_away)
        tls_let_go(&runner->tls);
    runner->gives_away = false;
}
