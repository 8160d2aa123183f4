/*
 * The commands that hand no message over, and prove nothing about the client: greetings, STARTTLS,
 * RSET, QUIT, and those that change nothing. Each is run by command.c in a phase that allows it.
 */
#ifndef SESSION_CONTROL_H
#define SESSION_CONTROL_H

#include "session/state.h"

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_helo(struct session *session, struct span argument);

/* Or LHLO. */
/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_ehlo(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_starttls(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_rset(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_quit(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_noop(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_vrfy(struct session *session, struct span argument);

/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_help(struct session *session, struct span argument);

/* A command that is known, and no more. */
/*@ requires runnable(session, argument);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void control_run_unimplemented(struct session *session, struct span argument);

#endif
