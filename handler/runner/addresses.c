#include "handler/runner/addresses.h"

#include <string.h>

#include "handler/delivery/template.h"
#include "handler/runner/filtered.h"
#include "handler/runner/identity.h"
#include "handler/runner/judges.h"
#include "handler/runner/report.h"
#include "handler/runner/request.h"
#include "handler/runner/routes.h"
#include "handler/verdict/entry.h"

/* What is known of a recipient before it is in the envelope. */
struct candidate {
    struct route route;
    unsigned same_as; /* the number of the first that it is the same as, or the one that it gets */
    bool is_apart;    /* it must have a delivery of its own */
};

/*
 * Whether recipient `index` is the same: it has that very address, or but for case the local part,
 * both by one entry of the list. An extension makes it another, since the command gets that.
 */
static bool is_same(const struct transaction *transaction, unsigned index,
                    const struct mailbox *recipient, struct span entry)
{
    const struct envelope *envelope = &transaction->envelope;
    struct span whole = mailbox_whole(recipient);
    struct span other = envelope_line(&envelope->recipients, index);
    bool by_entry =
        entry_names_mailbox(entry) && entry.octets == transaction->routes[index].entry.octets &&
        span_equal(mailbox_local(recipient), span_first(other, envelope->local_lengths[index]));
    return by_entry ||
           (whole.length == other.length && memcmp(whole.octets, other.octets, whole.length) == 0);
}

static unsigned find_same(const struct transaction *transaction, const struct mailbox *recipient,
                          struct span entry)
{
    unsigned index = 0;
    while (index < transaction->envelope.count && !is_same(transaction, index, recipient, entry))
        index++;
    return index;
}

/* Whether the client may send to anybody: neither list nor check is asked of them then. */
static bool may_relay(const struct runner *runner)
{
    return runner->options->submission && runner->transaction.user_length > 0;
}

/*
 * Whether the sender, and a recipient if there is one, can be arguments of the command, if that is
 * not NULL, of the program that is asked about recipients, and of the filters.
 */
static bool are_safe(const struct runner *runner, const struct command *command,
                     const struct attributes *attributes)
{
    const struct command *check = may_relay(runner) ? NULL : runner->recipient_check;
    return (command == NULL || !template_is_unsafe(command->words, attributes)) &&
           (check == NULL || !template_is_unsafe(check->words, attributes)) &&
           !filters_are_unsafe(runner->options, attributes);
}

static enum verdict check_arguments(const struct runner *runner, const struct command *command,
                                    const struct mailbox *recipient, const struct route *route)
{
    static struct attributes attributes;
    attributes_gather(&attributes, &runner->transaction, runner->options, recipient, route);
    if (are_safe(runner, command, &attributes))
        return VERDICT_ACCEPTED;
    return recipient == NULL ? VERDICT_UNSAFE_SENDER : VERDICT_UNSAFE_RECIPIENT;
}

/* May this recipient be one of the message, with the others? */
static enum verdict judge_beside_others(struct runner *runner, const struct command *command,
                                        unsigned same_as)
{
    unsigned count = runner->transaction.envelope.count;
    bool is_repeated = same_as < count;
    if (count == 0 || is_repeated || runner_delivers_each(runner) ||
        !routes_differ(runner, command))
        return VERDICT_ACCEPTED;
    return runner->options->done_list == NULL ? VERDICT_TOO_MANY_RECIPIENTS
                                              : VERDICT_ACCEPTED_APART;
}

/* May the recipient, whom domain and list let in, take part? */
static enum verdict judge_by_command(struct runner *runner, const struct mailbox *recipient,
                                     struct candidate *candidate)
{
    const struct command *command = routes_find(runner, &candidate->route, &runner->asked);
    if (command == NULL)
        return VERDICT_MISCONFIGURED;
    enum verdict verdict = check_arguments(runner, command, NULL, NULL);
    if (verdict == VERDICT_ACCEPTED)
        verdict = check_arguments(runner, command, recipient, &candidate->route);
    candidate->same_as = find_same(&runner->transaction, recipient, candidate->route.entry);
    return verdict == VERDICT_ACCEPTED ? judge_beside_others(runner, command, candidate->same_as)
                                       : verdict;
}

/* With a list, the sender is judged by the command of each recipient. */
static enum verdict decide_on_sender(const struct runner *runner)
{
    bool has_list = runner->options->recipients != NULL;
    return check_arguments(runner, has_list ? NULL : runner->command, NULL, NULL);
}

/* May this recipient take part? `asked` has the text of the reply, and who was asked. */
static enum verdict decide(struct runner *runner, const struct mailbox *recipient,
                           struct candidate *candidate, struct report_asked *asked)
{
    struct recipients_answer listed = {VERDICT_ACCEPTED, span_empty(), route_none};
    if (!may_relay(runner))
        listed = recipients_ask(runner->recipients, recipient);
    *candidate = (struct candidate){.route = listed.route};
    asked->reply = listed.text;
    if (listed.verdict != VERDICT_ACCEPTED)
        return listed.verdict;
    enum verdict verdict = judge_by_command(runner, recipient, candidate);
    if (verdict_outcome(verdict) != OUTCOME_ACCEPTED)
        return verdict;
    enum verdict judged =
        judges_ask(runner, recipient, &candidate->route, may_relay(runner), asked);
    return judged == VERDICT_ACCEPTED ? verdict : judged;
}

