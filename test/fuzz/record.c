/*
 * Feeds the runner with records as a session process that was taken over might send them, in any
 * order: it must not fall over, and must deliver only what it may. Nothing is executed.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../handler/log.h"
#include "../../handler/operation.h"
#include "../../handler/password.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void __wrap_deliver_run(const char *path, char *const *command, const struct facts *facts,
                        int message, int64_t timeout, struct delivery *delivery);
enum verdict __wrap_password_judge(const char *path, char *const *program,
                                   struct credentials credentials);
bool __wrap_tls_prepare(struct tls *tls, const struct options *options,
                        const struct connection *connection, struct problem *problem);
bool __wrap_tls_shake_hands(struct tls *tls, int64_t timeout, struct problem *problem);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span input;
static unsigned deliveries; /* of the message at hand, each to one recipient or all */

static uint8_t take_octet(void)
{
    uint8_t octet = input.length > 0 ? (uint8_t)input.octets[0] : 0;
    input = span_after(input, input.length > 0 ? 1 : 0);
    return octet;
}

static bool is_harmless(struct span value)
{
    for (size_t i = 0; i < value.length; i++)
        if (((unsigned char)value.octets[i] < ' ' && value.octets[i] != '\n') ||
            value.octets[i] == 127)
            return false;
    return true;
}

/* Every recipient ends with the one domain that is ours, or is the postmaster. */
static bool are_ours(struct span recipients)
{
    const struct span ours = span_of("@localhost");
    while (recipients.length > 0) {
        struct span recipient = span_first(recipients, span_find(recipients, '\n'));
        size_t tail = recipient.length > ours.length ? recipient.length - ours.length : 0;
        if (!span_equal(span_after(recipient, tail), ours) &&
            !span_equal(recipient, span_of("postmaster")))
            return false;
        bool last = recipient.length == recipients.length;
        recipients = span_after(recipients, recipient.length + (last ? 0 : 1));
    }
    return true;
}

void __wrap_deliver_run(const char *path, char *const *command, const struct facts *facts,
                        int message, int64_t timeout, struct delivery *delivery)
{
    (void)path, (void)command, (void)timeout; /* nothing is run */
    assert(lseek(message, 0, SEEK_END) >= 0);
    assert((fcntl(message, F_GETFL) & O_ACCMODE) == O_RDONLY);
    for (size_t i = 0; i < FACT_COUNT; i++)
        assert(is_harmless(facts->values[i]));
    assert(facts->values[FACT_RECIPIENTS].length > 0);
    assert(are_ours(facts->values[FACT_RECIPIENTS]));
    deliveries++;
    assert(deliveries <= ENVELOPE_RECIPIENTS_MAX);
    memset(delivery, 0, sizeof *delivery);
    delivery->verdict = take_octet() % 2 == 0 ? VERDICT_ACCEPTED : VERDICT_DEFERRED;
}

enum verdict __wrap_password_judge(const char *path, char *const *program,
                                   struct credentials credentials)
{
    (void)path, (void)program; /* nothing is run */
    assert(credentials.user.length > 0 && is_harmless(credentials.user));
    assert(credentials.password.length <= AUTH_PASSWORD_MAX);
    return take_octet() % 2 == 0 ? VERDICT_ACCEPTED : VERDICT_REFUSED;
}

bool __wrap_tls_prepare(struct tls *tls, const struct options *options,
                        const struct connection *connection, struct problem *problem)
{
    (void)tls, (void)options, (void)connection; /* no relay is started */
    return take_octet() % 4 != 0 || problem_set(problem, EX_OSERR, "none");
}

bool __wrap_tls_shake_hands(struct tls *tls, int64_t timeout, struct problem *problem)
{
    (void)timeout; /* nobody is waited for */
    tls->in = tls->out = -1;
    tls->secured = take_octet() % 4 != 0;
    return tls->secured || problem_set(problem, EX_PROTOCOL, "none");
}

/* Text of the input; its length may be beyond what there is room for. */
static struct record_text take_text(void)
{
    size_t claimed = (size_t)take_octet() * 3;
    size_t length = claimed < input.length ? claimed : input.length;
    struct record_text text = record_text(span_first(input, length));
    input = span_after(input, length);
    if (claimed > RECORD_TEXT_MAX)
        text.length = (uint16_t)claimed;
    return text;
}

/* One that is right more often than not. */
static struct record_text take_mailbox(void)
{
    struct record_text text = take_text();
    uint8_t kind = take_octet();
    return kind % 4 == 0 ? text
                         : record_text(span_of(kind % 2 == 0 ? "a@localhost" : "-b@localhost"));
}

