#include "session/answers.h"

/* RFC 2033 4.2: LMTP answers for each recipient, always; SMTP if PRDR was asked for. */
/*@ requires \valid_read(session);
    assigns \nothing; */
static bool answers_each(const struct session *session)
{
    bool by_prdr = session->envelope.parameters.prdr && session->envelope.count > 1;
    return session->settings.lmtp || (by_prdr && session->verdict == VERDICT_ACCEPTED);
}

/* One recipient at a time, with a reply each or one that combines them. */
/*@ requires \valid_read(session);
    assigns \nothing; */
static bool delivers_each(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    bool is_apart = settings->one_recipient || session->apart;
    bool combines = settings->combined_reply && is_apart && session->envelope.count > 1;
    return answers_each(session) || (combines && session->verdict == VERDICT_ACCEPTED);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING && session->envelope.count > 0;
    assigns session->phase, session->recipient, session->summary;
    ensures session_ok(session) && session->phase == PHASE_DELIVERY; */
static void begin_deliveries(struct session *session)
{
    session->phase = PHASE_DELIVERY;
    session->recipient = 0;
    session->summary = VERDICT_REFUSED;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* To all, or in PHASE_DELIVERY to the recipient whose turn it is. */
/*@ requires session_ok(session) && session->envelope.count > 0;
    requires session->phase == PHASE_DELIVERY ==> session->recipient < session->envelope.count;
    assigns session->want;
    ensures session_ok(session) && session->want == WANT_DELIVERY; */
static void deliver(struct session *session)
{
    session->want = WANT_DELIVERY;
}

void answers_begin(struct session *session)
{
    if (delivers_each(session)) {
        if (answers_each(session) && !session->settings.lmtp)
            state_reply(session, REPLY_EACH_RECIPIENT);
        begin_deliveries(session);
    } else if (session->verdict == VERDICT_ACCEPTED) {
        deliver(session);
    } else {
        answers_give(session, session->verdict, span_empty());
    }
}

/*@ requires session_ok(session);
    assigns session->idle_commands, session->counts.accepted, session->counts.errors,
            session->errors;
    ensures session_ok(session); */
static void count_answer(struct session *session, enum verdict verdict)
{
    session->idle_commands = 0;
    if (verdict == VERDICT_ACCEPTED) {
        session->counts.accepted++;
        errors_forgive(&session->errors);
    } else if (verdict == VERDICT_BAD_LINE_END || verdict == VERDICT_TOO_LARGE) {
        state_count_error(session);
    }
}

/*@ requires session_ok(session) && replies_fit(&session->replies, REPLY_LINE_MAX);
    requires verdict_ok(verdict) && readable(text);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX; */
static void reply(struct session *session, enum verdict verdict, struct span text)
{
    reply_add_verdict(&session->replies, verdict, text, state_id(session));
}

/*@ requires session_ok(session) && verdict_ok(verdict);
    assigns session->verdict, session->want;
    ensures session_ok(session) && session->want == WANT_DISCARD; */
static void discard(struct session *session, enum verdict verdict)
{
    session->verdict = verdict;
    session->want = WANT_DISCARD;
}

/* All recipients have had their turn: except in LMTP the whole is answered, too. */
/*@ requires session_ok(session) && replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1],
            session->verdict, session->want, session->idle_commands, session->counts.accepted,
            session->counts.errors, session->errors;
    ensures session_ok(session) && session->want == WANT_DISCARD;
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX; */
static void end_deliveries(struct session *session)
{
    bool counted = answers_each(session) && session->summary == VERDICT_ACCEPTED;
    bool is_whole = session->verdict == VERDICT_ACCEPTED;
    enum verdict verdict = is_whole ? session->summary : session->verdict;
    if (!counted)
        count_answer(session, verdict);
    if (!session->settings.lmtp)
        reply(session, verdict, span_empty());
    discard(session, verdict);
}

void answers_continue(struct session *session)
{
    if (session->recipient == session->envelope.count)
        end_deliveries(session);
    else if (session->verdict == VERDICT_ACCEPTED)
        deliver(session);
    else
        answers_give(session, session->verdict, span_empty());
}

/*@ requires session_ok(session) && verdict_ok(verdict);
    assigns session->summary;
    ensures session_ok(session); */
static void summarize(struct session *session, enum verdict verdict)
{
    session->summary = verdict;
}

/*
 * One reply to all: the verdict that they share. If they differ it is refused if all refuse, for
 * whatever reasons, and else deferred, so that the client tries again.
 */
/*@ requires session_ok(session) && verdict_ok(verdict);
    assigns session->summary;
    ensures session_ok(session); */
static void combine_for_one_reply(struct session *session, enum verdict verdict)
{
    enum verdict summary = session->summary;
    bool refused =
        verdict_outcome(verdict) == OUTCOME_REFUSED && verdict_outcome(summary) == OUTCOME_REFUSED;
    if (session->recipient == 0)
        summarize(session, verdict);
    else if (verdict != summary)
        summarize(session, refused ? VERDICT_REFUSED : VERDICT_DEFERRED);
}

/* One acceptance makes the whole accepted, or else one deferral deferred. */
/*@ requires session_ok(session) && verdict_ok(verdict);
    assigns session->summary, session->idle_commands, session->counts.accepted,
            session->counts.errors, session->errors;
    ensures session_ok(session); */
static void combine_for_prdr(struct session *session, enum verdict verdict)
{
    enum outcome outcome = verdict_outcome(verdict);
    if (outcome == OUTCOME_ACCEPTED && session->summary != VERDICT_ACCEPTED) {
        count_answer(session, VERDICT_ACCEPTED);
        summarize(session, VERDICT_ACCEPTED);
    } else if (outcome == OUTCOME_DEFERRED && session->summary != VERDICT_ACCEPTED) {
        summarize(session, VERDICT_DEFERRED);
    }
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->recipient < session->envelope.count;
    assigns session->recipient;
    ensures session_ok(session) && session->recipient == \old(session->recipient) + 1; */
static void end_turn(struct session *session)
{
    session->recipient++;
}

void answers_give(struct session *session, enum verdict verdict, struct span text)
{
    bool combines = session->phase == PHASE_DELIVERY && !answers_each(session);
    if (!combines)
        reply(session, verdict, text);
    if (session->phase != PHASE_DELIVERY) {
        count_answer(session, verdict);
        discard(session, verdict);
        return;
    }
    if (combines)
        combine_for_one_reply(session, verdict);
    else
        combine_for_prdr(session, verdict);
    end_turn(session);
}