bool addresses_allow_sender(struct runner *runner, const struct mailbox *sender)
{
    const struct transaction *transaction = &runner->transaction;
    static struct attributes attributes;
    bool may = true;
    attributes_gather(&attributes, transaction, runner->options, NULL, NULL);
    attributes.values[ATTRIBUTE_SENDER] = mailbox_whole(sender);
    for (unsigned i = 0; may && i < transaction->envelope.count; i++)
        may = are_safe(runner, routes_find(runner, &transaction->routes[i], &runner->asked),
                       &attributes);
    return may;
}

bool addresses_allow_recipient(struct runner *runner, const struct mailbox *sender,
                               const struct mailbox *recipient, struct route *route, bool *is_apart)
{
    static struct attributes attributes;
    struct recipients_answer listed = {VERDICT_ACCEPTED, span_empty(), route_none};
    if (!may_relay(runner))
        listed = recipients_ask(runner->recipients, recipient);
    *route = listed.route;
    const struct command *command =
        listed.verdict == VERDICT_ACCEPTED ? routes_find(runner, route, &runner->asked) : NULL;
    if (command == NULL)
        return false;
    *is_apart = runner_delivers_each(runner) || routes_differ(runner, command);
    attributes_gather(&attributes, &runner->transaction, runner->options, recipient, route);
    attributes.values[ATTRIBUTE_SENDER] = mailbox_whole(sender);
    return are_safe(runner, command, &attributes);
}

/* Whether one more event of an address goes to the log; else it is counted. */
static bool may_report(struct runner *runner)
{
    bool may = runner->reported < REFUSALS_MAX;
    ++*(may ? &runner->reported : &runner->unreported);
    return may;
}

/* Decides and answers; whether it accepts. */
static bool answer(struct runner *runner, const struct mailbox *recipient,
                   struct candidate *candidate)
{
    const struct transaction *transaction = &runner->transaction;
    struct report_asked asked = {.policy = span_empty(), .reply = span_empty()};
    enum verdict verdict =
        recipient == NULL ? decide_on_sender(runner) : decide(runner, recipient, candidate, &asked);
    bool is_accepted = verdict_outcome(verdict) == OUTCOME_ACCEPTED;
    runner->answer.verdict = verdict;
    runner->answer.text = record_text(asked.reply);
    candidate->is_apart = verdict == VERDICT_ACCEPTED_APART;
    if ((!is_accepted || asked.is_noted) && may_report(runner))
        report_address(transaction, recipient, verdict, &asked);
    if (verdict_outcome(verdict) == OUTCOME_REFUSED)
        errors_add(&runner->errors, transaction->envelope.count > 0);
    return is_accepted;
}

/* What forbids a sender now; NULL for nothing. */
static const char *check_sender(const struct runner *runner, const struct request *request)
{
    const struct options *options = runner->options;
    bool is_prdr_offered = runner->one_recipient && !options->lmtp;
    if (runner_is_late(runner))
        return "MAIL after the session timeout";
    if (runner->transaction.number >= options->max_messages)
        return "too many messages";
    if (runner->errors.count >= options->max_errors)
        return "too many errors";
    if (identity_needs_tls(runner))
        return "MAIL before TLS";
    if (options->submission && runner->transaction.user_length == 0)
        return "MAIL before AUTH";
    return request->sender.prdr != 0 && !is_prdr_offered ? "PRDR not offered" : NULL;
}

const char *addresses_serve_sender(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    errors_settle(&runner->errors);
    const char *violation = check_sender(runner, request);
    if (violation != NULL)
        return violation;
    transaction_begin(transaction, runner->id);
    filtered_clear(&runner->filtered);
    if (!request_copy_sender(transaction, request, runner->options))
        return "malformed sender";
    struct candidate candidate;
    runner->phase = answer(runner, NULL, &candidate) ? RUNNER_PHASE_SENDER : RUNNER_PHASE_IDLE;
    return NULL;
}

const char *addresses_serve_recipient(struct runner *runner, const struct request *request)
{
    struct envelope *envelope = &runner->transaction.envelope;
    struct parameters parameters;
    struct mailbox mailbox;
    struct candidate candidate;
    if (runner->errors.recipients++ == runner->options->max_recipients)
        return "too many recipients";
    if (envelope->count == 0 && runner->errors.count >= runner->options->max_errors)
        return "too many errors";
    if (!request_copy_recipient(&mailbox, &parameters, request, &runner->transaction,
                                runner->options))
        return "malformed recipient";
    /* If the envelope is full, so is the frontend's identical one: it answers 452 itself. */
    if (!answer(runner, &mailbox, &candidate) ||
        !transaction_add(&runner->transaction, &mailbox, &parameters, &candidate.route,
                         candidate.same_as))
        return NULL;
    runner->transaction.apart |= candidate.is_apart;
    runner->phase = RUNNER_PHASE_RECIPIENT;
    if (parameters.dropped_length > 0 && may_report(runner))
        report_dropped(&runner->transaction, &mailbox,
                       (struct span){parameters.dropped, parameters.dropped_length});
    return NULL;
}

const char *addresses_serve_refused(struct runner *runner, const struct request *request)
{
    static struct refusal refusal;
    struct helo before = runner->transaction.helo;
    if (runner->refusals++ == REFUSALS_MAX)
        return "too many refusals";
    if (!request_copy_refusal(&refusal, request) ||
        !request_copy_helo(&runner->transaction, &request->refused.helo))
        return "malformed refusal";
    if (runner->phase != RUNNER_PHASE_IDLE)
        runner->transaction.helo = before; /* the one that the transaction began with */
    refusal.in_transaction = refusal.in_transaction && runner->phase != RUNNER_PHASE_IDLE;
    if (may_report(runner))
        report_refused(&runner->transaction, &refusal);
    return NULL;
}
