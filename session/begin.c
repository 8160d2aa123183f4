#include "session/begin.h"

/* What is in order after a step is so after the next. */
/*@ predicate settings_begun(struct session *session) = \valid(session) &&
        settings_ok(&session->settings) &&
        \separated(session, session->settings.hostname.octets +
                                (0 .. session->settings.hostname.length - 1));
    predicate facts_begun(struct session *session) = command_ok(session) && answers_ok(session) &&
        session->phase == PHASE_GREETED && session->want == WANT_NOTHING &&
        session->input_start == session->input_end == session->octets_length == 0 &&
        session->id_length == session->unexpected_length == 0;
    predicate identity_begun(struct session *session) = xclient_ok(&session->xclient) &&
        auth_ok(&session->auth) && helo_ok(&session->helo);
    predicate header_begun(struct session *session) = header_ok(&session->header) &&
        room_needed(&session->header) == 0;
    predicate envelope_begun(struct session *session) = mailbox_ok(&session->candidate) &&
        parameters_ok(&session->candidate_parameters) && envelope_ok(&session->envelope); */

/*@ requires \valid(session) && \valid_read(settings) && settings_ok(settings);
    requires \separated(session, settings);
    requires \separated(session, settings->hostname.octets + (0 .. settings->hostname.length - 1));
    assigns session->settings;
    ensures settings_begun(session); */
static void begin_settings(struct session *session, const struct session_settings *settings)
{
    session->settings = *settings;
}

/*@ requires settings_begun(session);
    assigns session->counts, session->errors;
    ensures settings_begun(session); */
static void begin_counts(struct session *session)
{
    session->counts = (struct session_counts){.spoke = session->settings.early};
    session->errors = (struct errors){.count = 0};
}

/* Nothing has come. */
/*@ requires settings_begun(session);
    assigns session->phase, session->want, session->input_is_over, session->secured,
            session->lacks_tls, session->extended, session->xclient_done, session->begun,
            session->apart, session->message_open, session->storing, session->trace_length,
            session->idle_commands, session->verb, session->subject, session->saw_auth,
            session->refusal_is_due, session->refusals, session->unexpected_length, session->now,
            session->input_start, session->input_end, session->octets_length, session->id_length,
            session->verdict, session->summary, session->chunk_refusal;
    ensures settings_begun(session);
    ensures facts_begun(session); */
static void begin_facts(struct session *session)
{
    session->phase = PHASE_GREETED;
    session->want = WANT_NOTHING;
    session->input_is_over = false;
    session->secured = session->settings.secured;
    session->lacks_tls = session->settings.lacks_tls;
    session->extended = session->xclient_done = session->begun = false;
    session->apart = session->message_open = false;
    session->storing = false;
    session->trace_length = 0;
    session->idle_commands = 0;
    session->verb = NULL;
    session->subject = SUBJECT_OTHER;
    session->saw_auth = session->refusal_is_due = false;
    session->refusals = 0;
    session->unexpected_length = 0;
    session->now = 0;
    session->input_start = session->input_end = 0;
    session->octets_length = session->id_length = 0;
    session->verdict = session->summary = VERDICT_ACCEPTED;
    session->chunk_refusal = REPLY_BAD_BDAT;
}

/* The client has not said who it is. */
/*@ requires settings_begun(session) && facts_begun(session);
    assigns session->xclient, session->helo.length, session->auth.failures, session->auth.deferrals,
            session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.password_length, session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures settings_begun(session);
    ensures facts_begun(session);
    ensures identity_begun(session); */
static void begin_identity(struct session *session)
{
    xclient_clear(&session->xclient);
    session->auth.failures = session->auth.deferrals = 0;
    auth_clear(&session->auth);
    helo_clear(&session->helo);
}

/* There is no message: its header and its content are empty. */
/*@ requires settings_begun(session) && facts_begun(session) && identity_begun(session);
    assigns session->header.recipient, session->header.hostname;
    ensures settings_begun(session);
    ensures facts_begun(session);
    ensures identity_begun(session);
    ensures readable(session->header.recipient) && readable(session->header.hostname); */
