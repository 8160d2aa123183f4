#include "boundary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "spool.h"

struct boundary boundary_of_session_process(void)
{
    return (struct boundary){.spool = -1, .is_watched = getenv("NOTIFY_SOCKET") != NULL};
}

bool boundary_is_lost(const struct boundary *boundary)
{
    return boundary->lost;
}

/* A record to be filled in; what is not is zero. */
static struct request *begin(enum operation operation)
{
    static struct request request;
    memset(&request, 0, sizeof request);
    request.operation = (uint32_t)operation;
    return &request;
}

static void tell(struct boundary *boundary, const struct request *request)
{
    if (!boundary->lost &&
        record_send(BOUNDARY_DESCRIPTOR, request, sizeof *request, NULL, 0, 0) != 0)
        boundary->lost = true;
}

/* The verdict, and `count` descriptors where it is VERDICT_ACCEPTED. */
static const struct answer *hear(struct boundary *boundary, int *descriptors, size_t count)
{
    static struct answer answer;
    if (!boundary->lost &&
        record_receive(BOUNDARY_DESCRIPTOR, &answer, sizeof answer, descriptors, count, 0) != 0)
        boundary->lost = true;
    if (boundary->lost)
        answer = (struct answer){.verdict = VERDICT_DEFERRED};
    return &answer;
}

static enum verdict ask(struct boundary *boundary, const struct request *request)
{
    tell(boundary, request);
    return (enum verdict)hear(boundary, NULL, 0)->verdict;
}

/* The same, but that the answer is known to be VERDICT_ACCEPTED where that is `certain`. */
static enum verdict ask_unless(bool certain, struct boundary *boundary, struct request *request)
{
    if (!certain)
        return ask(boundary, request);
    request->certain = true;
    tell(boundary, request);
    return boundary->lost ? VERDICT_DEFERRED : VERDICT_ACCEPTED;
}

bool boundary_report_unconfined(struct boundary *boundary, unsigned missing)
{
    struct request *request = begin(OPERATION_UNCONFINED);
    request->unconfined.missing = missing;
    return ask(boundary, request) == VERDICT_ACCEPTED;
}

static struct record_end end_of(const struct endpoint *endpoint)
{
    return (struct record_end){(uint16_t)endpoint->port, record_text(span_of(endpoint->text))};
}

bool boundary_take_client(struct boundary *boundary, const struct connection *connection,
                          bool by_xclient, struct span user)
{
    struct request *request = begin(by_xclient ? OPERATION_CLIENT : OPERATION_PROXY);
    request->client.named = connection->is_proxied;
    request->client.client = end_of(&connection->client);
    request->client.local = end_of(&connection->local);
    request->client.hostname = record_text(span_of(connection->client_hostname));
    request->client.user = record_text(user);
    return ask(boundary, request) == VERDICT_ACCEPTED;
}

void boundary_report_proxy(struct boundary *boundary, bool silent, const char *what)
{
    struct request *request = begin(OPERATION_NO_PROXY);
    request->no_proxy.silent = silent;
    request->no_proxy.wrong = record_text(span_of(what));
    tell(boundary, request);
}

bool boundary_prepare_tls(struct boundary *boundary)
{
    return ask(boundary, begin(OPERATION_TLS)) == VERDICT_ACCEPTED;
}

bool boundary_shake_hands(struct boundary *boundary, int *in, int *out, bool *are_sockets)
{
    int descriptors[] = {-1, -1};
    tell(boundary, begin(OPERATION_HANDSHAKE));
    const struct answer *answer = hear(boundary, descriptors, RECORD_DESCRIPTORS_MAX);
    *in = descriptors[0];
    *out = descriptors[1];
    *are_sockets = answer->sockets != 0;
    return answer->verdict == VERDICT_ACCEPTED;
}

enum verdict boundary_judge_credentials(struct boundary *boundary, struct credentials credentials)
{
    struct request *request = begin(OPERATION_CREDENTIALS);
    request->credentials.login = span_equal(credentials.mechanism, span_of("LOGIN"));
    request->credentials.user = record_text(credentials.user);
    request->credentials.password = record_text(credentials.password);
    enum verdict verdict = ask(boundary, request);
    explicit_bzero(request, sizeof *request);
    return verdict;
}

enum verdict boundary_judge_sender(struct boundary *boundary, const struct session *session,
                                   bool certain)
{
    const struct envelope *envelope = session_envelope(session);
    const struct parameters *parameters = &envelope->parameters;
    struct request *request = begin(OPERATION_SENDER);
    request->sender.extended = session_is_extended(session);
    request->sender.utf8 = parameters->utf8;
    request->sender.helo = record_text(session_helo(session));
    request->sender.envid = record_text((struct span){parameters->envid, parameters->envid_length});
    request->sender.ret = record_text(span_of(parameters->ret));
    request->sender.mailbox = record_text(mailbox_whole(&envelope->sender));
    return ask_unless(certain, boundary, request);
}

