#include "session/identity.h"

/*@ requires session_ok(session) && reply_ok(reply) && readable(detail);
    requires session->want == WANT_NOTHING && replies_fit(&session->replies, 2 * REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session) && session->want == WANT_NOTHING;
    ensures replies_fit(&session->replies, REPLY_LINE_MAX);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void reply_with(struct session *session, enum reply reply, struct span detail)
{
    state_reply_with(session, reply, detail);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires phase == PHASE_IDLE || phase == PHASE_AUTH;
    assigns session->phase;
    ensures session_ok(session) && session->phase == phase; */
static void enter(struct session *session, enum phase phase)
{
    session->phase = phase;
}

/*@ requires session_ok(session) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires want == WANT_CREDENTIALS || want == WANT_XCLIENT;
    assigns session->want;
    ensures session_ok(session) && answerable(session); */
static void ask(struct session *session, enum want_kind want)
{
    session->want = want;
}

/* RFC 4954 4: after a 334 the exchange goes on; without a reply the credentials are complete. */
/*@ requires session_ok(session) && reply_or_none(reply) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures replies_fit(&session->replies, REPLY_LINE_MAX);
    ensures reply != REPLY_NONE ==> session->want == WANT_NOTHING;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void reply_to_auth(struct session *session, enum reply reply)
{
    enter(session, reply == REPLY_NONE || reply_class(reply) == '3' ? PHASE_AUTH : PHASE_IDLE);
    if (reply == REPLY_NONE)
        ask(session, WANT_CREDENTIALS);
    else
        reply_with(session, reply, span_empty());
}

/*@ requires session_ok(session) && readable(argument);
    assigns session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.password_length, session->auth.user[0 .. AUTH_NAME_MAX - 1],
            session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures session_ok(session) && reply_or_none(\result);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static enum reply begin_auth(struct session *session, struct span argument)
{
    enum reply reply = auth_begin(&session->auth, argument);
    /*@ assert parts_ok(session); */
    /*@ assert phase_ok(session) && command_ok(session); */
    /*@ assert lengths_ok(session); */
    return reply;
}

void identity_run_auth(struct session *session, struct span argument)
{
    if (!session->settings.auth)
        reply_with(session, REPLY_NOT_IMPLEMENTED, span_empty());
    else if (!session->secured)
        reply_with(session, state_lacks_tls(session) ? REPLY_TLS_UNAVAILABLE : REPLY_AUTH_NEEDS_TLS,
                   span_empty());
    else if (session->auth.authenticated || !session->extended)
        reply_with(session, REPLY_BAD_SEQUENCE, span_empty());
    else
        reply_to_auth(session, begin_auth(session, argument));
}

/*@ requires session_ok(session) && readable(line);
    assigns session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.password_length, session->auth.user[0 .. AUTH_NAME_MAX - 1],
            session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures session_ok(session) && reply_or_none(\result);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static enum reply continue_auth(struct session *session, struct span line)
{
    enum reply reply = auth_continue(&session->auth, line);
    /*@ assert parts_ok(session); */
    /*@ assert phase_ok(session) && command_ok(session); */
    /*@ assert lengths_ok(session); */
    return reply;
}

/*@ requires session_ok(session);
    assigns session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.password_length, session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures session_ok(session) && \result == REPLY_AUTH_TOO_LONG;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static enum reply cancel_auth(struct session *session)
{
    enum reply reply = auth_cancel(&session->auth, REPLY_AUTH_TOO_LONG);
    /*@ assert parts_ok(session); */
    /*@ assert lengths_ok(session); */
    return reply;
}

/*@ requires session_ok(session) && !session->refusal_is_due;
    assigns session->subject, session->argument.length;
    ensures session_ok(session); */
static void begin_line(struct session *session)
{
    session->subject = SUBJECT_AUTH;
    session->argument.length = 0;
    /*@ assert parts_ok(session); */
}

