/*
 * The session's life: it goes on, step by step, as long as octets, room for replies and what the
 * caller has settled allow, and ends.
 */
#ifndef SESSION_LIFE_H
#define SESSION_LIFE_H

#include "session/state.h"

/* Goes on while it can. If replies have room, only octets can be missing. */
/*@ requires session_ok(session) && answerable(session);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void life_go_on(struct session *session);

/* Nothing more is read; a message that is open is discarded next. */
/*@ requires session_ok(session);
    assigns session->phase, session->want, session->verdict;
    ensures session_ok(session) && answerable(session); */
void life_end(struct session *session);

/* Queues `reply`, the last one, and ends. */
/*@ requires session_ok(session) && reply_ok(reply);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session); */
void life_leave(struct session *session, enum reply reply);

#endif
