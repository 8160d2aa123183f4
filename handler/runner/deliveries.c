#include "handler/runner/deliveries.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "handler/log.h"
#include "handler/page.h"
#include "handler/runner/filtering.h"
#include "handler/runner/report.h"
#include "handler/runner/routes.h"
#include "handler/runner/secrets.h"

/* Runs the command on `message`, for the recipients of `transaction`. */
static void run_command(struct runner *runner, const struct transaction *transaction, int message)
{
    const struct options *options = runner->options;
    static struct attributes attributes;
    struct mailbox mailbox;
    const struct mailbox *recipient =
        transaction_recipient(transaction, &mailbox) ? &mailbox : NULL;
    const struct command *command = routes_find_to_run(runner, transaction);
    if (command == NULL || !secrets_close(runner)) {
        deliver_skip(&runner->delivery, command == NULL ? VERDICT_MISCONFIGURED : VERDICT_DEFERRED,
                     span_empty());
        return;
    }
    attributes_gather(&attributes, transaction, options, recipient,
                      transaction_has_one_route(transaction) ? transaction_route(transaction)
                                                             : NULL);
    if (runner_tells_key(runner, command))
        attributes_add_key(&attributes, &runner->content, &runner->transaction.envelope.sender);
    runner_notify(runner, "delivering a message");
    deliver_run(command, &attributes, message, (int64_t)options->delivery_timeout * 1000,
                runner->command_rules, &runner->delivery);
    if (options->never_refuse)
        deliver_defer(&runner->delivery);
}

/* Runs it on a copy that names `recipient`, the only one of `transaction`. */
static void run_on_copy(struct runner *runner, struct transaction *transaction,
                        const struct mailbox *recipient, const struct stored *message)
{
    if (copy_shows_loop(runner, transaction->recipient, message)) {
        deliver_skip(&runner->delivery, VERDICT_LOOP, span_empty());
        return;
    }
    if (copy_is_too_much(runner)) {
        deliver_skip(&runner->delivery, VERDICT_STORAGE_FULL,
                     span_of("Too large for so many recipients, try again for this one"));
        return;
    }
    int copy =
        copy_open(runner, &transaction->envelope.sender, recipient, message, &transaction->stored);
    if (copy < 0) {
        log_trouble("spool: %s; see " PAGE_FILE, strerror(-copy));
        deliver_skip(&runner->delivery, VERDICT_STORAGE_FULL, span_empty());
        return;
    }
    run_command(runner, transaction, copy);
    (void)close(copy); /* it was only read */
}

/* The trace names a single recipient; one whom a filter has added is another. */
static void run(struct runner *runner, struct transaction *transaction,
                const struct stored *message)
{
    struct mailbox recipient;
    bool is_single = runner->transaction.envelope.count == 1 && transaction->recipient == 0;
    bool is_named = is_single || runner->options->no_trace;
    if (!is_named && transaction_recipient(transaction, &recipient))
        run_on_copy(runner, transaction, &recipient, message);
    else
        run_command(runner, transaction, message->descriptor);
}

/* The recipients of one delivery: numbers `first` to `end` - 1, without those who are left out. */
struct addressees {
    unsigned first, end;
    unsigned duplicates;                       /* who have the message */
    unsigned left_out;                         /* they, and those who were named before */
    bool is_left_out[ENVELOPE_RECIPIENTS_MAX]; /* or are, of all recipients */
};

/* Finds and counts those who are left out of a delivery to all, or of one to `first`. */
static void leave_out(const struct runner *runner, struct addressees *addressees)
{
    addressees->left_out = 0;
    for (unsigned i = 0; i < runner->transaction.envelope.count; i++) {
        bool has = i < addressees->end && runner->duplicate.has[i];
        addressees->is_left_out[i] = has || transaction_is_repeated(&runner->transaction, i);
        addressees->left_out +=
            i >= addressees->first && i < addressees->end && addressees->is_left_out[i] ? 1 : 0;
    }
}

/* Whether each recipient has a run of its own. */
static bool runs_for_each(const struct runner *runner)
{
    return runner_delivers_each(runner) || runner->one_recipient;
}

/* Nobody is left to deliver to: filters took all away. What others got in their place counts. */
static void skip_removed(struct runner *runner)
{
    deliver_skip(&runner->delivery, VERDICT_ACCEPTED, span_empty());
    runner->delivery.discarded = runner->filtered.edits.added == 0;
}

