#include "handler/boundary/boundary.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "handler/boundary/channel.h"
#include "handler/boundary/record.h"

struct boundary boundary_new(void)
{
    return (struct boundary){.spool = -1};
}

bool boundary_is_lost(const struct boundary *boundary)
{
    return boundary->lost;
}

/* A request to fill in, zeros at first. */
static struct request *begin(enum operation operation)
{
    static struct request request;
    memset(&request, 0, sizeof request);
    request.operation = (uint32_t)operation;
    return &request;
}

static void send_request(struct boundary *boundary, const struct request *request)
{
    if (!boundary->lost &&
        channel_send(BOUNDARY_DESCRIPTOR, request, sizeof *request, NULL, 0, 0) != 0)
        boundary->lost = true;
}

/* The answer, and up to `count` descriptors if its verdict is VERDICT_ACCEPTED. */
static const struct answer *receive_answer(struct boundary *boundary, int *descriptors,
                                           size_t count)
{
    static struct answer answer;
    if (!boundary->lost &&
        channel_receive(BOUNDARY_DESCRIPTOR, &answer, sizeof answer, descriptors, count, 0) != 0)
        boundary->lost = true;
    if (boundary->lost)
        answer = (struct answer){.verdict = VERDICT_DEFERRED};
    return &answer;
}

static enum verdict ask(struct boundary *boundary, const struct request *request)
{
    send_request(boundary, request);
    return (enum verdict)receive_answer(boundary, NULL, 0)->verdict;
}

static struct boundary_verdict verdict_of(const struct answer *answer)
{
    return (struct boundary_verdict){(enum verdict)answer->verdict, record_span(&answer->text)};
}

/* Asks for a verdict and its text; does not wait for them if `known` says that it is accepted. */
static struct boundary_verdict ask_unless_known(bool known, struct boundary *boundary,
                                                struct request *request)
{
    request->known = known;
    send_request(boundary, request);
    if (known)
        return (struct boundary_verdict){boundary->lost ? VERDICT_DEFERRED : VERDICT_ACCEPTED,
                                         span_empty()};
    return verdict_of(receive_answer(boundary, NULL, 0));
}

bool boundary_report_unconfined(struct boundary *boundary, unsigned missing)
{
    struct request *request = begin(OPERATION_UNCONFINED);
    request->unconfined.missing = missing;
    return ask(boundary, request) == VERDICT_ACCEPTED;
}

static struct record_endpoint endpoint_record(const struct endpoint *endpoint)
{
    return (struct record_endpoint){(uint16_t)endpoint->port, record_text(span_of(endpoint->text))};
}

bool boundary_replace_client(struct boundary *boundary, const struct connection *connection,
                             bool by_xclient, struct span user)
{
    struct request *request = begin(by_xclient ? OPERATION_XCLIENT : OPERATION_PROXY);
    request->client.named = connection->is_proxied;
    request->client.client = endpoint_record(&connection->client);
    request->client.local = endpoint_record(&connection->local);
    request->client.hostname = record_text(span_of(connection->client_hostname));
    request->client.user = record_text(user);
    return ask(boundary, request) == VERDICT_ACCEPTED;
}

void boundary_report_proxy(struct boundary *boundary, bool silent, const char *reason)
{
    struct request *request = begin(OPERATION_NO_PROXY);
    request->no_proxy.silent = silent;
    request->no_proxy.reason = record_text(span_of(reason));
    send_request(boundary, request);
}

void boundary_resolve(struct boundary *boundary, struct connection *connection)
{
    send_request(boundary, begin(OPERATION_RESOLVE));
    connection_set_hostname(connection, record_span(&receive_answer(boundary, NULL, 0)->text));
}

bool boundary_prepare_tls(struct boundary *boundary)
{
    return ask(boundary, begin(OPERATION_TLS)) == VERDICT_ACCEPTED;
}

