/*
 * Feeds the runner with records as a frontend that was taken over might send them, in any
 * order and at any time, for as long as it takes them: it must not fall over, must deliver only
 * what it may, believe nothing that a client cannot have said, and come to an end in its time.
 * Nothing is executed, nobody is killed, and the clock is ours.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/boundary/boundary.h"
#include "handler/log.h"
#include "handler/runner/filtered.h"
#include "handler/runner/runner.h"
#include "handler/verdict/password.h"
#include "handler/verdict/penalty.h"
#include "session/text/utf8.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void __wrap_deliver_run(const struct command *command, const struct attributes *attributes,
                        int message, int64_t timeout, int rules, struct delivery *delivery);
void __wrap_deliver_filter(const struct command *command, const struct attributes *attributes,
                           int message, int64_t timeout, int rules, const struct deliver_ends *ends,
                           struct delivery *delivery);
enum verdict __wrap_password_verdict(const char *path, const struct options *options,
                                     struct credentials credentials, unsigned *missing);
void __wrap_policy_ask(struct policy *policy, const struct transaction *transaction,
                       const struct mailbox *recipient, struct policy_answer *answer);
bool __wrap_penalty_wait(const struct penalty *penalty, unsigned failures, unsigned of_network);
void __wrap_resolve_client(const struct endpoint *client, char name[DOMAIN_MAX + 1]);
bool __wrap_tls_prepare(struct tls *tls, const struct options *options,
                        const struct connection *connection, struct problem *problem);
bool __wrap_tls_perform_handshake(struct tls *tls, int64_t timeout, struct problem *problem);
int __wrap_channel_receive(int socket, void *octets, size_t length, int *descriptors, size_t count,
                           int flags);
int __wrap_channel_send(int socket, const void *octets, size_t length, const int *descriptors,
                        size_t count, int flags);
bool __wrap_process_wait(pid_t process, int64_t timeout, int *status);
int __wrap_kill(pid_t process, int number);
int __real_spool_seal(struct spool *spool, bool may_be_mapped);
int __wrap_spool_seal(struct spool *spool, bool may_be_mapped);
bool __wrap_signals_stop_pending(void);
int64_t __wrap_clock_milliseconds(void);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FRONTEND_PROCESS = 1 << 23, /* more than there can be */
    POLICY_MILLISECONDS = 10000,
    PASSWORD_MILLISECONDS = 61000 /* that a password program may take, and its end */
};

static struct runner runner;
static struct command delivered, checked;
static struct filters filters;
static struct span input;
static bool is_discarded;   /* the message at hand, by a policy server */
static unsigned checks;     /* of recipients */
static unsigned deliveries; /* of the message at hand, each to one recipient or all */
static unsigned tries, handshakes, resolved, belated; /* works that began behind SIGTERM */
static unsigned served, worked_for;                   /* requests so far; the last that took time */
static int64_t spent;                                 /* on that */
static int64_t now;                                   /* milliseconds */
static int64_t stopped;                               /* when SIGTERM came; -1 for not yet */
static int64_t longest;                               /* that anything took which was asked for */

static uint8_t take_octet(void)
{
    uint8_t octet = input.length > 0 ? (uint8_t)input.octets[0] : 0;
    input = span_after(input, input.length > 0 ? 1 : 0);
    return octet;
}

/* Time goes by, and SIGTERM may come meanwhile. */
static void pass_time(int64_t max)
{
    uint8_t part = take_octet();
    now += max * part / UINT8_MAX;
    if (stopped < 0 && part % 32 == 31)
        stopped = now;
}

/* What was asked for takes up to `max` milliseconds, or another part of it does. */
static void work(int64_t max)
{
    int64_t began = now;
    /* Asked for before the runner, or then the frontend, knew of it. */
    if (worked_for != served) {
        belated += stopped >= 0 ? 1 : 0;
        worked_for = served;
        spent = 0;
    }
    assert(belated <= 2);
    pass_time(max);
    spent += now - began;
    longest = spent > longest ? spent : longest;
}

int64_t __wrap_clock_milliseconds(void)
{
    return now;
}

bool __wrap_signals_stop_pending(void)
{
    return stopped >= 0;
}

int __wrap_kill(pid_t process, int number)
{
    assert(process == FRONTEND_PROCESS && (number == SIGTERM || number == SIGKILL));
    return 0;
}