/* Runs the command for those whom neither the done-list nor filters leave out. */
static void run_for_others(struct runner *runner, const struct stored *message,
                           const struct addressees *addressees)
{
    static struct transaction others;
    const struct filtered *filtered = &runner->filtered;
    struct transaction *transaction = &runner->transaction;
    bool is_edited = edits_are_any(&filtered->edits);
    if (filtered->is_changed)
        message = &filtered->message;
    transaction->stored = message->length;
    bool is_one = transaction->each && runs_for_each(runner);
    bool is_gone = is_one && filtered->edits.is_removed[transaction->recipient];
    if (is_one && is_edited) {
        filtered_rename(runner, &others);
        transaction = &others;
    } else if (is_edited || addressees->left_out > 0) {
        filtered_readdress(runner, addressees->is_left_out, false, &others);
        transaction = &others;
    }
    if (is_gone || transaction->envelope.count == 0)
        skip_removed(runner);
    else
        run(runner, transaction, message);
}

/* Runs the command for the one of `all` whose turn it is, unless that is done already. */
static void deliver_to_one_added(struct runner *runner, const struct stored *message,
                                 struct transaction *all)
{
    const struct filtered *filtered = &runner->filtered;
    struct delivery *delivery = &runner->delivery;
    struct duplicate *duplicate = &runner->duplicate;
    const struct mailbox sender = all->envelope.sender;
    unsigned at = all->recipient;
    int result = duplicate_find(duplicate, &runner->content, &all->envelope, at, at + 1);
    deliver_skip(delivery, result < 0 ? VERDICT_DEFERRED : VERDICT_ACCEPTED, span_empty());
    if (result == 0) {
        if (filtered->edits.has_sender)
            all->envelope.sender = filtered->edits.sender;
        run(runner, all, filtered->is_changed ? &filtered->message : message);
        const struct command *command = routes_find_to_run(runner, all);
        report_delivery(all, command == NULL ? "" : command->words[0], delivery);
        all->envelope.sender = sender; /* the list has the client's */
        if (delivery->verdict == VERDICT_ACCEPTED && !delivery->discarded)
            result = duplicate_add(duplicate, &runner->content, &all->envelope, at, at + 1);
    }
    if (result < 0)
        log_trouble("done-list: %s; see " PAGE_DONE_LIST, strerror(-result));
}

/*
 * Runs the command for those whom filters have added and who need a run of their own, before all
 * others. False if one did not accept it.
 */
static bool deliver_to_added(struct runner *runner, const struct stored *message)
{
    static struct transaction all;
    struct filtered *filtered = &runner->filtered;
    const struct edits *edits = &filtered->edits;
    struct parameters none;
    if (edits->added == 0)
        return true;
    parameters_clear(&none);
    all = runner->transaction;
    all.each = true;
    all.stored = filtered->is_changed ? filtered->message.length : message->length;
    all.quarantine = (struct span){edits->quarantine, edits->quarantine_length};
    for (unsigned i = 0; i < edits->added; i++) {
        all.recipient = all.envelope.count;
        if (!transaction_add(&all, &edits->recipients[i], &none, &edits->routes[i],
                             all.envelope.count))
            deliver_skip(&runner->delivery, VERDICT_STORAGE_FULL, span_empty());
        else if (edits->is_apart[i])
            deliver_to_one_added(runner, message, &all);
        else
            continue;
        if (runner->delivery.verdict != VERDICT_ACCEPTED) {
            filtered_end(filtered, &runner->delivery);
            return false;
        }
    }
    return true;
}

/*
 * Whether the message may go on to the command: the filters let it, and all whom they have added
 * got it. The verdict on it is every recipient's if not.
 */
static bool pass(struct runner *runner, const struct stored *message,
                 const struct addressees *addressees)
{
    const struct told *told = &runner->filtered.told;
    bool is_first = runner->filtered.state == FILTERED_NOT_YET;
    if (filtering_pass(runner, message, addressees->is_left_out) &&
        (!is_first || deliver_to_added(runner, message)))
        return true;
    deliver_skip(&runner->delivery, told->verdict, record_span(&told->text));
    runner->delivery.discarded = told->discarded;
    return false;
}

