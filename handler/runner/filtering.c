#include "handler/runner/filtering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/runner/addresses.h"
#include "handler/runner/report.h"
#include "handler/runner/rewrite.h"
#include "handler/runner/secrets.h"

enum { BEYOND_MAX_SIZE = 1024 * 1024 }; /* octets that a filter may add to the largest message */

/* A filter that runs: what it reads and writes, and what comes of it. */
struct filtering {
    struct runner *runner;
    struct stored message;       /* so far */
    struct spool written, edits; /* its descriptors 3 and 4 */
    struct text output;
    struct delivery delivery;
    struct report_changes changes;
    char octets[FILTERED_FIELDS_MAX + 1]; /* of the output */
};

/* Notes what is wrong, and with which of its outputs. Returns false. */
static bool set_fault(struct filtering *run, const char *output, const char *what)
{
    struct report_changes *changes = &run->changes;
    (void)snprintf(changes->fault, sizeof changes->fault, "%s: %.100s", output, what); /* fits */
    return false;
}

/* Whether the client could have named the new sender, and all whom filters have added. */
static bool judge_edits(struct filtering *run)
{
    struct runner *runner = run->runner;
    struct edits *edits = &runner->filtered.edits;
    const struct mailbox *refused = NULL;
    const struct mailbox *sender =
        edits->has_sender ? &edits->sender : &runner->transaction.envelope.sender;
    char words[MAILBOX_MAX + 32];
    if (edits->has_sender && !addresses_allow_sender(runner, sender))
        refused = sender;
    for (unsigned i = 0; refused == NULL && i < edits->added; i++)
        if (!addresses_allow_recipient(runner, sender, &edits->recipients[i], &edits->routes[i],
                                       &edits->is_apart[i]))
            refused = &edits->recipients[i];
    if (refused == NULL)
        return true;
    (void)snprintf(words, sizeof words, "not accepted: %.*s", (int)refused->length,
                   refused->octets); /* fits */
    return set_fault(run, "descriptor 4", words);
}

/* Reads the edits of the envelope, and makes them. */
static bool take_edits(struct filtering *run)
{
    static char octets[EDITS_OCTETS_MAX + 1];
    struct runner *runner = run->runner;
    ssize_t length = pread(run->edits.descriptor, octets, sizeof octets, 0);
    if (length < 0)
        return set_fault(run, "descriptor 4", strerror(errno));
    if (length > EDITS_OCTETS_MAX)
        return set_fault(run, "descriptor 4", "more than 64 KiB");
    const char *wrong = edits_parse(&runner->filtered.edits, (struct span){octets, (size_t)length},
                                    &runner->transaction);
    if (wrong != NULL)
        return set_fault(run, "descriptor 4", wrong);
    run->changes.touched = runner->filtered.edits.touched;
    return length == 0 || judge_edits(run);
}

/* Takes the message that was written, if one was. */
static bool take_message(struct filtering *run)
{
    uint64_t max_size = run->runner->options->max_size;
    int64_t length = spool_length(&run->written);
    if (length == 0)
        return true;
    if (length > 0 && max_size > 0 && (uint64_t)length > max_size + BEYOND_MAX_SIZE)
        return set_fault(run, "descriptor 3", "too large");
    int result = length < 0 ? (int)length : rewrite_take(&run->message, &run->written);
    if (result < 0)
        return set_fault(run, "descriptor 3", strerror(-result));
    filtered_replace(&run->runner->filtered, &run->message);
    run->changes.message = true;
    return true;
}

/* Puts `fields` in front, and the sender that filters gave it into Return-Path. */
static int put_in_front(struct runner *runner, struct stored *message, struct span fields)
{
    const struct edits *edits = &runner->filtered.edits;
    const struct mailbox *sender = edits->has_sender ? &edits->sender : NULL;
    int result = rewrite_front(runner, message, fields, sender);
    if (result == 0)
        filtered_replace(&runner->filtered, message);
    return result;
}

/* Takes the fields for the front that were written, and the new sender. */
static bool take_fields(struct filtering *run)
{
    static char octets[FILTERED_FIELDS_MAX];
    struct text fields = {octets, 0, sizeof octets};
    struct span output = text_span(&run->output);
    if (output.length > FILTERED_FIELDS_MAX)
        return set_fault(run, "standard output", "more than 16 KiB");
    if (!fields_copy(output, runner_line_ending(run->runner), &fields))
        return set_fault(run, "standard output", "a line is no header field");
    run->changes.header = fields.length > 0;
    if (fields.length == 0 && (run->changes.touched & EDIT_SENDER) == 0)
        return true;
    int result = put_in_front(run->runner, &run->message, text_span(&fields));
    return result == 0 || set_fault(run, "spool", strerror(-result));
}

