/*
 * The commands of RFC 5321 4.1.1, the phases that allow them, and what each does to the session.
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include "session/state.h"

/* Runs one command line: queues its reply, or sets the want that must be settled first. */
/*@ requires session_ok(session) && is_said(session, line) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void command_run(struct session *session, struct span line);

/*
 * Refuses a line that is too long, or has invalid characters, with `reply`. `line` is at least its
 * beginning. If it is a BDAT, so that octets follow, the session ends.
 */
/*@ requires session_ok(session) && is_said(session, line) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires reply_ok(reply);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void command_refuse(struct session *session, struct span line, enum reply reply);

#endif
