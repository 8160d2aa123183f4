#include "session.h"

#include <assert.h>

#include "session/abuse.h"
#include "session/answers.h"
#include "session/extension.h"
#include "session/identity.h"
#include "session/input.h"
#include "session/message.h"

static void stop(struct session *session)
{
    session->phase = PHASE_OVER;
    if (session->want != WANT_DISCARD) {
        session->want = WANT_NOTHING;
        if (session->message_open)
            state_abandon_message(session);
    }
}

/* Why the session has gone on too long without a message; REPLY_NONE if it has not. */
static enum reply find_excess(const struct session *session)
{
    const unsigned idle_commands_max = 100; /* beside as many as there may be errors */
    unsigned max_errors = session->settings.max_errors;
    if (session->errors.count >= max_errors)
        return REPLY_TOO_MANY_ERRORS;
    return session->idle_commands >= idle_commands_max + max_errors ? REPLY_TOO_MANY_IDLE
                                                                    : REPLY_NONE;
}

/* Goes one step on; false if octets or room for a reply are missing. */
static bool step(struct session *session)
{
    if (session->phase == PHASE_OVER || session->refusal_is_due ||
        !replies_have_room(&session->replies))
        return false;
    if (session->phase == PHASE_DELIVERY) {
        answers_continue(session);
        return true;
    }
    const unsigned reading = PHASE_CONTENT | PHASE_CHUNK | PHASE_REFUSED;
    if ((session->phase & reading) != 0)
        return message_read(session);
    enum reply excess = find_excess(session);
    if (excess != REPLY_NONE) {
        state_reply_with(session, excess, session->settings.hostname);
        stop(session);
        return false;
    }
    return input_read_line(session);
}

/* Goes on while it can. If replies have room, only octets can be missing. */
static void advance(struct session *session)
{
    do
        while (session->want == WANT_NOTHING && step(session))
            ;
    while (session->input_is_over && input_cut_line(session));
    bool starved = session->want == WANT_NOTHING && !session->refusal_is_due &&
                   replies_have_room(&session->replies);
    if (session->input_is_over && starved)
        stop(session);
}

/* Nothing has come; what tells of a command or a message is in order from the beginning. */
static void begin_parts(struct session *session)
{
    const struct session_settings *settings = &session->settings;
    line_begin(&session->line);
    content_begin(&session->content, ENCODING_PLAIN, settings->newlines, settings->line_ending);
    header_look_for(&session->header, span_empty());
    header_leave_out(&session->header, span_empty());
    header_begin(&session->header, false, settings->line_ending);
    replies_clear(&session->replies);
    auth_clear(&session->auth);
    helo_clear(&session->helo);
    xclient_clear(&session->xclient);
    session->candidate.length = session->candidate.local_length = 0;
    parameters_clear(&session->candidate_parameters);
    envelope_clear(&session->envelope);
    session->verdict = session->summary = VERDICT_ACCEPTED;
    session->chunk_refusal = REPLY_BAD_BDAT;
}

void session_begin(struct session *session, const struct session_settings *settings)
{
    session->settings = *settings;
    begin_parts(session);
    session->phase = PHASE_GREETED;
    session->want = WANT_NOTHING;
    session->input_is_over = false;
    session->secured = settings->secured;
    session->lacks_tls = settings->lacks_tls;
    session->extended = session->xclient_done = session->begun = false;
    session->apart = session->message_open = session->storing = false;
    session->trace_length = 0;
    session->counts = (struct session_counts){.messages = 0};
    session->errors = (struct errors){.count = 0};
    session->idle_commands = 0;
    session->verb = NULL;
    session->subject = SUBJECT_OTHER;
    session->saw_auth = session->refusal_is_due = false;
    session->refusals = 0;
    session->unexpected_length = 0;
    session->now = 0;
    session->auth.failures = session->auth.deferrals = 0;
    session->input_start = session->input_end = session->octets_length = session->id_length = 0;
    session->counts.spoke = settings->early;
    if (settings->early)
        abuse_end(session, "early");
    else
        state_send_banner(session);
}