static void begin_search(struct session *session)
{
    header_look_for(&session->header, span_empty());
    header_leave_out(&session->header, span_empty());
}

/*@ requires settings_begun(session) && facts_begun(session) && identity_begun(session);
    requires readable(session->header.recipient) && readable(session->header.hostname);
    assigns session->header.over, session->header.is_traced, session->header.begun,
            session->header.passed, session->header.left_out, session->header.delivered,
            session->header.is_astray, session->header.after_return, session->header.has_return,
            session->header.is_broken, session->header.is_held, session->header.line_ending,
            session->header.kind, session->header.received, session->header.added,
            session->header.line_length;
    ensures settings_begun(session);
    ensures facts_begun(session);
    ensures identity_begun(session);
    ensures header_begun(session); */
static void begin_header(struct session *session)
{
    header_begin(&session->header, false, session->settings.line_ending);
}

/*@ requires settings_begun(session) && facts_begun(session) && identity_begun(session);
    requires header_begun(session);
    assigns session->content.state, session->content.encoding, session->content.newlines,
            session->content.line_ending, session->content.size, session->content.bare_lf_count,
            session->content.bad_line_end, session->content.smuggled_end;
    ensures settings_begun(session);
    ensures facts_begun(session);
    ensures identity_begun(session);
    ensures header_begun(session);
    ensures content_ok(&session->content); */
static void begin_content(struct session *session)
{
    content_begin(&session->content, ENCODING_PLAIN, session->settings.newlines,
                  session->settings.line_ending);
}

/*@ requires settings_begun(session) && facts_begun(session) && identity_begun(session);
    requires header_begun(session) && content_ok(&session->content);
    assigns session->candidate.length, session->candidate.local_length,
            session->candidate_parameters.size, session->candidate_parameters.utf8,
            session->candidate_parameters.prdr, session->candidate_parameters.binary,
            session->candidate_parameters.ret, session->candidate_parameters.envid_length,
            session->candidate_parameters.notify_length, session->candidate_parameters.orcpt_length,
            session->candidate_parameters.dropped_length, session->envelope.sender.length,
            session->envelope.sender.local_length, session->envelope.count,
            session->envelope.parameters.size, session->envelope.parameters.utf8,
            session->envelope.parameters.prdr, session->envelope.parameters.binary,
            session->envelope.parameters.ret, session->envelope.parameters.envid_length,
            session->envelope.parameters.notify_length, session->envelope.parameters.orcpt_length,
            session->envelope.parameters.dropped_length;
    ensures settings_begun(session);
    ensures facts_begun(session);
    ensures identity_begun(session);
    ensures header_begun(session);
    ensures content_ok(&session->content);
    ensures envelope_begun(session); */
static void begin_envelope(struct session *session)
{
    session->candidate.length = session->candidate.local_length = 0;
    parameters_clear(&session->candidate_parameters);
    envelope_clear(&session->envelope);
}

/* No line has come, and no reply is queued. */
/*@ requires settings_begun(session) && facts_begun(session) && identity_begun(session);
    requires header_begun(session) && content_ok(&session->content) && envelope_begun(session);
    assigns session->line.too_long, session->line.is_cut, session->line.after_cr,
            session->line.first_length, session->line.last_length, session->replies.start,
            session->replies.end;
    ensures session_ok(session) && session->phase == PHASE_GREETED;
    ensures session->want == WANT_NOTHING && session->replies.end == 0; */
static void begin_lines(struct session *session)
{
    line_begin(&session->line);
    replies_clear(&session->replies);
}

void begin_session(struct session *session, const struct session_settings *settings)
{
    begin_settings(session, settings);
    begin_counts(session);
    begin_facts(session);
    begin_identity(session);
    begin_search(session);
    begin_header(session);
    begin_content(session);
    begin_envelope(session);
    begin_lines(session);
}
