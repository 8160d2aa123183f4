#include "session.h"

#include <assert.h>

#include "session/abuse.h"
#include "session/answers.h"
#include "session/begin.h"
#include "session/identity.h"
#include "session/input.h"
#include "session/life.h"
#include "session/message.h"
#include "session/question.h"

void session_begin(struct session *session, const struct session_settings *settings)
{
    begin_session(session, settings);
    if (session->settings.early)
        abuse_end(session, "early");
    else
        state_send_banner(session);
}

/* Moves what is not read yet to the front. */
/*@ requires session_ok(session);
    assigns session->input_start, session->input_end,
            session->input[0 .. SESSION_INPUT_MAX - 1];
    ensures session_ok(session); */
static void make_room(struct session *session)
{
    struct span input = state_input(session);
    memmove(session->input, input.octets, input.length);
    session->input_start = 0;
    session->input_end = input.length;
}

struct room session_room(struct session *session)
{
    if (session->phase == PHASE_OVER || session->input_is_over || session->want != WANT_NOTHING ||
        session->refusal_is_due)
        return (struct room){session->input, 0};
    bool is_empty = session->input_start == session->input_end;
    bool is_full = session->input_end == sizeof session->input;
    if (is_empty || (is_full && session->input_start > 0))
        make_room(session);
    return (struct room){session->input + session->input_end,
                         sizeof session->input - session->input_end};
}

/*@ requires session_ok(session) && session->input_end + length <= SESSION_INPUT_MAX;
    assigns session->input_end, session->now, session->counts.spoke;
    ensures session_ok(session); */
static void feed(struct session *session, size_t length, int64_t now)
{
    session->input_end += length;
    session->now = now;
    session->counts.spoke = true;
}

void session_fed(struct session *session, size_t length, int64_t now)
{
    assert(length <= sizeof session->input - session->input_end);
    feed(session, length, now);
    life_go_on(session);
}

bool session_stops_at_lf(const struct session *session)
{
    return input_stops_at_lf(session);
}

void session_paused(struct session *session)
{
    (void)input_cut_line(session); /* or there is nothing to say */
    life_go_on(session);
}

struct span session_replies(const struct session *session)
{
    return replies_waiting(&session->replies);
}

/*@ requires session_ok(session) && length <= session->replies.end - session->replies.start;
    assigns session->replies.start, session->replies.end;
    ensures session_ok(session) && session->replies.end <= \old(session->replies.end); */
static void drop_replies(struct session *session, size_t length)
{
    replies_written(&session->replies, length);
}

void session_written(struct session *session, size_t length)
{
    drop_replies(session, length);
    life_go_on(session);
}

/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result == WANT_NOTHING || \result == WANT_REPORT || \result == WANT_CLOSE ||
        \result == session->want; */
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
/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result, &session->envelope.recipients.octets[0], ENVELOPE_OCTETS_MAX); */
static struct span recipient_of(const struct session *session)
{
    bool in_turn = session->phase == PHASE_DELIVERY;
    if (session->want != WANT_DELIVERY || (!in_turn && session->envelope.count > 1))
        return span_empty();
    return envelope_line(&session->envelope.recipients, in_turn ? session->recipient : 0);
}

/*@ requires session_ok(session);
    assigns \nothing;
    ensures lies_in(\result.recipient, &session->envelope.recipients.octets[0],
        ENVELOPE_OCTETS_MAX); */
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

/*@ requires session_ok(session);
    assigns session->want;
    ensures session_ok(session) && session->want == WANT_NOTHING; */
static void settle(struct session *session)
{
    session->want = WANT_NOTHING;
}

/* Whether session_answer settles it. */
/*@ assigns \nothing;
    ensures \result <==>
        want == WANT_VERDICT || want == WANT_CREDENTIALS || want == WANT_DELIVERY; */
static bool is_asked(enum want_kind want)
{
    return want == WANT_VERDICT || want == WANT_CREDENTIALS || want == WANT_DELIVERY;
}