static struct record_end take_end(void)
{
    return (struct record_end){take_octet(), take_text()};
}

static void fill(const struct runner *runner, struct request *request)
{
    switch (request->operation) {
    case OPERATION_PROXY:
    case OPERATION_CLIENT:
        request->client.named = take_octet();
        request->client.client = take_end();
        request->client.local = take_end();
        request->client.hostname = take_text();
        request->client.user = take_text();
        break;
    case OPERATION_CREDENTIALS:
        request->credentials.login = take_octet();
        request->credentials.user = take_text();
        request->credentials.password = take_text();
        break;
    case OPERATION_SENDER:
        request->certain = take_octet() % 8 == 7;
        request->sender.extended = take_octet();
        request->sender.helo = take_text();
        request->sender.envid = take_text();
        request->sender.ret = take_text();
        request->sender.mailbox = take_mailbox();
        break;
    case OPERATION_RECIPIENT:
        request->certain = take_octet() % 8 == 7;
        request->recipient.notify = take_text();
        request->recipient.orcpt = take_text();
        request->recipient.mailbox = take_mailbox();
        break;
    case OPERATION_DELIVERY: {
        int64_t length = runner->spool.descriptor >= 0 ? spool_length(&runner->spool) : 0;
        request->delivery.each = take_octet() % 2;
        request->delivery.stored = (uint64_t)length + (take_octet() % 8 == 7 ? 1 : 0);
        break;
    }
    case OPERATION_DISCARD:
        request->discard.verdict = take_octet();
        request->discard.error = take_octet() % 2 == 0 ? -ENOSPC : INT32_MIN;
        request->discard.form = take_text();
        break;
    default: {
        size_t length = input.length < 64 ? input.length : 64;
        memcpy((char *)request + sizeof request->operation, input.octets, length);
        input = span_after(input, length);
    }
    }
}

static void begin(struct runner *runner)
{
    static char command[] = "command", recipient[] = "{recipient}", domain[] = "localhost";
    static char *words[] = {command, recipient, NULL};
    static struct connection connection;
    static struct options options;
    static struct recipients recipients;
    uint8_t settings = take_octet();
    /* The envelope is large, and cleared below; what is behind it is set before it is read. */
    memset(runner, 0, offsetof(struct runner, transaction.envelope));
    memset(&options, 0, sizeof options);
    connection = (struct connection){.in_is_socket = true};
    (void)endpoint_parse(&connection.client, "192.0.2.1");
    options.domains.names[options.domains.count++] = domain;
    options.recipient_delimiter = '+';
    options.max_recipients = 5;
    options.max_messages = 3;
    options.max_errors = 2;
    options.command = words + (settings & 1 ? 1 : 0);
    options.tls = settings & 2 ? TLS_OPTION_REQUIRED : TLS_OPTION_STARTTLS;
    options.proxy_protocol = (settings & 8) != 0;
    options.lmtp = (settings & 16) != 0;
    options.dsn = true;
    if ((settings & 32) != 0)
        (void)networks_add(&options.xclient, "192.0.2.0/24");
    recipients = (struct recipients){&options, domain, "", NULL};
    runner->options = &options;
    runner->connection = &connection;
    runner->recipients = &recipients;
    runner->command_path = command;
    runner->auth_path = settings & 4 ? command : NULL;
    runner->id = "id";
    runner->spool = spool_of("/tmp");
    runner->phase = options.proxy_protocol ? RUNNER_PHASE_PROXY : RUNNER_PHASE_IDLE;
    envelope_clear(&runner->transaction.envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct runner runner;
    struct request request;
    bool answers = false;
    input = (struct span){(const char *)data, size};
    log_open(LOG_OPTION_NONE, false);
    begin(&runner);
    do {
        memset(&request, 0, sizeof request);
        request.operation = take_octet() % (OPERATIONS + 1);
        fill(&runner, &request);
        if (request.operation == OPERATION_SENDER)
            deliveries = 0;
        if (!operation_take(&runner, &request, &answers)) {
            assert(runner.wrong != NULL);
            break;
        }
        operation_conclude(&runner);
        assert(request.certain == 0 || (!answers && runner.answer.verdict == VERDICT_ACCEPTED));
        assert(runner.transaction.number <= runner.options->max_messages);
        assert(runner.transaction.envelope.count <= runner.options->max_recipients);
        ssize_t written = request.operation == OPERATION_SPOOL
                              ? write(runner.spool.descriptor, "octets", take_octet() % 7)
                              : 0;
        assert(written >= 0);
    } while (input.length > 0 && runner.phase != RUNNER_PHASE_OVER);
    spool_discard(&runner.spool);
    return 0;
}
