#include "handler/runner/state.h"

#include <stdio.h>

#include "handler/boundary/boundary.h"
#include "handler/clock.h"
#include "handler/delivery/template.h"
#include "handler/systemd.h"

bool runner_delivers_each(const struct runner *runner)
{
    const struct options *options = runner->options;
    bool several = options->done_list != NULL || runner->transaction.envelope.parameters.prdr;
    return options->lmtp || runner->transaction.apart || (runner->one_recipient && several);
}

bool runner_tells_key(const struct runner *runner, const struct command *command)
{
    const struct options *options = runner->options;
    return options->done_list != NULL || options->message_key ||
           (command != NULL && template_has(command->words, ATTRIBUTE_KEY));
}

enum line_ending runner_line_ending(const struct runner *runner)
{
    bool is_binary = runner->transaction.envelope.parameters.binary;
    return is_binary ? LINE_ENDING_CRLF : runner->options->line_ending;
}

void runner_allow_until(struct runner *runner, int64_t time)
{
    const int64_t max = time + BOUNDARY_FAREWELL_SECONDS * 1000LL;
    if (runner->until < max)
        runner->until = max;
}

bool runner_is_late(const struct runner *runner)
{
    int64_t max = ((int64_t)runner->options->session_timeout + BOUNDARY_FAREWELL_SECONDS) * 1000;
    return clock_milliseconds() > runner->began + max;
}

bool runner_may_work(struct runner *runner)
{
    bool may = !runner_is_late(runner) && !runner->worked;
    runner->worked = runner->stopped;
    return may;
}

void runner_notify(struct runner *runner, const char *text)
{
    char state[160];
    unsigned accepted = runner->transaction.accepted;
    if (runner->status_text == text && runner->status_accepted == accepted)
        return;
    runner->status_text = text;
    runner->status_accepted = accepted;
    int length = snprintf(state, sizeof state, "STATUS=client %s, %s, %u messages accepted",
                          runner->connection->client.text, text, accepted);
    if (length > 0)
        systemd_notify(state);
}