enum verdict boundary_judge_recipient(struct boundary *boundary, const struct session *session,
                                      bool certain)
{
    const struct parameters *parameters = session_candidate_parameters(session);
    struct request *request = begin(OPERATION_RECIPIENT);
    request->recipient.notify =
        record_text((struct span){parameters->notify, parameters->notify_length});
    request->recipient.orcpt =
        record_text((struct span){parameters->orcpt, parameters->orcpt_length});
    request->recipient.mailbox = record_text(mailbox_whole(session_candidate(session)));
    return ask_unless(certain, boundary, request);
}

void boundary_tell_status(struct boundary *boundary, bool receiving)
{
    enum boundary_told status = receiving ? BOUNDARY_TOLD_RECEIVING : BOUNDARY_TOLD_WAITING;
    if (boundary->told == status || !boundary->is_watched)
        return;
    struct request *request = begin(OPERATION_STATUS);
    request->status.receiving = receiving;
    tell(boundary, request);
    boundary->told = status;
}

static void close_spool(struct boundary *boundary)
{
    if (boundary->spool >= 0)
        (void)close(boundary->spool); /* the runner has it, too */
    boundary->spool = -1;
}

void boundary_expect_octets(struct boundary *boundary)
{
    if (boundary->spool_asked)
        return;
    tell(boundary, begin(OPERATION_SPOOL));
    boundary->spool_asked = boundary->spool_pending = true;
}

/* Takes the place to store octets in that was asked for. 0, or -errno. */
static int take_spool(struct boundary *boundary)
{
    int spool = -1;
    const struct answer *answer = hear(boundary, &spool, 1);
    boundary->spool_pending = false;
    if (boundary->lost)
        return -EPIPE;
    if (answer->verdict != VERDICT_ACCEPTED || spool < 0)
        return -EIO; /* the runner has told the log */
    close_spool(boundary);
    boundary->spool = spool;
    return 0;
}

/* In the place of memory. */
static int take_spool_file(struct boundary *boundary)
{
    tell(boundary, begin(OPERATION_SPOOL_FILE));
    int result = take_spool(boundary);
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
    boundary_expect_octets(boundary);
    int result = boundary->spool_pending ? take_spool(boundary) : 0;
    bool too_much = boundary->stored + octets.length > SPOOL_MEMORY_MAX;
    if (result == 0 && too_much && !boundary->spool_is_file)
        result = take_spool_file(boundary);
    if (result < 0)
        return result;
    boundary->error = write_all(boundary->spool, octets);
    if (boundary->error == 0)
        boundary->stored += octets.length;
    return boundary->error;
}

enum verdict boundary_deliver(struct boundary *boundary, const struct session *session,
                              struct span *text)
{
    struct mailbox recipient;
    struct request *request = begin(OPERATION_DELIVERY);
    request->delivery.each = session_recipient(session, &recipient);
    request->delivery.trace = session_result(session).trace;
    request->delivery.stored = boundary->stored;
    request->delivery.size = session_result(session).size;
    boundary->told = BOUNDARY_TOLD_NOTHING;
    close_spool(boundary); /* the runner wants to be the only one that has it */
    tell(boundary, request);
    const struct answer *answer = hear(boundary, NULL, 0);
    boundary->settled = answer->settled != 0;
    *text = record_span(&answer->text);
    return (enum verdict)answer->verdict;
}

static void tell_discard(struct boundary *boundary, struct session_result result)
{
    struct request *request = begin(OPERATION_DISCARD);
    request->discard.verdict = result.verdict;
    request->discard.error = boundary->error;
    request->discard.size = result.size;
    if (result.broken_form != NULL)
        request->discard.form = record_text(span_of(result.broken_form));
    tell(boundary, request);
}

void boundary_discard(struct boundary *boundary, const struct session *session)
{
    if (boundary->spool_pending)
        (void)take_spool(boundary); /* so that nobody takes it for another answer */
    if (!boundary->settled)
        tell_discard(boundary, session_result(session));
    close_spool(boundary);
    boundary->spool_asked = boundary->spool_is_file = boundary->settled = false;
    boundary->stored = 0;
    boundary->error = 0;
}

void boundary_tell_heard(struct boundary *boundary)
{
    tell(boundary, begin(OPERATION_HEARD));
}

void boundary_end(struct boundary *boundary, const struct session *session, const char *how)
{
    struct session_counts counts = session_counts(session);
    struct request *request = begin(OPERATION_END);
    request->end.errors = counts.errors;
    request->end.helo = record_text(session_helo(session));
    request->end.how = record_text(span_of(how));
    if (counts.pipelined_behind != NULL)
        request->end.pipelined_behind = record_text(span_of(counts.pipelined_behind));
    tell(boundary, request);
}
