/*
 * Reads the lines that the client sends between messages: commands, and what AUTH asked for. It
 * ends the session if they are not SMTP.
 */
#ifndef SESSION_INPUT_H
#define SESSION_INPUT_H

#include "session/state.h"

/* Reads one line and does what it says; false if no whole line is here. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_do(session) + (\result ? 1 : 0) <= \old(left_to_do(session)); */
bool input_read_line(struct session *session);

/* Whether the line that is here so far ends with a bare LF, which does not end it. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result ==> session->want == WANT_NOTHING && !session->refusal_is_due &&
        replies_fit(&session->replies, 2 * REPLY_ROOM) && left_to_read(session) > 0; */
bool input_stops_at_lf(const struct session *session);

/* Refuses such a line, and what will come of it; false if there is none. */
/*@ requires session_ok(session) && answerable(session);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_do(session) + (\result ? 1 : 0) <= \old(left_to_do(session)); */
bool input_cut_line(struct session *session);

#endif