/* Makes the files that a filter gets, above the descriptors of programs. 0, or -errno. */
static int begin(struct filtering *run)
{
    run->written = run->edits = spool_new(run->runner->options->spool);
    run->output = (struct text){run->octets, 0, sizeof run->octets};
    run->changes = (struct report_changes){.header = false};
    int result = spool_begin_empty(&run->written, run->message.length);
    if (result == 0)
        result = process_move(&run->written.descriptor);
    if (result == 0)
        result = spool_begin_empty(&run->edits, 0);
    return result == 0 ? process_move(&run->edits.descriptor) : result;
}

/* Runs the filter on `message`, to read from its first octet, until `deadline`. */
static void execute(struct filtering *run, const struct command *filter,
                    const struct transaction *view, int message, int64_t deadline)
{
    static struct attributes attributes;
    const struct runner *runner = run->runner;
    uint64_t max_size = runner->options->max_size;
    struct mailbox mailbox;
    const struct mailbox *recipient = transaction_recipient(view, &mailbox) ? &mailbox : NULL;
    int64_t now = clock_milliseconds(), left = now < deadline ? deadline - now : 0;
    const struct deliver_ends ends = {run->written.descriptor, run->edits.descriptor,
                                      max_size > 0 ? max_size + BEYOND_MAX_SIZE : 0, &run->output};
    attributes_gather(&attributes, view, runner->options, recipient,
                      transaction_has_one_route(view) ? transaction_route(view) : NULL);
    if (runner_tells_key(runner, filter))
        attributes_add_key(&attributes, &runner->content, &runner->transaction.envelope.sender);
    attributes_gather_for_filter(&attributes, rewrite_trace_size(&run->message),
                                 (uint64_t)left / 1000);
    deliver_filter(filter, &attributes, message, left, runner->command_rules, &ends,
                   &run->delivery);
}

/* Runs one filter, and makes the message what it wants. False if that ends it. */
static bool run_filter(struct filtering *run, const struct command *filter,
                       const struct transaction *view, int64_t deadline)
{
    struct delivery *delivery = &run->delivery;
    int result = begin(run);
    int message = result == 0 ? spool_reopen(run->message.descriptor) : result;
    deliver_skip(delivery, VERDICT_DEFERRED, span_empty());
    if (message >= 0) {
        execute(run, filter, view, message, deadline);
        (void)close(message); /* it was only read */
    } else {
        (void)set_fault(run, "spool", strerror(-message));
    }
    if (delivery->verdict == VERDICT_ACCEPTED && !delivery->discarded &&
        !(take_edits(run) && take_message(run) && take_fields(run))) {
        delivery->verdict = VERDICT_DEFERRED;
        delivery->outputs.text_length = 0; /* of a field */
    }
    spool_discard(&run->written);
    spool_discard(&run->edits);
    report_filter(&run->runner->transaction, filter->words[0], delivery, &run->changes,
                  &run->runner->filtered.edits);
    return delivery->verdict == VERDICT_ACCEPTED && !delivery->discarded;
}

/* Runs all; false, with the verdict in the run's delivery, if one ends it. */
static bool run_all(struct filtering *run, const bool *is_left_out)
{
    static struct transaction view;
    struct runner *runner = run->runner;
    int64_t deadline = clock_milliseconds() + (int64_t)runner->options->filter_timeout * 1000;
    bool goes_on = true;
    if (runner->filters->count > 0 && !secrets_close(runner)) {
        deliver_skip(&run->delivery, VERDICT_DEFERRED, span_empty());
        return false;
    }
    runner_notify(runner, "filtering a message");
    for (unsigned i = 0; goes_on && i < runner->filters->count; i++) {
        filtered_readdress(runner, is_left_out, true, &view);
        if (view.envelope.count == 0)
            break; /* filters took all away: nothing is left to judge */
        view.stored = run->message.length;
        goes_on = run_filter(run, &runner->filters->commands[i], &view, deadline);
    }
    return goes_on;
}

/* Puts our own fields in front; false, with the verdict, if that fails. */
static bool add_front(struct filtering *run)
{
    const struct filtered *filtered = &run->runner->filtered;
    struct span fields = {filtered->front, filtered->front_length};
    int result = fields.length > 0 ? put_in_front(run->runner, &run->message, fields) : 0;
    if (result == 0)
        return true;
    log_trouble("spool: %s; see " PAGE_FILE, strerror(-result));
    deliver_skip(&run->delivery, VERDICT_STORAGE_FULL, span_empty());
    return false;
}

bool filtering_pass(struct runner *runner, const struct stored *message, const bool *is_left_out)
{
    static struct filtering run;
    struct filtered *filtered = &runner->filtered;
    if (filtered->state != FILTERED_NOT_YET)
        return filtered->state == FILTERED_PASSED;
    if (runner->filters->count == 0 && filtered->front_length == 0)
        return true;
    run.runner = runner;
    run.message = *message;
    rewrite_part(runner, &run.message);
    filtered->state = FILTERED_PASSED;
    if (!add_front(&run) || !run_all(&run, is_left_out))
        filtered_end(filtered, &run.delivery);
    return filtered->state == FILTERED_PASSED;
}
