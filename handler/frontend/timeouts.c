#include "handler/frontend/timeouts.h"

#include "handler/boundary/boundary.h"

void timeouts_begin(struct timeouts *timeouts, const struct options *options, int64_t now)
{
    timeouts->command_timeout = (int64_t)options->command_timeout * 1000;
    timeouts->data_timeout = (int64_t)options->data_timeout * 1000;
    timeouts->min_rate = options->min_rate;
    timeouts->session_until = now + (int64_t)options->session_timeout * 1000;
    timeouts_renew(timeouts, now);
}

void timeouts_renew(struct timeouts *timeouts, int64_t now)
{
    timeouts->command_until = now + timeouts->command_timeout;
    timeouts->data_until = now + timeouts->data_timeout;
    timeouts->credit = 0;
}

void timeouts_credit(struct timeouts *timeouts, size_t count, int64_t now)
{
    int64_t max = now + timeouts->data_timeout;
    int64_t until = max;
    if (timeouts->min_rate > 0) {
        timeouts->credit += (int64_t)count * 1000;
        until = timeouts->data_until + timeouts->credit / timeouts->min_rate;
        timeouts->credit %= timeouts->min_rate;
    }
    timeouts->data_until = until < max ? until : max;
}

bool timeouts_session_is_over(const struct timeouts *timeouts, int64_t now)
{
    return now >= timeouts->session_until;
}

void timeouts_limit(struct timeouts *timeouts, int64_t now)
{
    const int64_t farewell = 5000;
    if (timeouts->session_until > now + farewell)
        timeouts->session_until = now + farewell;
}

int64_t timeouts_when_crowded(const struct timeouts *timeouts, bool within_message)
{
    return (within_message ? timeouts->data_timeout : timeouts->command_timeout) / 10;
}

int64_t timeouts_deadline(const struct timeouts *timeouts, bool within_message, bool crowded,
                          enum ending *ending)
{
    int64_t until = within_message ? timeouts->data_until : timeouts->command_until;
    if (crowded)
        until -= 9 * timeouts_when_crowded(timeouts, within_message);
    *ending = within_message ? ENDING_DATA_TIMEOUT : ENDING_COMMAND_TIMEOUT;
    if (until <= timeouts->session_until)
        return until;
    *ending = ENDING_SESSION_TIMEOUT;
    return timeouts->session_until;
}

uint64_t timeouts_processor_seconds(const struct options *options)
{
    /* Octets a second: a thousand million of mail are read, 60 of lines of one octet. */
    const uint64_t rate = 25000000;
    const uint64_t base = 60; /* for all commands */
    uint64_t max = (uint64_t)options->session_timeout + BOUNDARY_FAREWELL_SECONDS;
    if (options->max_size == 0 || options->max_size > UINT64_MAX / options->max_messages)
        return max;
    uint64_t needed = base + options->max_size * options->max_messages / rate;
    return needed < max ? needed : max;
}
