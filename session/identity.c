#include "session/identity.h"

/* RFC 4954 4: after a 334 the exchange goes on; without a reply the credentials are complete. */
static void reply_to_auth(struct session *session, enum reply reply)
{
    session->phase = reply == REPLY_NONE || reply_class(reply) == '3' ? PHASE_AUTH : PHASE_IDLE;
    if (reply == REPLY_NONE)
        session->want = WANT_CREDENTIALS;
    else
        state_reply(session, reply);
}

void identity_run_auth(struct session *session, struct span argument)
{
    if (!session->settings.auth)
        state_reply(session, REPLY_NOT_IMPLEMENTED);
    else if (!session->secured)
        state_reply(session,
                    state_lacks_tls(session) ? REPLY_TLS_UNAVAILABLE : REPLY_AUTH_NEEDS_TLS);
    else if (session->auth.authenticated || !session->extended)
        state_reply(session, REPLY_BAD_SEQUENCE);
    else
        reply_to_auth(session, auth_begin(&session->auth, argument));
}

void identity_continue_auth(struct session *session, struct span line, bool is_too_long)
{
    session->subject = SUBJECT_AUTH;
    session->argument = span_empty();
    reply_to_auth(session, is_too_long ? auth_cancel(&session->auth, REPLY_AUTH_TOO_LONG)
                                       : auth_continue(&session->auth, line));
}

void identity_answer_auth(struct session *session, enum outcome outcome)
{
    session->subject = SUBJECT_OTHER; /* who checked them reports it */
    reply_to_auth(session, auth_answer(&session->auth, outcome));
    if (auth_is_exhausted(&session->auth))
        state_leave(session, REPLY_AUTH_TOO_MANY);
}

void identity_run_xclient(struct session *session, struct span argument)
{
    struct span offender;
    /* Once is for the proxy: what comes after that may be its client's. */
    if (!session->settings.xclient || session->xclient_done)
        state_reply(session, REPLY_XCLIENT_DENIED);
    else if (session->settings.tls == TLS_POLICY_REQUIRED && !session->secured)
        state_reply(session, REPLY_TLS_REQUIRED);
    else if (!xclient_parse(&session->xclient, argument, &offender))
        state_reply_with(session, REPLY_BAD_PARAMETER, offender);
    else
        session->want = WANT_XCLIENT;
}

/* As if it had greeted, if HELO was told: Postfix sends none then. */
static void accept_helo(struct session *session)
{
    struct span helo = xclient_value(&session->xclient, XCLIENT_HELO);
    struct span protocol = xclient_value(&session->xclient, XCLIENT_PROTO);
    if (helo.length == 0)
        return;
    helo_copy(&session->helo, helo);
    session->extended = session->settings.lmtp || span_equal(protocol, span_of("ESMTP"));
    session->phase = PHASE_IDLE;
}

void identity_answer_xclient(struct session *session, bool replaced)
{
    struct span login = xclient_value(&session->xclient, XCLIENT_LOGIN);
    if (!replaced) {
        state_reply_with(session, REPLY_BAD_PARAMETER, span_of("address"));
        return;
    }
    state_reset(session);
    session->xclient_done = true;
    accept_helo(session);
    if (login.length > 0)
        auth_believe(&session->auth, login);
    state_send_banner(session);
}
