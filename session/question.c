#include "session/question.h"

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires has_recipient(session, phase) && phase != PHASE_DELIVERY && phase != PHASE_REFUSED;
    assigns session->phase;
    ensures session_ok(session) && session->phase == phase; */
static void enter(struct session *session, enum phase phase)
{
    session->phase = phase;
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns session->envelope.count, session->envelope.recipients, session->envelope.notify,
            session->envelope.orcpt, session->envelope.local_lengths[session->envelope.count];
    ensures session_ok(session) && (\result ==> session->envelope.count > 0); */
static bool add_recipient(struct session *session)
{
    bool is_added =
        envelope_add(&session->envelope, &session->candidate, &session->candidate_parameters);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
    return is_added;
}

/*@ requires session_ok(session);
    assigns session->apart;
    ensures session_ok(session); */
static void note_apart(struct session *session, bool is_apart)
{
    session->apart |= is_apart;
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void accept_sender(struct session *session)
{
    enter(session, PHASE_SENDER);
    state_reply(session, REPLY_SENDER_OK);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void accept_recipient(struct session *session, bool is_apart)
{
    enter(session, PHASE_RECIPIENT);
    note_apart(session, is_apart);
    state_reply(session, REPLY_RECIPIENT_OK);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void refuse_recipient(struct session *session)
{
    state_reply(session, REPLY_TOO_MANY_RECIPIENTS);
}

/* The sender or recipient in question may take part in the transaction. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void accept_address(struct session *session, bool is_apart)
{
    if (session->question == QUESTION_SENDER) {
        accept_sender(session);
    } else if (add_recipient(session)) {
        accept_recipient(session, is_apart);
    } else {
        refuse_recipient(session);
    }
}

/* Who decided that the command is refused reports it. */
/*@ requires session_ok(session);
    assigns session->subject;
    ensures session_ok(session); */
static void leave_report(struct session *session)
{
    session->subject = SUBJECT_OTHER;
}

/*@ requires session_ok(session) && verdict_ok(verdict) && readable(text);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX; */
static void reply_verdict(struct session *session, enum verdict verdict, struct span text)
{
    reply_add_verdict(&session->replies, verdict, text, state_id(session));
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires verdict_ok(verdict) && readable(text);
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void refuse_address(struct session *session, enum verdict verdict, struct span text)
{
    if (verdict_outcome(verdict) == OUTCOME_REFUSED) /* what we defer is no error of the client's */
        state_count_error(session);
    leave_report(session);
    reply_verdict(session, verdict, text);
}

/*@ requires session_ok(session);
    assigns session->lacks_tls;
    ensures session_ok(session); */
static void note_tls(struct session *session, bool is_lacking)
{
    session->lacks_tls = is_lacking;
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns session->want;
    ensures session_ok(session) && session->want == WANT_TLS; */
static void want_tls(struct session *session)
{
    session->want = WANT_TLS;
}

/* What the client sent behind STARTTLS may not count as sent behind TLS (RFC 3207 4.2, 6). */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
static void begin_tls(struct session *session, enum verdict verdict)
{
    note_tls(session, verdict != VERDICT_ACCEPTED);
    if (session->lacks_tls) {
        state_reply(session, REPLY_TLS_UNAVAILABLE);
    } else if (session->input_start < session->input_end) {
        state_leave(session, REPLY_TLS_PIPELINED);
    } else {
        state_reply(session, REPLY_START_TLS);
        want_tls(session);
    }
}

void question_answer(struct session *session, enum verdict verdict, struct span text)
{
    if (session->question == QUESTION_TLS) {
        begin_tls(session, verdict);
    } else if (verdict_outcome(verdict) == OUTCOME_ACCEPTED) {
        accept_address(session, verdict == VERDICT_ACCEPTED_APART);
    } else {
        refuse_address(session, verdict, text);
    }
}