bool boundary_handshake(struct boundary *boundary, int *in, int *out, bool *are_sockets)
{
    int descriptors[CHANNEL_DESCRIPTORS_MAX] = {-1, -1};
    send_request(boundary, begin(OPERATION_HANDSHAKE));
    const struct answer *answer = receive_answer(boundary, descriptors, CHANNEL_DESCRIPTORS_MAX);
    *in = descriptors[0];
    *out = descriptors[1];
    *are_sockets = answer->are_sockets != 0;
    return answer->verdict == VERDICT_ACCEPTED;
}

void boundary_send_credentials(struct boundary *boundary, const struct session *session,
                               struct credentials credentials)
{
    struct request *request = begin(OPERATION_CREDENTIALS);
    request->credentials.login = span_equal(credentials.mechanism, span_of("LOGIN"));
    request->credentials.extended = session_is_extended(session);
    request->credentials.user = record_text(credentials.user);
    request->credentials.password = record_text(credentials.password);
    send_request(boundary, request);
    explicit_bzero(request, sizeof *request);
}

enum verdict boundary_receive_verdict(struct boundary *boundary)
{
    return (enum verdict)receive_answer(boundary, NULL, 0)->verdict;
}

struct boundary_verdict boundary_ask_sender(struct boundary *boundary,
                                            const struct session *session, bool known)
{
    const struct envelope *envelope = session_envelope(session);
    const struct parameters *parameters = &envelope->parameters;
    struct request *request = begin(OPERATION_SENDER);
    request->sender.extended = session_is_extended(session);
    request->sender.utf8 = parameters->utf8;
    request->sender.prdr = parameters->prdr;
    request->sender.binary = parameters->binary;
    request->sender.size = parameters->size;
    request->sender.helo = record_text(session_helo(session));
    request->sender.envid = record_text((struct span){parameters->envid, parameters->envid_length});
    request->sender.ret = record_text(span_of(parameters->ret));
    request->sender.mailbox = record_text(mailbox_whole(&envelope->sender));
    return ask_unless_known(known, boundary, request);
}

struct boundary_verdict boundary_ask_recipient(struct boundary *boundary,
                                               const struct mailbox *mailbox,
                                               const struct parameters *parameters, bool known)
{
    struct request *request = begin(OPERATION_RECIPIENT);
    request->recipient.notify =
        record_text((struct span){parameters->notify, parameters->notify_length});
    request->recipient.orcpt =
        record_text((struct span){parameters->orcpt, parameters->orcpt_length});
    request->recipient.dropped =
        record_text((struct span){parameters->dropped, parameters->dropped_length});
    request->recipient.mailbox = record_text(mailbox_whole(mailbox));
    return ask_unless_known(known, boundary, request);
}

/* 0, or -errno: octets may be lost; on a file server only close(2) tells. */
static int close_spool(struct boundary *boundary)
{
    int result = boundary->spool < 0 || close(boundary->spool) == 0 ? 0 : -errno;
    boundary->spool = -1;
    return result;
}

void boundary_request_spool(struct boundary *boundary)
{
    if (boundary->spool_requested)
        return;
    send_request(boundary, begin(OPERATION_SPOOL));
    boundary->spool_requested = boundary->spool_pending = true;
}

/* Receives the spool that was requested. 0, or -errno. */
static int receive_spool(struct boundary *boundary)
{
    int spool = -1;
    const struct answer *answer = receive_answer(boundary, &spool, 1);
    boundary->spool_pending = false;
    if (boundary->lost)
        return -EPIPE;
    if (answer->verdict != VERDICT_ACCEPTED || spool < 0)
        return -EIO;             /* the runner has logged it */
    (void)close_spool(boundary); /* memory, which has no late errors */
    boundary->spool = spool;
    return 0;
}

/* A file in place of memory. */
static int request_spool_file(struct boundary *boundary)
{
    send_request(boundary, begin(OPERATION_SPOOL_FILE));
    int result = receive_spool(boundary);
    boundary->spool_is_file = result == 0;
    return result;
}

