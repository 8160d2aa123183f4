#include "handler/runner/filtered.h"

#include <string.h>
#include <unistd.h>

bool filtered_add_front(struct runner *runner, struct span fields)
{
    struct filtered *filtered = &runner->filtered;
    struct text text = {filtered->front, filtered->front_length, sizeof filtered->front};
    if (!fields_copy(fields, runner_line_ending(runner), &text))
        return false;
    filtered->front_length = text.length;
    return true;
}

/* Makes sender and text of `view` those that filters gave. */
static void rename_view(const struct edits *edits, struct transaction *view)
{
    if (edits->has_sender)
        view->envelope.sender = edits->sender;
    view->quarantine = (struct span){edits->quarantine, edits->quarantine_length};
}

void filtered_rename(const struct runner *runner, struct transaction *view)
{
    *view = runner->transaction;
    rename_view(&runner->filtered.edits, view);
}

void filtered_readdress(const struct runner *runner, const bool *is_left_out, bool with_apart,
                        struct transaction *view)
{
    const struct edits *edits = &runner->filtered.edits;
    bool is_out[ENVELOPE_RECIPIENTS_MAX];
    struct parameters none;
    parameters_clear(&none);
    for (unsigned i = 0; i < runner->transaction.envelope.count; i++)
        is_out[i] = is_left_out[i] || edits->is_removed[i];
    transaction_leave_out(&runner->transaction, is_out, view);
    rename_view(edits, view);
    view->each = false;
    view->recipient = 0;
    for (unsigned i = 0; i < edits->added; i++)
        if (with_apart || !edits->is_apart[i])
            (void)transaction_add(view, &edits->recipients[i], &none, &edits->routes[i],
                                  view->envelope.count); /* else the list is full: 120 KiB */
}

void filtered_clear(struct filtered *filtered)
{
    struct edits *edits = &filtered->edits;
    if (filtered->is_changed)
        (void)close(filtered->message.descriptor); /* it was only read */
    filtered->state = FILTERED_NOT_YET;
    filtered->is_changed = false;
    filtered->front_length = 0;
    if (edits->removed > 0)
        memset(edits->is_removed, 0, sizeof edits->is_removed);
    edits->has_sender = false;
    edits->removed = edits->added = 0;
    edits->quarantine_length = 0;
}

void filtered_replace(struct filtered *filtered, const struct stored *made)
{
    if (filtered->is_changed)
        (void)close(filtered->message.descriptor); /* it was only read */
    filtered->message = *made;
    filtered->is_changed = true;
}

void filtered_end(struct filtered *filtered, const struct delivery *delivery)
{
    filtered->state = FILTERED_ENDED;
    filtered->told = (struct told){delivery->verdict, delivery->discarded,
                                   record_text(outputs_text(&delivery->outputs))};
}
