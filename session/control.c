#include "session/control.h"

#include "session/argument.h"
#include "session/extension.h"

/*@ requires session_ok(session) && reply_ok(reply) && readable(detail);
    requires session->want == WANT_NOTHING || session->want == WANT_DISCARD;
    requires replies_fit(&session->replies, 2 * REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void reply_with(struct session *session, enum reply reply, struct span detail)
{
    state_reply_with(session, reply, detail);
}

/*@ requires session_ok(session) && reply_ok(reply);
    requires session->want == WANT_NOTHING || session->want == WANT_DISCARD;
    requires replies_fit(&session->replies, 2 * REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void reply_alone(struct session *session, enum reply reply)
{
    reply_with(session, reply, span_empty());
}

/*@ requires session_ok(session);
    assigns session->extended;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void set_extended(struct session *session, bool extended)
{
    session->extended = extended;
}

/*@ requires session_ok(session) && readable(helo);
    assigns session->helo.length, session->helo.octets[0 .. HELO_MAX - 1];
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void copy_helo(struct session *session, struct span helo)
{
    helo_copy(&session->helo, helo);
    /*@ assert parts_ok(session); */
    /*@ assert lengths_ok(session); */
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns *session;
    ensures session_ok(session);
    ensures session->want == WANT_NOTHING || session->want == WANT_DISCARD;
    ensures session->replies.end == \old(session->replies.end);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void forget_transaction(struct session *session)
{
    state_forget_transaction(session);
}

/*@ requires session_ok(session) && readable(argument) && session->want == WANT_NOTHING;
    assigns *session;
    ensures session_ok(session);
    ensures session->want == WANT_NOTHING || session->want == WANT_DISCARD;
    ensures session->replies.end == \old(session->replies.end);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void accept_helo(struct session *session, struct span argument, bool extended)
{
    forget_transaction(session);
    set_extended(session, extended);
    copy_helo(session, argument_trim(argument));
}

void control_run_helo(struct session *session, struct span argument)
{
    accept_helo(session, argument, false);
    reply_with(session, REPLY_HELO, session->settings.hostname);
}

void control_run_ehlo(struct session *session, struct span argument)
{
    accept_helo(session, argument, true);
    extension_reply(session);
}

/*@ requires session_ok(session) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->question, session->want;
    ensures session_ok(session) && answerable(session); */
static void ask_for_tls(struct session *session)
{
    session->question = QUESTION_TLS;
    session->want = WANT_VERDICT;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

void control_run_starttls(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->settings.tls == TLS_POLICY_NONE) {
        reply_alone(session, REPLY_NOT_IMPLEMENTED);
    } else if (session->secured || !session->extended || session->xclient_done) {
        reply_alone(session, REPLY_BAD_SEQUENCE);
    } else if (session->lacks_tls) {
        reply_alone(session, REPLY_TLS_UNAVAILABLE);
    } else if (session->input_start < session->input_end) {
        state_leave(session, REPLY_TLS_PIPELINED);
    } else {
        ask_for_tls(session);
    }
}

void control_run_rset(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    if (session->phase != PHASE_GREETED)
        forget_transaction(session);
    reply_alone(session, REPLY_OK);
}

/*@ requires session_ok(session);
    assigns session->counts.quit;
    ensures session_ok(session); */
static void note_quit(struct session *session)
{
    session->counts.quit = true;
}

void control_run_quit(struct session *session, struct span argument)
{
    (void)argument; /* there is none */
    note_quit(session);
    state_leave(session, REPLY_GOODBYE);
}

void control_run_noop(struct session *session, struct span argument)
{
    (void)argument; /* nothing follows from it */
    reply_alone(session, REPLY_OK);
}

void control_run_vrfy(struct session *session, struct span argument)
{
    (void)argument; /* nobody is told who is here */
    reply_alone(session, REPLY_VRFY);
}

void control_run_help(struct session *session, struct span argument)
{
    (void)argument; /* it is always the same */
    reply_alone(session, REPLY_HELP);
}

void control_run_unimplemented(struct session *session, struct span argument)
{
    (void)argument; /* it is not looked at */
    reply_alone(session, REPLY_NOT_IMPLEMENTED);
}
