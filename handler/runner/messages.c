#include "handler/runner/messages.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/confine.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/runner/deliveries.h"
#include "handler/runner/filtered.h"
#include "handler/runner/report.h"
#include "handler/runner/request.h"
#include "handler/runner/routes.h"
#include "session/trace.h"

enum { ERROR_MAX = 4095 }; /* the largest errno of Linux */

/* Passes the spool's descriptor, unless `result` is -errno. */
static const char *pass_spool(struct runner *runner, int result)
{
    if (result < 0) {
        log_trouble("spool: %s; see " PAGE_FILE, strerror(-result));
        runner->answer.verdict = VERDICT_STORAGE_FULL;
        return NULL;
    }
    runner->descriptors[0] = runner->spool.descriptor;
    runner->descriptor_count = 1;
    return NULL;
}

const char *messages_serve_spool(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    int result = spool_begin(&runner->spool);
    runner->transaction.time = clock_microseconds_utc() / 1000000;
    if (result == 0)
        runner->phase = RUNNER_PHASE_SPOOL;
    return pass_spool(runner, result);
}

const char *messages_serve_spool_file(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    return pass_spool(runner, runner->spool.in_file ? 0 : spool_move_to_file(&runner->spool));
}

/* Tells the log and the frontend how the delivery went. */
static void answer_delivery(struct runner *runner)
{
    struct transaction *transaction = &runner->transaction;
    const struct delivery *delivery = &runner->delivery;
    bool accepted = delivery->verdict == VERDICT_ACCEPTED;
    runner->delivered = true;
    runner_allow_until(runner, clock_milliseconds());
    const struct command *command = routes_find_to_run(runner, transaction);
    report_delivery(transaction, command == NULL ? "" : command->words[0], delivery);
    if (accepted && !runner->accepted) {
        runner->accepted = true;
        errors_forgive(&runner->errors);
        transaction->accepted++;
    }
    runner->failed |= !accepted;
    runner->answer.verdict = delivery->verdict;
    runner->answer.text = record_text(outputs_text(&delivery->outputs));
}

/* What forbids the delivery; NULL for nothing. */
static const char *check_delivery(struct runner *runner, const struct request *request)
{
    const struct options *options = runner->options;
    uint64_t trace = request->delivery.trace, added = request->delivery.added;
    bool each = request->delivery.each != 0;
    unsigned count = runner->transaction.envelope.count;
    if (options->max_size > 0 && request->delivery.stored > options->max_size + TRACE_MAX)
        return "message too large";
    if (trace > TRACE_FIELDS_MAX || added > HEADER_ADDED_MAX ||
        trace + added > request->delivery.stored)
        return "trace too large";
    if (each != (count == 1 || runner_delivers_each(runner)) ||
        (!each && runner->phase == RUNNER_PHASE_EACH))
        return "delivery to the wrong recipients";
    if (runner->transaction.recipient >= count)
        return "delivery to no recipient";
    return runner_may_work(runner) ? NULL : "delivery after the session timeout";
}

/* Whether the frontend, or a process that it passed the spool to, could have it mapped. */
static bool may_be_mapped(const struct runner *runner)
{
    return runner->options->no_sandbox || (runner->sandbox_gaps & CONFINE_SECCOMP) != 0 ||
           runner->connection->carries_descriptors || runner->transaction.secured;
}

const char *messages_serve_delivery(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    const char *violation = check_delivery(runner, request);
    if (violation != NULL)
        return violation;
    int result = runner->spool.sealed ? 0 : spool_seal(&runner->spool, may_be_mapped(runner));
    if (result == -ETXTBSY)
        return "message still writable";
    if (result == 0 && (uint64_t)spool_length(&runner->spool) != request->delivery.stored)
        return "message of another size";
    transaction->each = request->delivery.each != 0;
    transaction->size = request->delivery.size;
    transaction->stored = request->delivery.stored;
    transaction->bare_lf_count = request->delivery.bare_lf_count;
    int message = result < 0 ? result : spool_open(&runner->spool);
    if (message < 0) {
        log_trouble("reading the spool: %s; see " PAGE_FILE, strerror(-message));
        runner->answer.verdict = runner->spool.error < 0 ? VERDICT_STORAGE_FULL : VERDICT_DEFERRED;
        runner->failed = true;
    } else {
        const struct stored stored = {.descriptor = message,
                                      .length = request->delivery.stored,
                                      .front.length = request->delivery.trace,
                                      .added = request->delivery.added};
        deliveries_deliver(runner, &stored);
        answer_delivery(runner);
        (void)close(message); /* it was only read */
    }
    bool last = !transaction->each || ++transaction->recipient == transaction->envelope.count;
    runner->phase = RUNNER_PHASE_EACH;
    runner->answer.message_closed = last && runner->delivered; /* else a discard reports it */
    return NULL;
}

void messages_close(struct runner *runner, bool is_finished)
{
    spool_discard(&runner->spool);
    duplicate_close(&runner->duplicate, is_finished && !runner->failed);
    runner->acknowledgement_due |= runner->accepted;
    runner->delivered = runner->accepted = runner->failed = false;
    runner->content = (struct key_content){.is_made = false};
    filtered_clear(&runner->filtered);
    runner->copies = (struct copies){.is_scanned = false};
    runner->transaction.each = false;
    runner->transaction.recipient = 0;
    runner->phase = RUNNER_PHASE_IDLE;
}

const char *messages_serve_discard(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    int error = request->discard.error;
    struct span form;
    if (request->discard.verdict >= VERDICTS ||
        !request_copy_words(&form, &request->discard.bad_line_end))
        return "malformed verdict";
    if (request->discard.verdict == VERDICT_ACCEPTED)
        return "message accepted without a delivery";
    if (error < 0 && error >= -ERROR_MAX)
        log_trouble("spool: %s; see " PAGE_FILE, strerror(-error));
    transaction->size = request->discard.size;
    transaction->bare_lf_count = request->discard.bare_lf_count;
    if (!runner->delivered)
        report_refusal(transaction, (enum verdict)request->discard.verdict, form);
    messages_close(runner, false);
    return NULL;
}

const char *messages_serve_acknowledgement(struct runner *runner, const struct request *request)
{
    (void)request; /* it holds nothing */
    if (!runner->acknowledgement_due)
        return "nothing to acknowledge";
    runner->acknowledgement_due = false;
    duplicate_forget(&runner->duplicate);
    return NULL;
}