static int write_all(int descriptor, struct span octets)
{
    while (octets.length > 0) {
        ssize_t written = write(descriptor, octets.octets, octets.length);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0)
            octets = span_after(octets, (size_t)written);
    }
    return 0;
}

int boundary_store(struct boundary *boundary, struct span octets)
{
    boundary_request_spool(boundary);
    int result = boundary->spool_pending ? receive_spool(boundary) : 0;
    bool too_much = boundary->stored + octets.length > SPOOL_MEMORY_MAX;
    if (result == 0 && too_much && !boundary->spool_is_file)
        result = request_spool_file(boundary);
    if (result < 0)
        return result;
    boundary->error = write_all(boundary->spool, octets);
    if (boundary->error == 0)
        boundary->stored += octets.length;
    return boundary->error;
}

struct boundary_verdict boundary_deliver(struct boundary *boundary,
                                         const struct session_message *message)
{
    /* The runner seals the spool, which must have no other writer. */
    if (boundary->error == 0)
        boundary->error = close_spool(boundary);
    if (boundary->error < 0)
        return (struct boundary_verdict){VERDICT_STORAGE_FULL, span_empty()};
    struct request *request = begin(OPERATION_DELIVERY);
    request->delivery.each = message->recipient.length > 0;
    request->delivery.trace = message->trace;
    request->delivery.added = message->added;
    request->delivery.stored = boundary->stored;
    request->delivery.size = message->size;
    request->delivery.bare_lf_count = message->bare_lf_count;
    send_request(boundary, request);
    const struct answer *answer = receive_answer(boundary, NULL, 0);
    boundary->message_closed = answer->message_closed != 0;
    return verdict_of(answer);
}

static void request_discard(struct boundary *boundary, const struct session_message *message)
{
    struct request *request = begin(OPERATION_DISCARD);
    request->discard.verdict = message->verdict;
    request->discard.error = boundary->error;
    request->discard.size = message->size;
    request->discard.bare_lf_count = message->bare_lf_count;
    if (message->bad_line_end != NULL)
        request->discard.bad_line_end = record_text(span_of(message->bad_line_end));
    send_request(boundary, request);
}

void boundary_discard(struct boundary *boundary, const struct session_message *message)
{
    if (boundary->spool_pending)
        (void)receive_spool(boundary); /* lest it pass for the next answer */
    if (!boundary->message_closed)
        request_discard(boundary, message);
    (void)close_spool(boundary); /* its octets are of no more use */
    boundary->spool_requested = boundary->spool_is_file = boundary->message_closed = false;
    boundary->stored = 0;
    boundary->error = 0;
}

void boundary_acknowledge(struct boundary *boundary)
{
    send_request(boundary, begin(OPERATION_ACKNOWLEDGED));
}

void boundary_report_refusal(struct boundary *boundary, const struct session *session,
                             const struct refusal *refusal)
{
    struct request *request = begin(OPERATION_REFUSED);
    request->refused.subject = refusal->subject;
    request->refused.reply = refusal->reply;
    request->refused.in_transaction = refusal->in_transaction;
    request->refused.size = refusal->size;
    request->refused.helo = record_text(session_helo(session));
    request->refused.text = record_text(refusal_text(refusal));
    send_request(boundary, request);
}

void boundary_end(struct boundary *boundary, const struct session *session, const char *reason)
{
    struct session_counts counts = session_counts(session);
    struct request *request = begin(OPERATION_END);
    request->end.errors = counts.errors;
    request->end.unreported = counts.unreported;
    request->end.spoke = counts.spoke;
    request->end.stopped_at_lf = counts.stopped_at_lf;
    request->end.unexpected = record_text(session_unexpected(session));
    request->end.helo = record_text(session_helo(session));
    request->end.reason = record_text(span_of(reason));
    if (counts.pipelined_behind != NULL)
        request->end.pipelined_behind = record_text(span_of(counts.pipelined_behind));
    if (counts.abuse != NULL)
        request->end.abuse = record_text(span_of(counts.abuse));
    send_request(boundary, request);
}