struct room session_room(struct session *session)
{
    if (session->phase == PHASE_OVER || session->input_is_over || session->want != WANT_NOTHING ||
        session->refusal_is_due)
        return (struct room){session->input, 0};
    if (session->input_start == session->input_end)
        session->input_start = session->input_end = 0;
    if (session->input_end == sizeof session->input && session->input_start > 0) {
        struct span input = state_input(session);
        memmove(session->input, input.octets, input.length);
        session->input_start = 0;
        session->input_end = input.length;
    }
    return (struct room){session->input + session->input_end,
                         sizeof session->input - session->input_end};
}

void session_fed(struct session *session, size_t length, int64_t now)
{
    assert(length <= sizeof session->input - session->input_end);
    session->input_end += length;
    session->now = now;
    session->counts.spoke = true;
    advance(session);
}

bool session_stops_at_lf(const struct session *session)
{
    return input_stops_at_lf(session);
}

void session_paused(struct session *session)
{
    (void)input_cut_line(session); /* or there is nothing to say */
    advance(session);
}

struct span session_replies(const struct session *session)
{
    return replies_waiting(&session->replies);
}

void session_written(struct session *session, size_t length)
{
    replies_written(&session->replies, length);
    advance(session);
}

static enum want_kind kind_of_want(const struct session *session)
{
    bool all_said = replies_waiting(&session->replies).length == 0;
    if (session->refusal_is_due)
        return WANT_REPORT;
    if (session->want == WANT_NOTHING && session->phase == PHASE_OVER && all_said)
        return WANT_CLOSE;
    if (session->want == WANT_TLS && !all_said)
        return WANT_NOTHING;
    return session->want;
}

/* The one to deliver to: the one whose turn it is, or the only one. Empty if there are more. */
static struct span recipient_of(const struct session *session)
{
    bool in_turn = session->phase == PHASE_DELIVERY;
    if (session->want != WANT_DELIVERY || (!in_turn && session->envelope.count > 1))
        return span_empty();
    return envelope_line(&session->envelope.recipients, in_turn ? session->recipient : 0);
}

static struct session_message message_of(const struct session *session)
{
    const struct content *content = &session->content;
    return (struct session_message){
        .recipient = recipient_of(session),
        .verdict = session->verdict,
        .size = content->size,
        .trace = session->trace_length,
        .added = session->header.added,
        .bare_lf_count = content->bare_lf_count,
        .bad_line_end =
            content->smuggled_end != NULL ? content->smuggled_end : content->bad_line_end,
    };
}

struct want session_want(const struct session *session)
{
    const bool is_sender = session->question == QUESTION_SENDER;
    const struct envelope *envelope = &session->envelope;
    enum want_kind kind = kind_of_want(session);
    switch (kind) {
    case WANT_VERDICT:
        return (struct want){
            kind,
            .verdict = {session->question, is_sender ? &envelope->sender : &session->candidate,
                        is_sender ? &envelope->parameters : &session->candidate_parameters}};
    case WANT_CREDENTIALS:
        return (struct want){kind, .credentials = auth_credentials(&session->auth)};
    case WANT_XCLIENT:
        return (struct want){kind, .xclient = &session->xclient};
    case WANT_STORE:
        return (struct want){kind, .octets = {session->octets, session->octets_length}};
    case WANT_DELIVERY:
    case WANT_DISCARD:
        return (struct want){kind, .message = message_of(session)};
    case WANT_REPORT:
        return (struct want){kind, .refusal = &session->refusal};
    case WANT_NOTHING:
    case WANT_TLS:
    case WANT_CLOSE:
        break;
    }
    return (struct want){.kind = kind};
}

const struct envelope *session_envelope(const struct session *session)
{
    return &session->envelope;
}

struct span session_helo(const struct session *session)
{
    return helo_text(&session->helo);
}

bool session_is_extended(const struct session *session)
{
    return session->extended;
}

/* The sender or recipient in question may take part in the transaction. */
static void accept_address(struct session *session, bool is_apart)
{
    if (session->question == QUESTION_SENDER) {
        session->phase = PHASE_SENDER;
        state_reply(session, REPLY_SENDER_OK);
    } else if (envelope_add(&session->envelope, &session->candidate,
                            &session->candidate_parameters)) {
        session->phase = PHASE_RECIPIENT;
        session->apart |= is_apart;
        state_reply(session, REPLY_RECIPIENT_OK);
    } else {
        state_reply(session, REPLY_TOO_MANY_RECIPIENTS);
    }
}