bool __wrap_process_wait(pid_t process, int64_t timeout, int *status)
{
    assert(process == FRONTEND_PROCESS && timeout > 0);
    *status = take_octet() % 2 == 0 ? 0 : SIGKILL;
    return take_octet() % 4 != 0;
}

/* Well-formed and without control characters; a list has its lines. */
static bool is_harmless(struct span value)
{
    while (value.length > 0) {
        char c = value.octets[0];
        size_t length = (c >= ' ' && c <= '~') || c == '\n' ? 1 : utf8_length(value);
        if (length == 0)
            return false;
        value = span_after(value, length);
    }
    return true;
}

static bool has_only(struct span list, bool (*is_valid)(struct span line))
{
    while (list.length > 0) {
        struct span line = span_first(list, span_find(list, '\n'));
        if (line.length > 0 && !is_valid(line))
            return false;
        list = span_after(list, line.length + (line.length < list.length ? 1 : 0));
    }
    return true;
}

/* Every recipient ends with the one domain that is ours, or is the postmaster. */
static bool is_ours(struct span recipient)
{
    const struct span ours = span_of("@localhost");
    size_t tail = recipient.length > ours.length ? recipient.length - ours.length : 0;
    return span_equal(span_after(recipient, tail), ours) ||
           span_equal(recipient, span_of("postmaster"));
}

/* As the session has made it: null, or with a domain. */
static bool is_sender(struct span sender)
{
    struct mailbox mailbox;
    struct span rest = sender;
    return sender.length == 0 ||
           (path_parse(&rest, PATH_KIND_REVERSE, &mailbox) == PATH_RESULT_OK && rest.length == 0 &&
            span_equal(mailbox_whole(&mailbox), sender) && mailbox_domain(&mailbox).length > 0);
}

/* A client may have said this, where and when it may. */
static void look_at(const struct span *values)
{
    const struct options *options = runner.options;
    const struct envelope *envelope = &runner.transaction.envelope;
    struct span user = values[ATTRIBUTE_SASL_USERNAME], envid = values[ATTRIBUTE_ENVID];
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        assert(is_harmless(values[i]));
    assert(helo_is_name(values[ATTRIBUTE_HELO]));
    assert(is_sender(values[ATTRIBUTE_SENDER]));
    assert(user.length == 0 ? !options->submission : auth_is_name(user));
    assert(envid.length == 0 || parameter_is_envid(envid));
    assert(has_only(values[ATTRIBUTE_NOTIFY], parameter_is_notify));
    assert(has_only(values[ATTRIBUTE_ORCPT], parameter_is_orcpt));
    assert(envelope->parameters.utf8 || (span_is_ascii(values[ATTRIBUTE_SENDER]) &&
                                         span_is_ascii(values[ATTRIBUTE_RECIPIENTS])));
    assert(!runner.one_recipient || values[ATTRIBUTE_TRACE_SIZE].octets != NULL ||
           span_find(values[ATTRIBUTE_RECIPIENTS], '\n') == values[ATTRIBUTE_RECIPIENTS].length);
    assert(options->tls != TLS_OPTION_REQUIRED || runner.transaction.secured);
    assert(options->submission || has_only(values[ATTRIBUTE_RECIPIENTS], is_ours));
    assert(values[ATTRIBUTE_RECIPIENTS].length > 0);
}

void __wrap_deliver_run(const struct command *command, const struct attributes *attributes,
                        int message, int64_t timeout, int rules, struct delivery *delivery)
{
    (void)rules; /* nothing is run */
    assert(lseek(message, 0, SEEK_END) >= 0);
    assert((fcntl(message, F_GETFL) & O_ACCMODE) == O_RDONLY);
    look_at(attributes->values);
    assert(command == &checked || !is_discarded);
    if (command == &checked) {
        checks++;
        assert(checks <= runner.options->max_recipients && !runner.options->submission);
    } else {
        deliveries++;
        assert(deliveries <= runner.transaction.envelope.count + runner.filtered.edits.added);
    }
    work(timeout + 1000);
    memset(delivery, 0, sizeof *delivery);
    delivery->verdict = take_octet() % 2 == 0 ? VERDICT_ACCEPTED : VERDICT_DEFERRED;
}

