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

/* `reply` refuses or defers the command at hand. */
static void note_refusal(struct session *session, enum reply reply)
{
    const unsigned transaction = PHASE_SENDER | PHASE_RECIPIENT | PHASE_CHUNKED;
    if (session->refusals == REFUSALS_MAX) {
        session->counts.unreported++;
        return;
    }
    assert(!session->refusal_is_due);
    refusal_describe(&session->refusal, session->subject, session->argument);
    session->refusal.reply = reply;
    session->refusal.in_transaction = (session->phase & transaction) != 0;
    session->refusal_is_due = true;
    session->refusals++;
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
    session->subject = SUBJECT_OTHER;
    reply_add(&session->replies, reply, detail);
}

void state_reply(struct session *session, enum reply reply)
{
    state_reply_with(session, reply, span_empty());
}

bool state_lacks_tls(const struct session *session)
{
    return session->lacks_tls && session->extended && !session->secured;
}

void state_leave(struct session *session, enum reply reply)
{
    if (session->message_open)
        state_abandon_message(session);
    state_reply_with(session, reply, session->settings.hostname);
    session->phase = PHASE_OVER;
}

void state_send_banner(struct session *session)
{
    state_reply_with(session, session->settings.lmtp ? REPLY_LMTP_GREETING : REPLY_GREETING,
                     session->settings.hostname);
}

void state_reset(struct session *session)
{
    session->phase = PHASE_GREETED;
    session->extended = false;
    helo_clear(&session->helo);
    session->id_length = 0;
    session->apart = false;
    auth_clear(&session->auth);
    envelope_clear(&session->envelope);
}

void state_abandon_message(struct session *session)
{
    session->verdict = VERDICT_BROKEN_OFF;
    session->want = WANT_DISCARD;
}

void state_forget_transaction(struct session *session)
{
    if (session->message_open) {
        state_abandon_message(session);
        return;
    }
    errors_settle(&session->errors);
    envelope_clear(&session->envelope);
    session->id_length = 0;
    session->apart = false;
    session->phase = PHASE_IDLE;
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
