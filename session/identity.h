/*
 * AUTH and XCLIENT: the commands by which a client proves, or a proxy tells, who the client is.
 */
#ifndef SESSION_IDENTITY_H
#define SESSION_IDENTITY_H

#include "session/state.h"

/*@ requires session_ok(session) && is_said(session, argument) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void identity_run_auth(struct session *session, struct span argument);

/* The client's next line of the exchange; if it `is_too_long`, a part of it. */
/*@ requires session_ok(session) && is_said(session, line) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void identity_continue_auth(struct session *session, struct span line, bool is_too_long);

/* Settles WANT_CREDENTIALS. */
/*@ requires session_ok(session) && outcome_ok(outcome) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void identity_answer_auth(struct session *session, enum outcome outcome);

/*@ requires session_ok(session) && is_said(session, argument) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void identity_run_xclient(struct session *session, struct span argument);

/* Settles WANT_XCLIENT: the client's identity was replaced, or could not be. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void identity_answer_xclient(struct session *session, bool replaced);

#endif