/* Writes one of the texts, or what the input has. */
static void write_some(int descriptor, const char *const *texts, size_t count)
{
    uint8_t kind = take_octet();
    size_t any = take_octet();
    struct span text = span_of(texts[kind % count]);
    if (kind == UINT8_MAX) {
        text = span_first(input, any < input.length ? any : input.length);
        input = span_after(input, text.length);
    }
    assert(write(descriptor, text.octets, text.length) == (ssize_t)text.length);
}

void __wrap_deliver_filter(const struct command *command, const struct attributes *attributes,
                           int message, int64_t timeout, int rules, const struct deliver_ends *ends,
                           struct delivery *delivery)
{
    static const char *const lines[] = {
        "",
        "sender new@example.net\n",
        "recipient b@localhost\n",
        "not a@localhost\n",
        "recipient b@localhost\nnot postmaster\nquarantine q\nsender <>\n",
        "recipient c@d.e\n"};
    static const char *const messages[] = {"", "", "new\n"};
    static const char *const fields[] = {"", "X: 1\n", "none\n"};
    (void)command, (void)rules; /* nothing is run */
    assert(lseek(message, 0, SEEK_CUR) == 0);
    assert((fcntl(message, F_GETFL) & O_ACCMODE) == O_RDONLY);
    look_at(attributes->values);
    work(timeout + 1000);
    write_some(ends->edits, lines, sizeof lines / sizeof *lines);
    write_some(ends->edits, lines, sizeof lines / sizeof *lines);
    write_some(ends->message, messages, sizeof messages / sizeof *messages);
    text_add_string(ends->fields, fields[take_octet() % 3]);
    memset(delivery, 0, sizeof *delivery);
    uint8_t end = take_octet();
    delivery->verdict = end % 4 != 3 ? VERDICT_ACCEPTED : VERDICT_DEFERRED;
    delivery->discarded = end % 16 == 4;
}

/* What a server may say, in any order. */
void __wrap_policy_ask(struct policy *policy, const struct transaction *transaction,
                       const struct mailbox *recipient, struct policy_answer *answer)
{
    static const char *const fields[] = {"X-A: b", "X-C: d", "no field", ": x"};
    uint8_t kind = take_octet();
    assert(policy == &runner.policy && transaction == &runner.transaction);
    assert(transaction->connection->client.text[0] != '\0' && recipient->length > 0);
    policy->is_reported = false; /* it answers */
    work(POLICY_MILLISECONDS);
    answer->verdict = kind % 8 == 0   ? VERDICT_POSTPONED
                      : kind % 8 == 1 ? VERDICT_REJECTED
                                      : VERDICT_ACCEPTED;
    answer->effect = answer->verdict != VERDICT_ACCEPTED
                         ? POLICY_EFFECT_NONE
                         : (enum policy_effect)(kind / 8 % (POLICY_EFFECT_DEFER_IF_REFUSED + 1));
    answer->action = span_of("an action");
    answer->text = span_of(fields[kind / 64]);
    is_discarded = is_discarded || answer->effect == POLICY_EFFECT_DISCARD;
}

enum verdict __wrap_password_verdict(const char *path, const struct options *options,
                                     struct credentials credentials, unsigned *missing)
{
    static const enum verdict verdicts[] = {VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_DEFERRED};
    (void)path, (void)options; /* nothing is run */
    *missing = 0;
    assert(auth_is_name(credentials.user) && auth_is_password(credentials.password));
    tries++;
    assert(tries <= AUTH_FAILURES_MAX + AUTH_DEFERRALS_MAX);
    work(PASSWORD_MILLISECONDS);
    return verdicts[take_octet() % 3];
}

bool __wrap_penalty_wait(const struct penalty *penalty, unsigned failures, unsigned of_network)
{
    (void)penalty, (void)of_network; /* nobody waits */
    assert(failures <= AUTH_FAILURES_MAX);
    return true;
}

void __wrap_resolve_client(const struct endpoint *client, char name[DOMAIN_MAX + 1])
{
    resolved++;
    assert(resolved == 1 && client->text[0] != '\0' && runner.options->resolve);
    memcpy(name, "a.example", sizeof "a.example");
}

bool __wrap_tls_prepare(struct tls *tls, const struct options *options,
                        const struct connection *connection, struct problem *problem)
{
    (void)tls, (void)options, (void)connection; /* no relay is started */
    return take_octet() % 4 != 0 || problem_set(problem, EX_OSERR, "none");
}

