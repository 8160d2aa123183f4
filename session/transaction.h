/*
 * DATA and BDAT: the commands by which a client hands a message's octets over (RFC 5321 4.1.1.4,
 * RFC 3030 2).
 */
#ifndef SESSION_TRANSACTION_H
#define SESSION_TRANSACTION_H

#include "session/state.h"

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void transaction_run_data(struct session *session, struct span argument);

/* RFC 3030 2: the octets follow even if the line is refused, so its reply waits for their end. */
/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void transaction_run_bdat(struct session *session, struct span argument);

/* A BDAT without a size: an unknown number of octets follow that must not be parsed as commands. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->phase, session->want, session->verdict,
            session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && answerable(session) && session->phase == PHASE_OVER;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void transaction_refuse_unsized(struct session *session);

#endif