void session_answer(struct session *session, enum verdict verdict, struct span text)
{
    enum want_kind settled = session->want;
    assert(is_asked(settled));
    settle(session);
    if (settled == WANT_DELIVERY)
        answers_give(session, verdict, text);
    else if (settled == WANT_VERDICT)
        question_answer(session, verdict, text);
    else
        identity_answer_auth(session, verdict_outcome(verdict));
    life_go_on(session);
}

/*@ requires session_ok(session);
    assigns session->secured, session->begun;
    ensures session_ok(session); */
static void note_secured(struct session *session)
{
    session->secured = true;
    session->begun = false;
}

void session_secured(struct session *session)
{
    assert(session->want == WANT_TLS);
    assert(session->input_start == session->input_end);
    settle(session);
    note_secured(session);
    state_reset(session);
}

struct span session_user(const struct session *session)
{
    return auth_user(&session->auth);
}

/*@ requires session_ok(session) && readable(address);
    assigns session->settings.client_address;
    ensures session_ok(session); */
static void set_address(struct session *session, struct span address)
{
    session->settings.client_address = address;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && readable(hostname);
    assigns session->settings.client_hostname;
    ensures session_ok(session); */
static void set_hostname(struct session *session, struct span hostname)
{
    session->settings.client_hostname = hostname;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

void session_xclient_done(struct session *session, bool replaced, struct span client_address,
                          struct span client_hostname)
{
    assert(session->want == WANT_XCLIENT);
    settle(session);
    set_address(session, client_address);
    set_hostname(session, client_hostname);
    identity_answer_xclient(session, replaced);
    life_go_on(session);
}

void session_stored(struct session *session, bool kept)
{
    assert(session->want == WANT_STORE);
    settle(session);
    message_stored(session, kept);
    life_go_on(session);
}

/*@ requires session_ok(session);
    assigns session->message_open;
    ensures session_ok(session); */
static void close_message(struct session *session)
{
    session->message_open = false;
}

void session_discarded(struct session *session)
{
    assert(session->want == WANT_DISCARD);
    settle(session);
    close_message(session);
    if (session->phase != PHASE_OVER)
        state_forget_transaction(session);
    life_go_on(session);
}

/*@ requires session_ok(session);
    assigns session->refusal_is_due;
    ensures session_ok(session); */
static void note_report(struct session *session)
{
    session->refusal_is_due = false;
}

void session_reported(struct session *session)
{
    assert(session->refusal_is_due);
    note_report(session);
    life_go_on(session);
}

/* What is said to a client whose session is ended; REPLY_NONE for nothing. */
/*@ requires ENDING_INPUT_OVER <= ending <= ENDING_SHUTDOWN;
    assigns \nothing;
    ensures \result == REPLY_NONE || reply_ok(\result); */
static enum reply farewell(enum ending ending)
{
    static const enum reply farewells[] = {
        [ENDING_LEFT] = REPLY_NONE,
        [ENDING_COMMAND_TIMEOUT] = REPLY_COMMAND_TIMEOUT,
        [ENDING_DATA_TIMEOUT] = REPLY_DATA_TIMEOUT,
        [ENDING_SESSION_TIMEOUT] = REPLY_SESSION_TIMEOUT,
        [ENDING_SHUTDOWN] = REPLY_SHUTDOWN,
    };
    return farewells[ending];
}

/*@ requires session_ok(session);
    assigns session->input_is_over;
    ensures session_ok(session); */
static void end_input(struct session *session)
{
    session->input_is_over = true;
}

/*@ requires session_ok(session);
    assigns session->replies.start, session->replies.end;
    ensures session_ok(session) && session->replies.end == 0; */
static void clear_replies(struct session *session)
{
    replies_clear(&session->replies);
}

void session_end(struct session *session, enum ending ending)
{
    if (ending == ENDING_INPUT_OVER) {
        end_input(session);
        life_go_on(session);
        return;
    }
    if (ending == ENDING_LEFT)
        clear_replies(session);
    enum reply reply = farewell(ending);
    if (reply != REPLY_NONE && session->phase != PHASE_OVER)
        life_leave(session, reply);
    else
        life_end(session);
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