void identity_continue_auth(struct session *session, struct span line, bool is_too_long)
{
    begin_line(session);
    reply_to_auth(session, is_too_long ? cancel_auth(session) : continue_auth(session, line));
}

/*@ requires session_ok(session) && session->subject == SUBJECT_OTHER && outcome_ok(outcome);
    assigns session->auth.mechanism, session->auth.authenticated,
            session->auth.failures, session->auth.deferrals, session->auth.user_length,
            session->auth.password_length, session->auth.password[0 .. AUTH_PASSWORD_MAX - 1];
    ensures session_ok(session) && reply_ok(\result);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static enum reply answer_auth(struct session *session, enum outcome outcome)
{
    enum reply reply = auth_answer(&session->auth, outcome);
    /*@ assert phase_ok(session); */
    /*@ assert command_ok(session); */
    /*@ assert parts_ok(session); */
    /*@ assert lengths_ok(session); */
    return reply;
}

void identity_answer_auth(struct session *session, enum outcome outcome)
{
    session->subject = SUBJECT_OTHER; /* who checked them reports it */
    reply_to_auth(session, answer_auth(session, outcome));
    if (auth_is_exhausted(&session->auth))
        state_leave(session, REPLY_AUTH_TOO_MANY);
}

/*@ requires session_ok(session) && is_said(session, argument) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void take_attributes(struct session *session, struct span argument)
{
    struct span offender;
    bool are_right = xclient_parse(&session->xclient, argument, &offender);
    /*@ assert parts_ok(session); */
    /*@ assert lengths_ok(session); */
    if (are_right)
        ask(session, WANT_XCLIENT);
    else
        reply_with(session, REPLY_BAD_PARAMETER, offender);
}

void identity_run_xclient(struct session *session, struct span argument)
{
    /* Once is for the proxy: what comes after that may be its client's. */
    if (!session->settings.xclient || session->xclient_done)
        reply_with(session, REPLY_XCLIENT_DENIED, span_empty());
    else if (session->settings.tls == TLS_POLICY_REQUIRED && !session->secured)
        reply_with(session, REPLY_TLS_REQUIRED, span_empty());
    else
        take_attributes(session, argument);
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

/* As if it had greeted, if HELO was told: Postfix sends none then. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns session->helo.length, session->helo.octets[0 .. HELO_MAX - 1], session->extended,
            session->phase;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void accept_helo(struct session *session)
{
    struct span helo = xclient_value(&session->xclient, XCLIENT_HELO);
    struct span protocol = xclient_value(&session->xclient, XCLIENT_PROTO);
    if (helo.length == 0)
        return;
    session->extended = session->settings.lmtp || span_equal(protocol, span_of("ESMTP"));
    enter(session, PHASE_IDLE);
    copy_helo(session, helo);
}

/*@ requires session_ok(session) && readable(login) && login.length <= AUTH_NAME_MAX;
    requires \separated(&session->auth, login.octets + (0 .. login.length - 1));
    assigns session->auth.mechanism, session->auth.authenticated, session->auth.user_length,
            session->auth.user[0 .. AUTH_NAME_MAX - 1];
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void believe(struct session *session, struct span login)
{
    auth_believe(&session->auth, login);
    /*@ assert parts_ok(session); */
    /*@ assert lengths_ok(session); */
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    assigns *session;
    ensures session_ok(session) && session->want == WANT_NOTHING;
    ensures session->replies.end == \old(session->replies.end);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void begin_anew(struct session *session)
{
    session->xclient_done = true;
    state_reset(session);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_LINE_MAX);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void send_banner(struct session *session)
{
    state_send_banner(session);
}

void identity_answer_xclient(struct session *session, bool replaced)
{
    struct span login = xclient_value(&session->xclient, XCLIENT_LOGIN);
    if (!replaced) {
        reply_with(session, REPLY_BAD_PARAMETER, span_of("address"));
        return;
    }
    begin_anew(session);
    accept_helo(session);
    if (login.length > 0)
        believe(session, login);
    send_banner(session);
}