bool __wrap_tls_perform_handshake(struct tls *tls, int64_t timeout, struct problem *problem)
{
    handshakes++;
    assert(handshakes == 1 && !runner.xclient_served);
    work(timeout);
    tls->in = tls->out = -1;
    return take_octet() % 4 != 0 || problem_set(problem, EX_PROTOCOL, "none");
}

/* Somebody has it mapped. */
int __wrap_spool_seal(struct spool *spool, bool may_be_mapped)
{
    return take_octet() % 4 == 3 ? -EBUSY : __real_spool_seal(spool, may_be_mapped);
}

/* Text of the input; its length may be beyond what there is room for. */
static struct record_text take_any_text(void)
{
    size_t claimed = (size_t)take_octet() * 3;
    size_t length = claimed < input.length ? claimed : input.length;
    struct record_text text = record_text(span_first(input, length));
    input = span_after(input, length);
    if (claimed > RECORD_TEXT_MAX)
        text.length = (uint16_t)claimed;
    return text;
}

/* One that is right, or empty, more often than not. */
static struct record_text take_text(const char *right)
{
    uint8_t kind = take_octet() % 8;
    return kind == 0 ? take_any_text() : record_text(span_of(kind < 3 ? "" : right));
}

static struct record_text take_mailbox(void)
{
    static const char *const some[] = {"a@localhost",        "-b@localhost", "",
                                       "\xc3\xbc@localhost", "postmaster",   "\"a b\"@[127.0.0.1]",
                                       "a..b@localhost",     "<a@b_c>"};
    uint8_t kind = take_octet() % 16;
    return kind == 0
               ? take_any_text()
               : record_text(span_of(kind < sizeof some / sizeof *some ? some[kind] : some[0]));
}

static void fill_envelope(struct request *request)
{
    if (request->operation == OPERATION_SENDER) {
        uint8_t flags = take_octet();
        request->sender.extended = flags % 4 != 0;
        request->sender.utf8 = (flags & 4) != 0;
        request->sender.prdr = (flags & 8) != 0;
        request->sender.binary = (flags & 16) != 0;
        request->known = flags >= 224;
        request->sender.helo = take_text("client.example");
        request->sender.envid = take_text("id+1");
        request->sender.ret = take_text("HDRS");
        request->sender.mailbox = take_mailbox();
    } else {
        request->known = take_octet() >= 224;
        request->recipient.notify = take_text("SUCCESS,DELAY");
        request->recipient.orcpt = take_text("utf-8;\xc3\xbc@example.org");
        request->recipient.dropped = take_text("ORCPT=root");
        request->recipient.mailbox = take_mailbox();
    }
}

static void fill_delivery(struct request *request)
{
    int64_t length = runner.spool.descriptor >= 0 ? spool_length(&runner.spool) : 0;
    uint8_t flags = take_octet();
    request->delivery.each = flags % 4 != 0;
    request->delivery.stored = (uint64_t)length + (flags >= 240 ? 1 : 0);
    request->delivery.trace = flags == 32 ? UINT32_MAX : flags == 36 ? 1 : 0;
    request->delivery.added = flags == 40 ? UINT32_MAX : flags == 44 ? 1 : 0;
}

static void fill_refusal(struct request *request)
{
    request->refused.subject = take_octet() % (SUBJECTS + 1);
    request->refused.reply = take_octet() % (REPLIES + 1);
    request->refused.in_transaction = take_octet() % 2;
    request->refused.helo = take_text("client.example");
    request->refused.text = take_text("\xc3\xbc@localhost");
}

static void fill_client(struct request *request)
{
    request->client.named = take_octet() % 2;
    request->client.client.port = take_octet();
    request->client.client.address = take_text("192.0.2.7");
    request->client.local.address = take_text("2001:db8::1");
    request->client.hostname = take_text("host.example");
    request->client.user = take_text("user");
}

