#include "patience.h"

void patience_begin(struct patience *patience, const struct options *options, int64_t now)
{
    patience->command_timeout = (int64_t)options->command_timeout * 1000;
    patience->data_timeout = (int64_t)options->data_timeout * 1000;
    patience->min_rate = options->min_rate;
    patience->session_until = now + (int64_t)options->session_timeout * 1000;
    patience_renew(patience, now);
}

void patience_renew(struct patience *patience, int64_t now)
{
    patience->command_until = now + patience->command_timeout;
    patience->data_until = now + patience->data_timeout;
    patience->unpaid = 0;
}

void patience_octets_came(struct patience *patience, size_t count, int64_t now)
{
    int64_t most = now + patience->data_timeout;
    int64_t earned = most;
    if (patience->min_rate > 0) {
        patience->unpaid += (int64_t)count * 1000;
        earned = patience->data_until + patience->unpaid / patience->min_rate;
        patience->unpaid %= patience->min_rate;
    }
    patience->data_until = earned < most ? earned : most;
}

bool patience_session_is_over(const struct patience *patience, int64_t now)
{
    return now >= patience->session_until;
}

void patience_hurry(struct patience *patience, int64_t now)
{
    const int64_t farewell = 5000;
    if (patience->session_until > now + farewell)
        patience->session_until = now + farewell;
}

int64_t patience_left(const struct patience *patience, bool within_message, int64_t now,
                      enum ending *ending)
{
    int64_t until = within_message ? patience->data_until : patience->command_until;
    *ending = within_message ? ENDING_DATA_TIMEOUT : ENDING_COMMAND_TIMEOUT;
    if (patience->session_until < until) {
        until = patience->session_until;
        *ending = ENDING_SESSION_TIMEOUT;
    }
    return until > now ? until - now : 0;
}
