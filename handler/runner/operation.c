#include "handler/runner/operation.h"

#include <sysexits.h>

#include "handler/clock.h"
#include "handler/confine.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/runner/addresses.h"
#include "handler/runner/identity.h"
#include "handler/runner/messages.h"
#include "handler/runner/report.h"
#include "handler/runner/request.h"

static const char *serve_unconfined(struct runner *runner, const struct request *request)
{
    const unsigned known = CONFINE_PARTS;
    unsigned gaps = request->unconfined.missing;
    if (runner->sandbox_gaps != 0 || gaps == 0 || (gaps & ~known) != 0)
        return "malformed sandbox report";
    runner->sandbox_gaps = gaps;
    if (runner->options->require_sandbox) {
        char words[CONFINE_WORDS_MAX] = "";
        confine_add_words(words, "", gaps);
        log_trouble("the sandbox lacks %s; the connection is closed; see " PAGE_SANDBOX, words);
        runner->status = EX_OSERR;
        runner->phase = RUNNER_PHASE_OVER;
        runner->answer.verdict = VERDICT_DEFERRED;
    }
    return NULL;
}

static const char *serve_end(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    char words[CONFINE_WORDS_MAX] = "";
    struct span abuse;
    confine_add_words(words, "", runner->sandbox_gaps);
    confine_add_words(words, "relay:", runner->tls.missing);
    confine_add_words(words, "password:", runner->password_gaps);
    struct report_end end = {
        .errors = request->end.errors,
        .unreported = runner->unreported + request->end.unreported,
        .spoke = request->end.spoke != 0,
        .stopped_at_lf = request->end.stopped_at_lf != 0,
        .unconfined = words,
        .milliseconds = clock_milliseconds() - runner->began,
    };
    if (!request_copy_words(&end.reason, &request->end.reason) ||
        !request_copy_words(&end.pipelined_behind, &request->end.pipelined_behind) ||
        !request_copy_words(&abuse, &request->end.abuse) ||
        !request_copy_harmless(&end.unexpected, &request->end.unexpected) ||
        !request_copy_helo(transaction, &request->end.helo))
        return "malformed end";
    tls_finish(&runner->tls);
    if (abuse.length > 0)
        report_abuse(runner->connection, abuse);
    report_connection(transaction, &end);
    runner->phase = RUNNER_PHASE_OVER;
    return NULL;
}

enum {
    BEFORE_MESSAGE = RUNNER_PHASE_IDLE | RUNNER_PHASE_SENDER | RUNNER_PHASE_RECIPIENT,
    WITHIN_MESSAGE = RUNNER_PHASE_SPOOL | RUNNER_PHASE_EACH
};

enum answered { ANSWERED_NEVER, ANSWERED_ALWAYS, ANSWERED_UNLESS_KNOWN };

static const struct {
    const char *(*serve)(struct runner *runner, const struct request *request);
    unsigned phases;
    enum answered answered;
} rows[OPERATIONS] = {
    [OPERATION_UNCONFINED] = {serve_unconfined, RUNNER_PHASE_PROXY | RUNNER_PHASE_IDLE,
                              ANSWERED_ALWAYS},
    [OPERATION_PROXY] = {identity_serve_proxy, RUNNER_PHASE_PROXY, ANSWERED_ALWAYS},
    [OPERATION_NO_PROXY] = {identity_serve_no_proxy, RUNNER_PHASE_PROXY, ANSWERED_NEVER},
    [OPERATION_RESOLVE] = {identity_serve_resolve, RUNNER_PHASE_IDLE, ANSWERED_ALWAYS},
    [OPERATION_TLS] = {identity_serve_tls, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_HANDSHAKE] = {identity_serve_handshake, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_XCLIENT] = {identity_serve_xclient, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_CREDENTIALS] = {identity_serve_credentials, BEFORE_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_SENDER] = {addresses_serve_sender, BEFORE_MESSAGE, ANSWERED_UNLESS_KNOWN},
    [OPERATION_RECIPIENT] = {addresses_serve_recipient,
                             RUNNER_PHASE_SENDER | RUNNER_PHASE_RECIPIENT, ANSWERED_UNLESS_KNOWN},
    [OPERATION_SPOOL] = {messages_serve_spool, RUNNER_PHASE_RECIPIENT, ANSWERED_ALWAYS},
    [OPERATION_SPOOL_FILE] = {messages_serve_spool_file, RUNNER_PHASE_SPOOL, ANSWERED_ALWAYS},
    [OPERATION_DELIVERY] = {messages_serve_delivery, WITHIN_MESSAGE, ANSWERED_ALWAYS},
    [OPERATION_DISCARD] = {messages_serve_discard, RUNNER_PHASE_RECIPIENT | WITHIN_MESSAGE,
                           ANSWERED_NEVER},
    [OPERATION_ACKNOWLEDGED] = {messages_serve_acknowledgement, BEFORE_MESSAGE | WITHIN_MESSAGE,
                                ANSWERED_NEVER},
    [OPERATION_REFUSED] = {addresses_serve_refused, BEFORE_MESSAGE | WITHIN_MESSAGE,
                           ANSWERED_NEVER},
    [OPERATION_END] = {serve_end, BEFORE_MESSAGE, ANSWERED_NEVER},
};

const char *operation_serve(struct runner *runner, const struct request *request, bool *is_answered)
{
    if (request->operation >= OPERATIONS)
        return "unknown operation";
    if ((rows[request->operation].phases & runner->phase) == 0)
        return "operation out of order";
    enum answered answered = rows[request->operation].answered;
    bool known = request->known != 0;
    if (known && answered != ANSWERED_UNLESS_KNOWN)
        return "operation may not skip the answer";
    *is_answered = answered != ANSWERED_NEVER && !known;
    runner->descriptor_count = 0;
    runner->answer.text.length = 0;
    runner->answer.message_closed = false;
    runner->answer.verdict = VERDICT_ACCEPTED;
    const char *violation = rows[request->operation].serve(runner, request);
    if (violation == NULL && known && runner->answer.verdict != VERDICT_ACCEPTED)
        return "refused address called acceptable";
    return violation;
}

void operation_after_answer(struct runner *runner)
{
    if (runner->answer.message_closed)
        messages_close(runner, true);
    if (runner->close_after_answer)
        tls_close_plaintext(&runner->tls);
    runner->close_after_answer = false;
}