static void refuse_address(struct session *session, enum verdict verdict, struct span text)
{
    if (verdict_outcome(verdict) == OUTCOME_REFUSED) /* what we defer is no error of the client's */
        state_count_error(session);
    session->subject = SUBJECT_OTHER; /* who decided it reports it */
    reply_add_verdict(&session->replies, verdict, text, state_id(session));
}

/* What the client sent behind STARTTLS may not count as sent behind TLS (RFC 3207 4.2, 6). */
static void begin_tls(struct session *session, enum verdict verdict)
{
    session->lacks_tls = verdict != VERDICT_ACCEPTED;
    if (session->lacks_tls) {
        state_reply(session, REPLY_TLS_UNAVAILABLE);
    } else if (session->input_start < session->input_end) {
        state_leave(session, REPLY_TLS_PIPELINED);
    } else {
        state_reply(session, REPLY_START_TLS);
        session->want = WANT_TLS;
    }
}

static void answer_question(struct session *session, enum verdict verdict, struct span text)
{
    if (session->question == QUESTION_TLS) {
        begin_tls(session, verdict);
    } else if (verdict_outcome(verdict) == OUTCOME_ACCEPTED) {
        accept_address(session, verdict == VERDICT_ACCEPTED_APART);
    } else {
        refuse_address(session, verdict, text);
    }
}

void session_answer(struct session *session, enum verdict verdict, struct span text)
{
    enum want_kind settled = session->want;
    assert(settled == WANT_VERDICT || settled == WANT_CREDENTIALS || settled == WANT_DELIVERY);
    session->want = WANT_NOTHING;
    if (settled == WANT_DELIVERY)
        answers_give(session, verdict, text);
    else if (settled == WANT_VERDICT)
        answer_question(session, verdict, text);
    else
        identity_answer_auth(session, verdict_outcome(verdict));
    advance(session);
}

void session_secured(struct session *session)
{
    assert(session->want == WANT_TLS && session->input_start == session->input_end);
    session->want = WANT_NOTHING;
    session->secured = true;
    session->begun = false;
    state_reset(session);
}

struct span session_user(const struct session *session)
{
    return auth_user(&session->auth);
}

void session_xclient_done(struct session *session, bool replaced, struct span client_address,
                          struct span client_hostname)
{
    assert(session->want == WANT_XCLIENT);
    session->want = WANT_NOTHING;
    session->settings.client_address = client_address;
    session->settings.client_hostname = client_hostname;
    identity_answer_xclient(session, replaced);
    advance(session);
}

void session_stored(struct session *session, bool kept)
{
    assert(session->want == WANT_STORE);
    session->want = WANT_NOTHING;
    message_stored(session, kept);
    advance(session);
}

void session_discarded(struct session *session)
{
    assert(session->want == WANT_DISCARD);
    session->want = WANT_NOTHING;
    session->message_open = false;
    if (session->phase != PHASE_OVER)
        state_forget_transaction(session);
    advance(session);
}

void session_reported(struct session *session)
{
    assert(session->refusal_is_due);
    session->refusal_is_due = false;
    advance(session);
}

void session_end(struct session *session, enum ending ending)
{
    static const enum reply farewells[] = {
        [ENDING_LEFT] = REPLY_NONE,
        [ENDING_COMMAND_TIMEOUT] = REPLY_COMMAND_TIMEOUT,
        [ENDING_DATA_TIMEOUT] = REPLY_DATA_TIMEOUT,
        [ENDING_SESSION_TIMEOUT] = REPLY_SESSION_TIMEOUT,
        [ENDING_SHUTDOWN] = REPLY_SHUTDOWN,
    };
    if (ending == ENDING_INPUT_OVER) {
        session->input_is_over = true;
        advance(session);
        return;
    }
    if (ending == ENDING_LEFT)
        replies_clear(&session->replies);
    if (farewells[ending] != REPLY_NONE && session->phase != PHASE_OVER)
        state_reply_with(session, farewells[ending], session->settings.hostname);
    stop(session);
}

bool session_within_message(const struct session *session)
{
    return session->message_open || session->phase == PHASE_REFUSED;
}

bool session_will_store(const struct session *session)
{
    return session->message_open && session->verdict == VERDICT_ACCEPTED &&
           session->phase != PHASE_DELIVERY;
}

struct span session_unexpected(const struct session *session)
{
    return (struct span){session->unexpected, session->unexpected_length};
}

struct session_counts session_counts(const struct session *session)
{
    return session->counts;
}
