#include "session/answers.h"

/* RFC 2033 4.2: LMTP answers for each recipient, always; SMTP if PRDR was asked for. */
static bool answers_each(const struct session *session)
{
    bool by_prdr = session->envelope.parameters.prdr && session->envelope.count > 1;
    return session->settings.lmtp || (by_prdr && session->verdict == VERDICT_ACCEPTED);
}

/* One recipient at a time, with a reply each or one that combines them. */
static bool delivers_each(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    bool is_apart = settings->one_recipient || session->apart;
    bool combines = settings->combined_reply && is_apart && session->envelope.count > 1;
    return answers_each(session) || (combines && session->verdict == VERDICT_ACCEPTED);
}

static void begin_deliveries(struct session *session)
{
    if (answers_each(session) && !session->settings.lmtp)
        state_reply(session, REPLY_EACH_RECIPIENT);
    session->phase = PHASE_DELIVERY;
    session->recipient = 0;
    session->summary = VERDICT_REFUSED;
}

void answers_begin(struct session *session)
{
    if (delivers_each(session))
        begin_deliveries(session);
    else if (session->verdict == VERDICT_ACCEPTED)
        session->want = WANT_DELIVERY;
    else
        answers_give(session, session->verdict, span_empty());
}

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

static void reply(struct session *session, enum verdict verdict, struct span text)
{
    reply_add_verdict(&session->replies, verdict, text, state_id(session));
}

/* All recipients have had their turn: except in LMTP the whole is answered, too. */
static void end_deliveries(struct session *session)
{
    bool counted = answers_each(session) && session->summary == VERDICT_ACCEPTED;
    if (session->verdict == VERDICT_ACCEPTED)
        session->verdict = session->summary;
    if (!counted)
        count_answer(session, session->verdict);
    if (!session->settings.lmtp)
        reply(session, session->verdict, span_empty());
    session->want = WANT_DISCARD;
}

void answers_continue(struct session *session)
{
    if (session->recipient == session->envelope.count)
        end_deliveries(session);
    else if (session->verdict == VERDICT_ACCEPTED)
        session->want = WANT_DELIVERY;
    else
        answers_give(session, session->verdict, span_empty());
}

/*
 * One reply to all: the verdict that they share. If they differ it is refused if all refuse, for
 * whatever reasons, and else deferred, so that the client tries again.
 */
static void combine_for_one_reply(struct session *session, enum verdict verdict)
{
    enum verdict summary = session->summary;
    bool refused =
        verdict_outcome(verdict) == OUTCOME_REFUSED && verdict_outcome(summary) == OUTCOME_REFUSED;
    if (session->recipient == 0)
        session->summary = verdict;
    else if (verdict != summary)
        session->summary = refused ? VERDICT_REFUSED : VERDICT_DEFERRED;
}

/* One acceptance makes the whole accepted, or else one deferral deferred. */
static void combine_for_prdr(struct session *session, enum verdict verdict)
{
    enum outcome outcome = verdict_outcome(verdict);
    if (outcome == OUTCOME_ACCEPTED && session->summary != VERDICT_ACCEPTED) {
        count_answer(session, VERDICT_ACCEPTED);
        session->summary = VERDICT_ACCEPTED;
    } else if (outcome == OUTCOME_DEFERRED && session->summary != VERDICT_ACCEPTED) {
        session->summary = VERDICT_DEFERRED;
    }
}

void answers_give(struct session *session, enum verdict verdict, struct span text)
{
    bool combines = session->phase == PHASE_DELIVERY && !answers_each(session);
    if (!combines)
        reply(session, verdict, text);
    if (session->phase == PHASE_DELIVERY) {
        (combines ? combine_for_one_reply : combine_for_prdr)(session, verdict);
        session->recipient++;
        return;
    }
    session->verdict = verdict;
    count_answer(session, verdict);
    session->want = WANT_DISCARD;
}
