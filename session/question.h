/*
 * What comes of the answer to a question: whether TLS can be had, a sender or a recipient be taken.
 */
#ifndef SESSION_QUESTION_H
#define SESSION_QUESTION_H

#include "session/state.h"

/* Settles WANT_VERDICT. `text` replaces the reply's own text if it is not empty. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires verdict_ok(verdict) && readable(text);
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void question_answer(struct session *session, enum verdict verdict, struct span text);

#endif