static void fill(struct request *request)
{
    switch (request->operation) {
    case OPERATION_PROXY:
    case OPERATION_XCLIENT:
        fill_client(request);
        break;
    case OPERATION_CREDENTIALS:
        request->credentials.login = take_octet() % 2;
        request->credentials.extended = take_octet() % 8 != 0;
        request->credentials.user = take_text("user");
        request->credentials.password = take_text("password");
        break;
    case OPERATION_SENDER:
    case OPERATION_RECIPIENT:
        fill_envelope(request);
        break;
    case OPERATION_DELIVERY:
        fill_delivery(request);
        break;
    case OPERATION_REFUSED:
        fill_refusal(request);
        break;
    case OPERATION_DISCARD:
        request->discard.verdict = take_octet();
        request->discard.error = take_octet() % 2 == 0 ? -ENOSPC : INT32_MIN;
        request->discard.bad_line_end = take_text("a form");
        break;
    default: {
        size_t length = input.length < 8 ? input.length : 8;
        memcpy((char *)request + sizeof request->operation, input.octets, length);
        input = span_after(input, length);
    }
    }
}

/* What would make sense now, more often than not. */
static uint32_t choose_operation(void)
{
    static const struct {
        enum runner_phase phase;
        enum operation operations[8];
    } rows[] = {
        {RUNNER_PHASE_PROXY, {OPERATION_PROXY}},
        {RUNNER_PHASE_IDLE,
         {OPERATION_SENDER, OPERATION_SENDER, OPERATION_SENDER, OPERATION_TLS, OPERATION_HANDSHAKE,
          OPERATION_CREDENTIALS, OPERATION_CREDENTIALS, OPERATION_XCLIENT}},
        {RUNNER_PHASE_SENDER,
         {OPERATION_RECIPIENT, OPERATION_RECIPIENT, OPERATION_RECIPIENT, OPERATION_RECIPIENT,
          OPERATION_RECIPIENT, OPERATION_SENDER, OPERATION_CREDENTIALS, OPERATION_REFUSED}},
        {RUNNER_PHASE_RECIPIENT,
         {OPERATION_SPOOL, OPERATION_SPOOL, OPERATION_SPOOL, OPERATION_SPOOL, OPERATION_RECIPIENT,
          OPERATION_RECIPIENT, OPERATION_DISCARD, OPERATION_ACKNOWLEDGED}},
        {RUNNER_PHASE_SPOOL,
         {OPERATION_DELIVERY, OPERATION_DELIVERY, OPERATION_DELIVERY, OPERATION_DELIVERY,
          OPERATION_SPOOL_FILE, OPERATION_DISCARD, OPERATION_REFUSED, OPERATION_ACKNOWLEDGED}},
        {RUNNER_PHASE_EACH,
         {OPERATION_DELIVERY, OPERATION_DELIVERY, OPERATION_DELIVERY, OPERATION_DELIVERY,
          OPERATION_DISCARD, OPERATION_DISCARD, OPERATION_DISCARD, OPERATION_ACKNOWLEDGED}},
    };
    uint8_t kind = take_octet();
    for (size_t i = 0; kind % 8 != 0 && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].phase == runner.phase)
            return (uint32_t)rows[i].operations[kind / 32];
    return take_octet() % (OPERATIONS + 1);
}

/* The next record, some time later; the frontend's last may be missing. */
int __wrap_channel_receive(int socket, void *octets, size_t length, int *descriptors, size_t count,
                           int flags)
{
    struct request *request = octets;
    (void)socket, (void)flags; /* it comes from the input */
    for (size_t i = 0; i < count; i++)
        descriptors[i] = -1;
    assert(length == sizeof *request && (runner.gone || now < runner.until));
    if (input.length == 0)
        return -EPIPE;
    if (!runner.gone) { /* what a frontend that is gone has told is there */
        int64_t left = runner.until - now - 1;
        pass_time(take_octet() % 4 == 0 || left < 100 ? left : 100);
    }
    served++;
    memset(request, 0, sizeof *request);
    request->operation = choose_operation();
    if (request->operation == OPERATIONS)
        return take_octet() % 2 == 0 ? -EBADMSG : -ECONNRESET;
    if (runner.phase == RUNNER_PHASE_SPOOL && !runner.spool.sealed) {
        ssize_t written = write(runner.spool.descriptor, "octets", take_octet() % 7);
        assert(written >= 0);
    }
    fill(request);
    if (request->operation == OPERATION_SENDER) {
        deliveries = 0;
        is_discarded = false;
    }
    return 0;
}

