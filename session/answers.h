/*
 * Who is answered how once a message is here: one reply to the whole; one for each recipient (LMTP,
 * PRDR); or one that combines what each recipient's delivery came to.
 */
#ifndef SESSION_ANSWERS_H
#define SESSION_ANSWERS_H

#include "session/state.h"

/* The message is here, and stored unless it is refused: delivers or answers it. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires session->phase != PHASE_DELIVERY;
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures session->phase == PHASE_DELIVERY || session->want != WANT_NOTHING;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void answers_begin(struct session *session);

/* In PHASE_DELIVERY: delivers to the next recipient, or ends. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->phase == PHASE_DELIVERY && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1],
            session->verdict, session->want, session->summary,
            session->recipient, session->idle_commands, session->counts.accepted,
            session->counts.errors, session->errors;
    ensures session_ok(session) && answerable(session);
    ensures left_to_do(session) < \old(left_to_do(session)); */
void answers_continue(struct session *session);

/*
 * Queues the reply to the whole message, which is discarded next; in PHASE_DELIVERY that to the
 * recipient whose turn it is. `text` replaces the reply's text if it is not empty.
 */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires verdict_ok(verdict) && readable(text);
    requires session->phase == PHASE_DELIVERY ==> session->recipient < session->envelope.count;
    requires replies_fit(&session->replies, 2 * REPLY_LINE_MAX);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1],
            session->verdict, session->want, session->summary,
            session->recipient, session->idle_commands, session->counts.accepted,
            session->counts.errors, session->errors;
    ensures session_ok(session) && answerable(session);
    ensures session->phase != PHASE_DELIVERY ==> session->want == WANT_DISCARD;
    ensures left_to_do(session) < \old(left_to_do(session)); */
void answers_give(struct session *session, enum verdict verdict, struct span text);

#endif
