/*
 * MAIL and RCPT: the commands that name a message's sender and its recipients (RFC 5321 3.3). An
 * address that is well-formed, and within our limits, becomes a question; its answer decides.
 */
#ifndef SESSION_MAIL_H
#define SESSION_MAIL_H

#include "session/state.h"

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void mail_run_mail(struct session *session, struct span argument);
/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void mail_run_rcpt(struct session *session, struct span argument);

#endif