int __wrap_channel_send(int socket, const void *octets, size_t length, const int *descriptors,
                        size_t count, int flags)
{
    const struct answer *answer = octets;
    (void)socket, (void)descriptors, (void)flags; /* nobody is answered */
    assert(length == sizeof *answer && count <= CHANNEL_DESCRIPTORS_MAX);
    assert(answer->verdict < VERDICTS && answer->text.length <= RECORD_TEXT_MAX);
    assert(runner.transaction.number <= runner.options->max_messages);
    assert(runner.transaction.envelope.count <= runner.options->max_recipients);
    uint8_t octet = take_octet();
    return octet == UINT8_MAX ? -ETOOMANYREFS : octet == UINT8_MAX - 1 ? -EPIPE : 0;
}

static void choose(struct options *options)
{
    static char command[] = "command", recipient[] = "{recipient}", domain[] = "localhost";
    static char *words[] = {command, recipient, NULL};
    uint8_t settings = take_octet(), more = take_octet();
    memset(options, 0, sizeof *options);
    options->domains.names[options->domains.count++] = domain;
    options->recipient_delimiter = '+';
    options->max_recipients = 5;
    options->max_messages = 3;
    options->max_errors = 2;
    options->session_timeout = more & 16 ? 100 : 3600;
    options->delivery_timeout = 240;
    options->filter_timeout = 120;
    options->command_timeout = 300;
    options->command = words + (settings & 1 ? 1 : 0);
    delivered.words = options->command;
    options->tls = settings & 2 ? TLS_OPTION_REQUIRED : TLS_OPTION_STARTTLS;
    options->proxy_protocol = (settings & 8) != 0;
    options->lmtp = (settings & 16) != 0;
    if ((settings & 32) != 0)
        (void)cidr_add(&options->xclient, "192.0.2.0/24");
    options->dsn = (settings & 64) == 0;
    options->resolve = (more & 32) != 0;
    options->policy = more & 8 ? "/policy" : NULL;
    runner.one_recipient = (settings & 128) != 0;
    options->submission = more % 8 == 7;
    runner.command = &delivered;
    checked.words = words;
    runner.recipient_check = more & 64 ? &checked : NULL;
    filters.count = more & 128 ? 2 : 0;
    filters.commands[0].words = filters.commands[1].words = words;
    runner.filters = &filters;
    runner.auth_path = settings & 4 ? command : NULL;
}

static void begin(void)
{
    static char domain[] = "localhost";
    static struct connection connection;
    static struct options options;
    static struct recipients recipients;
    /* The envelope is large, and cleared below; what is behind it is set before it is read. */
    memset(&runner, 0, offsetof(struct runner, transaction.envelope));
    runner.transaction.each = false;
    runner.transaction.recipient = 0;
    envelope_clear(&runner.transaction.envelope);
    choose(&options);
    connection = (struct connection){.in_is_socket = true};
    (void)endpoint_parse(&connection.client, span_of("192.0.2.1"));
    recipients = (struct recipients){.options = &options, .hostname = domain, .local_address = ""};
    runner.options = &options;
    runner.connection = &connection;
    runner.recipients = &recipients;
    runner.id = "id";
    runner.hostname = domain;
    runner.spool = spool_new("/tmp");
    runner.began = now = 1000;
    stopped = -1;
    longest = 0;
    filtered_clear(&runner.filtered);
    served = worked_for = 0;
    is_discarded = false;
    checks = deliveries = tries = handshakes = resolved = belated = 0;
}

/* The latest that the session may have ended at: it asks for its last in its time, or before. */
static int64_t find_latest(void)
{
    const int64_t farewell = BOUNDARY_FAREWELL_SECONDS * 1000LL;
    int64_t latest = runner.began + (int64_t)runner.options->session_timeout * 1000;
    latest += farewell + longest + farewell;
    latest += 300; /* the last record, which came in time, its answer, and the look for more */
    /* What was under way when SIGTERM came, and one more that was asked for by then. */
    if (stopped >= 0 && stopped + 2 * (farewell + longest) < latest)
        latest = stopped + 2 * (farewell + longest);
    return latest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    input = (struct span){(const char *)data, size};
    log_open(LOG_OPTION_NONE, false);
    begin();
    /* There is always something to be received. */
    assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    assert(write(ends[1], "x", 1) == 1);
    (void)runner_run(&runner, ends[0], FRONTEND_PROCESS);
    assert(now <= find_latest());
    assert(runner.spool.descriptor == -1);
    (void)close(ends[0]); /* nothing is lost by it */
    (void)close(ends[1]); /* likewise */
    return 0;
}
