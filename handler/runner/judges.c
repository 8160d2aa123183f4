#include "handler/runner/judges.h"

#include "handler/clock.h"
#include "handler/runner/filtered.h"
#include "handler/runner/secrets.h"
#include "handler/verdict/recipient-check.h"

static enum verdict run_check(struct runner *runner, const struct mailbox *recipient,
                              const struct route *route, struct report_asked *asked)
{
    const struct transaction *transaction = &runner->transaction;
    static struct attributes attributes;
    static struct delivery check;
    asked->command = runner->recipient_check->words[0];
    if (runner->checks == runner->options->max_recipients) {
        asked->ended = "not run: too many recipients in this connection";
        return VERDICT_DEFERRED;
    }
    runner->checks++;
    attributes_gather(&attributes, transaction, runner->options, recipient, route);
    runner_notify(runner, "checking a recipient");
    recipient_check_run(runner->recipient_check, &attributes, transaction->announced,
                        runner->command_rules, &check);
    asked->ended = check.ended;
    asked->reply = outputs_text(&check.outputs);
    asked->milliseconds = check.milliseconds;
    return check.verdict;
}

/* Whether `field` stands in front of the message at hand already. */
static bool is_in_front(const struct filtered *filtered, struct span field)
{
    struct span rest = {filtered->front, filtered->front_length};
    while (rest.length > 0) {
        struct span line = span_first(rest, span_find(rest, '\n'));
        rest = span_after(rest, line.length + 1);
        if (span_equal(span_trim(line), field))
            return true;
    }
    return false;
}

/* Puts a field in front of the message, once. */
static enum verdict prepend(struct runner *runner, struct span field)
{
    const struct filtered *filtered = &runner->filtered;
    const size_t line_end_max = 2;
    if (is_in_front(filtered, field))
        return VERDICT_ACCEPTED;
    if (filtered->front_length + field.length + line_end_max > sizeof filtered->front)
        return VERDICT_TOO_MANY_RECIPIENTS; /* the next message has room again */
    return filtered_add_front(runner, field) ? VERDICT_ACCEPTED : VERDICT_MISCONFIGURED;
}

/* Accepts the message at hand for all, and delivers it to nobody. */
static void discard(struct runner *runner)
{
    static struct delivery delivery;
    deliver_skip(&delivery, VERDICT_ACCEPTED, span_empty());
    delivery.discarded = true;
    filtered_end(&runner->filtered, &delivery);
}

/* Does what the server's answer says; the verdict. */
static enum verdict take_answer(struct runner *runner, const struct policy_answer *answer,
                                struct report_asked *asked)
{
    bool is_accepted = answer->verdict == VERDICT_ACCEPTED;
    asked->policy = answer->action;
    if (!is_accepted)
        asked->reply = answer->text;
    if (answer->effect == POLICY_EFFECT_DISCARD)
        discard(runner);
    asked->is_noted =
        answer->effect == POLICY_EFFECT_LOG || answer->effect == POLICY_EFFECT_DISCARD;
    return answer->effect == POLICY_EFFECT_PREPEND ? prepend(runner, answer->text)
                                                   : answer->verdict;
}

/* The server is not asked about a client without an address: some die of that. */
static bool has_address(struct runner *runner, struct report_asked *asked)
{
    if (runner->connection->client.text[0] != '\0')
        return true;
    asked->is_noted = !runner->policy_skipped;
    runner->policy_skipped = true;
    asked->policy = span_of("not asked: the client has no address");
    return false;
}

enum verdict judges_ask(struct runner *runner, const struct mailbox *recipient,
                        const struct route *route, bool is_relayed, struct report_asked *asked)
{
    bool has_policy = runner->options->policy != NULL;
    bool has_check = runner->recipient_check != NULL && !is_relayed;
    struct policy_answer answer = {.effect = POLICY_EFFECT_NONE};
    enum verdict verdict = VERDICT_ACCEPTED;
    if (!has_policy && !has_check)
        return VERDICT_ACCEPTED;
    if (!runner_may_work(runner) || (has_check && !secrets_close(runner)))
        return VERDICT_DEFERRED;
    if (has_policy && has_address(runner, asked)) {
        policy_ask(&runner->policy, &runner->transaction, recipient, &answer);
        verdict = take_answer(runner, &answer, asked);
    }
    if (verdict == VERDICT_ACCEPTED && has_check)
        verdict = run_check(runner, recipient, route, asked);
    if (verdict_outcome(verdict) == OUTCOME_REFUSED &&
        answer.effect == POLICY_EFFECT_DEFER_IF_REFUSED) {
        verdict = VERDICT_POSTPONED;
        asked->reply = answer.text;
    }
    runner_allow_until(runner, clock_milliseconds());
    return verdict;
}
