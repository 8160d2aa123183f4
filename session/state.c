#include "session/state.h"

#include <assert.h>

#include "session/text/text.h"

void state_count_error(struct session *session)
{
    bool recipient_waits = session->phase == PHASE_RECIPIENT;
    session->counts.errors++;
    errors_add(&session->errors, session->subject == SUBJECT_RECIPIENT && recipient_waits);
}

void state_note_unexpected(struct session *session, struct span said)
{
    struct text text = {session->unexpected, 0, sizeof session->unexpected};
    if (session->unexpected_length == 0)
        text_add_harmless(&text, said);
    session->unexpected_length += text.length;
}

/*@ requires session_ok(session);
    assigns session->subject;
    ensures session_ok(session) && session->subject == SUBJECT_OTHER; */
static void end_command(struct session *session)
{
    session->subject = SUBJECT_OTHER;
}

/*@ requires session_ok(session) && session->subject != SUBJECT_OTHER;
    assigns session->refusal.subject, session->refusal.size, session->refusal.length,
            session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1];
    ensures session_ok(session); */
static void describe_refusal(struct session *session)
{
    refusal_describe(&session->refusal, session->subject, session->argument);
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session);
    assigns session->subject, session->refusals, session->refusal_is_due,
            session->refusal.reply, session->refusal.in_transaction;
    ensures session_ok(session) && session->subject == SUBJECT_OTHER; */
static void report_refusal(struct session *session, enum reply reply)
{
    session->refusal.reply = reply;
    session->refusal.in_transaction =
        session->phase >= PHASE_SENDER && session->phase <= PHASE_CHUNKED;
    session->refusals++;
    session->refusal_is_due = true;
    session->subject = SUBJECT_OTHER;
    /*@ assert phase_ok(session); */
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* `reply` refuses or defers the command at hand. */
/*@ requires session_ok(session);
    requires session->subject != SUBJECT_OTHER;
    assigns session->counts.unreported, session->subject, session->refusals,
            session->refusal_is_due, session->refusal.subject, session->refusal.reply,
            session->refusal.in_transaction, session->refusal.size, session->refusal.length,
            session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1];
    ensures session_ok(session); */
static void note_refusal(struct session *session, enum reply reply)
{
    if (session->refusals == REFUSALS_MAX) {
        session->counts.unreported++;
        return;
    }
    assert(!session->refusal_is_due);
    describe_refusal(session);
    report_refusal(session, reply);
}

/*@ requires session_ok(session) && reply_ok(reply) && readable(detail);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX; */
static void add_reply(struct session *session, enum reply reply, struct span detail)
{
    reply_add(&session->replies, reply, detail);
}

void state_reply_with(struct session *session, enum reply reply, struct span detail)
{
    char class = reply_class(reply);
    if (class == '5')
        state_count_error(session);
    if (session->subject != SUBJECT_OTHER && (class == '4' || class == '5'))
        note_refusal(session, reply);
    if ((reply == REPLY_BAD_SEQUENCE || reply == REPLY_NOT_IMPLEMENTED) && session->verb != NULL)
        state_note_unexpected(session, span_of(session->verb));
    end_command(session);
    add_reply(session, reply, detail);
}

void state_reply(struct session *session, enum reply reply)
{
    state_reply_with(session, reply, span_empty());
}

bool state_lacks_tls(const struct session *session)
{
    return session->lacks_tls && session->extended && !session->secured;
}

/*@ requires session_ok(session);
    assigns session->phase;
    ensures session_ok(session) && session->phase == PHASE_OVER; */
static void stop_reading(struct session *session)
{
    session->phase = PHASE_OVER;
}

void state_leave(struct session *session, enum reply reply)
{
    if (session->message_open)
        state_abandon_message(session);
    state_reply_with(session, reply, session->settings.hostname);
    stop_reading(session);
}

void state_send_banner(struct session *session)
{
    state_reply_with(session, session->settings.lmtp ? REPLY_LMTP_GREETING : REPLY_GREETING,
                     session->settings.hostname);
}

void state_abandon_message(struct session *session)
{
    session->verdict = VERDICT_BROKEN_OFF;
    session->want = WANT_DISCARD;
}

/*@ requires session_ok(session);
    assigns session->errors.count, session->errors.set_aside, session->errors.recipients;
    ensures session_ok(session); */
static void settle_errors(struct session *session)
{
    errors_settle(&session->errors);
}

/*@ requires session_ok(session) && (phase == PHASE_GREETED || phase == PHASE_IDLE);
    assigns session->phase, session->id_length, session->apart;
    ensures session_ok(session) && session->phase == phase; */
static void leave_transaction(struct session *session, enum phase phase)
{
    session->phase = phase;
    session->id_length = 0;
    session->apart = false;
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session);
    requires session->phase == PHASE_GREETED || session->phase == PHASE_IDLE;
    requires session->want == WANT_NOTHING || session->want == WANT_DISCARD;
    assigns session->envelope.sender.length, session->envelope.sender.local_length,
            session->envelope.count,
            session->envelope.parameters.size, session->envelope.parameters.utf8,
            session->envelope.parameters.prdr, session->envelope.parameters.binary,
            session->envelope.parameters.ret, session->envelope.parameters.envid_length,
            session->envelope.parameters.notify_length, session->envelope.parameters.orcpt_length,
            session->envelope.parameters.dropped_length;
    ensures session_ok(session); */
static void clear_envelope(struct session *session)
{
    envelope_clear(&session->envelope);
    /*@ assert phase_ok(session); */
    /*@ assert command_ok(session); */
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session);
    assigns session->extended, session->helo.length;
    ensures session_ok(session); */
static void forget_helo(struct session *session)
{
    session->extended = false;
    helo_clear(&session->helo);
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session);
    assigns session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.password_length, session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures session_ok(session); */
static void forget_user(struct session *session)
{
    auth_clear(&session->auth);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

void state_reset(struct session *session)
{
    forget_helo(session);
    forget_user(session);
    leave_transaction(session, PHASE_GREETED);
    clear_envelope(session);
}

void state_forget_transaction(struct session *session)
{
    if (session->message_open) {
        state_abandon_message(session);
        return;
    }
    settle_errors(session);
    leave_transaction(session, PHASE_IDLE);
    clear_envelope(session);
}

struct span state_input(const struct session *session)
{
    return (struct span){session->input + session->input_start,
                         session->input_end - session->input_start};
}

struct span state_id(const struct session *session)
{
    return (struct span){session->id, session->id_length};
}