/* Delivers to the others, and lists them if the command succeeds and keeps the message. */
static void deliver_to_others(struct runner *runner, const struct stored *message,
                              const struct addressees *addressees)
{
    struct delivery *delivery = &runner->delivery;
    int result = 0;
    if (pass(runner, message, addressees))
        run_for_others(runner, message, addressees);
    if (delivery->verdict == VERDICT_ACCEPTED && !delivery->discarded)
        result = duplicate_add(&runner->duplicate, &runner->content, &runner->transaction.envelope,
                               addressees->first, addressees->end);
    else if (addressees->duplicates > 0 && delivery->verdict != VERDICT_ACCEPTED)
        delivery->verdict = VERDICT_DEFERRED; /* a 5xx would bounce it for the duplicates, too */
    delivery->left_out = addressees->left_out;
    if (result < 0)
        log_trouble("done-list, after a delivery: %s; see " PAGE_DONE_LIST, strerror(-result));
}

/* The frontend is gone: nobody is left to be told how a delivery went. */
static bool is_frontend_gone(const struct runner *runner)
{
    struct pollfd polled = {.fd = runner->socket, .events = 0};
    return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

/* Reads what the key is made of, if the command at hand or a filter is told it. 0, or -errno. */
static int read_content(struct runner *runner, const struct stored *message)
{
    const struct filters *filters = runner->filters;
    bool is_told = runner_tells_key(runner, routes_find_to_run(runner, &runner->transaction));
    for (unsigned i = 0; !is_told && i < filters->count; i++)
        is_told = runner_tells_key(runner, &filters->commands[i]);
    return is_told ? key_read_content(&runner->content, message->descriptor,
                                      (off_t)message->front.length + message->added)
                   : 0;
}

/* Gives the message to the command for those who do not have it yet. */
static void deliver_once(struct runner *runner, const struct stored *message,
                         struct addressees *addressees)
{
    const struct envelope *envelope = &runner->transaction.envelope;
    struct delivery *delivery = &runner->delivery;
    int read = read_content(runner, message);
    if (read < 0) {
        log_trouble("spool: %s; see " PAGE_FILE, strerror(-read));
        deliver_skip(delivery, VERDICT_DEFERRED, span_empty());
        return;
    }
    int duplicates = duplicate_find(&runner->duplicate, &runner->content, envelope,
                                    addressees->first, addressees->end);
    if (duplicates < 0) {
        log_trouble("done-list: %s; see " PAGE_DONE_LIST, strerror(-duplicates));
        deliver_skip(delivery, VERDICT_DEFERRED, span_empty());
        return;
    }
    addressees->duplicates = (unsigned)duplicates;
    leave_out(runner, addressees);
    if (addressees->left_out == addressees->end - addressees->first) {
        deliver_skip(delivery, VERDICT_ACCEPTED, span_of("Delivered before"));
        delivery->left_out = addressees->left_out;
    } else if (is_frontend_gone(runner)) { /* checked behind the locks, so that no retry can race */
        deliver_skip(delivery, VERDICT_DEFERRED, span_empty());
    } else {
        deliver_to_others(runner, message, addressees);
    }
}

/* How the delivery went to the recipient that is the same as this one; it is listed as that is. */
static void repeat(struct runner *runner, unsigned recipient)
{
    const struct transaction *transaction = &runner->transaction;
    const struct envelope *envelope = &transaction->envelope;
    const struct told *first = &runner->told[transaction->same_as[recipient]];
    struct duplicate *duplicate = &runner->duplicate;
    int result = 0;
    deliver_skip(&runner->delivery, first->verdict, record_span(&first->text));
    runner->delivery.discarded = first->discarded;
    runner->delivery.left_out = 1;
    if (first->verdict == VERDICT_ACCEPTED && !first->discarded)
        result = duplicate_find(duplicate, &runner->content, envelope, recipient, recipient + 1);
    if (result == 0 && first->verdict == VERDICT_ACCEPTED && !first->discarded)
        result = duplicate_add(duplicate, &runner->content, envelope, recipient, recipient + 1);
    if (result < 0)
        log_trouble("done-list, after a delivery: %s; see " PAGE_DONE_LIST, strerror(-result));
}

void deliveries_deliver(struct runner *runner, const struct stored *message)
{
    const struct transaction *transaction = &runner->transaction;
    const struct delivery *delivery = &runner->delivery;
    static struct addressees addressees;
    unsigned at = transaction->recipient;
    addressees.first = transaction->each ? at : 0;
    addressees.end = transaction->each ? at + 1 : transaction->envelope.count;
    if (transaction->each && transaction_is_repeated(transaction, at))
        repeat(runner, at);
    else
        deliver_once(runner, message, &addressees);
    if (transaction->each)
        runner->told[at] = (struct told){delivery->verdict, delivery->discarded,
                                         record_text(outputs_text(&delivery->outputs))};
}
