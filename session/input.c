#include "session/input.h"

#include "session/abuse.h"
#include "session/command.h"
#include "session/identity.h"

/* Whether the client began with another protocol; then the session ends, with its reply queued. */
static bool begins_with_abuse(struct session *session)
{
    bool undecided = false;
    const char *form =
        session->begun ? NULL
                       : abuse_find(state_input(session), session->settings.newlines, &undecided);
    if (form != NULL)
        abuse_end(session, form);
    session->begun = !undecided;
    return form != NULL;
}

static void take_line(struct session *session, struct span line, enum line_result result)
{
    session->counts.commands++;
    if (session->phase == PHASE_AUTH)
        identity_continue_auth(session, line, result == LINE_TOO_LONG);
    else if (abuse_is_http(line))
        abuse_end(session, "http");
    else if (result == LINE_TOO_LONG)
        command_refuse(session, span_first(line, LINE_KEPT_MAX), REPLY_LINE_TOO_LONG);
    else if (result == LINE_REST)
        command_refuse(session, line, REPLY_BAD_CHARACTERS);
    else
        command_run(session, line);
}

bool input_read_line(struct session *session)
{
    struct span line, input = state_input(session);
    if (input.length == 0 || begins_with_abuse(session))
        return false;
    enum line_result result = line_parse(&session->line, session->settings.newlines, &input, &line);
    session->input_start = session->input_end - input.length;
    if (result == LINE_INCOMPLETE)
        return false;
    take_line(session, line, result);
    return true;
}

bool input_stops_at_lf(const struct session *session)
{
    const unsigned not_lines =
        PHASE_CONTENT | PHASE_CHUNK | PHASE_REFUSED | PHASE_DELIVERY | PHASE_OVER;
    return (session->phase & not_lines) == 0 && session->want == WANT_NOTHING &&
           !session->refusal_is_due && replies_have_room(&session->replies) &&
           line_stops_at_lf(&session->line, state_input(session));
}

bool input_cut_line(struct session *session)
{
    struct span line, input = state_input(session);
    if (!input_stops_at_lf(session))
        return false;
    session->counts.stopped_at_lf = true;
    enum line_result result = line_cut(&session->line, &input, &line);
    session->input_start = session->input_end - input.length;
    take_line(session, line, result);
    return true;
}
