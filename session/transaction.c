#include "session/transaction.h"

#include "session/argument.h"
#include "session/extension.h"
#include "session/message.h"
#include "session/text/text.h"

/* Whether the part of `argument` in front of `rest`, the path, is all ASCII. */
static bool path_is_ascii(struct span argument, struct span rest)
{
    return span_is_ascii(span_first(argument, argument.length - rest.length));
}

static void ask_verdict(struct session *session, enum question question)
{
    session->question = question;
    session->want = WANT_VERDICT;
}

static void begin_transaction(struct session *session)
{
    struct text id = {.octets = session->id, .size = sizeof session->id};
    session->counts.messages++;
    text_add(&id, session->settings.id);
    text_add_string(&id, "-");
    text_add_number(&id, session->counts.messages, 1);
    session->id_length = id.length;
}

/* False, with its reply queued, if a parameter is wrong. */
static bool parse_parameters(struct session *session, struct span input, unsigned allowed,
                             struct parameters *parameters)
{
    struct span offender;
    switch (parameters_parse(input, allowed, parameters, &offender)) {
    case PARAMETER_UNKNOWN:
        state_reply_with(session, REPLY_UNKNOWN_PARAMETER, offender);
        return false;
    case PARAMETER_BAD:
        state_reply_with(session, REPLY_BAD_PARAMETER, offender);
        return false;
    case PARAMETER_OK:
        break;
    }
    return true;
}

/* What must come before MAIL; REPLY_NONE if nothing is missing. */
static enum reply find_missing(const struct session *session)
{
    bool needs_tls = session->settings.tls == TLS_POLICY_REQUIRED && !session->secured;
    bool needs_auth = session->settings.auth_required && !session->auth.authenticated;
    if ((needs_tls || needs_auth) && state_lacks_tls(session))
        return REPLY_TLS_UNAVAILABLE; /* a client is not refused for good because of our trouble */
    if (needs_tls)
        return REPLY_TLS_REQUIRED;
    return needs_auth ? REPLY_AUTH_REQUIRED : REPLY_NONE;
}

void transaction_run_mail(struct session *session, struct span argument)
{
    const struct session_settings *settings = &session->settings;
    struct parameters *parameters = &session->envelope.parameters;
    struct span rest = argument;
    if (session->counts.messages == settings->max_messages) {
        state_leave(session, REPLY_TOO_MANY_MESSAGES);
        return;
    }
    enum reply missing = find_missing(session);
    if (missing != REPLY_NONE) {
        state_reply(session, missing);
        return;
    }
    enum path_result result =
        argument_parse_path(&rest, PATH_KIND_REVERSE, &session->envelope.sender);
    if (result != PATH_RESULT_OK) {
        state_reply(session,
                    result == PATH_RESULT_TOO_LONG ? REPLY_SENDER_TOO_LONG : REPLY_BAD_SENDER);
        return;
    }
    mailbox_add_domain(&session->envelope.sender, settings->hostname);
    if (!parse_parameters(session, rest, extension_parameters(session) & PARAMETER_SETS_OF_MAIL,
                          parameters))
        return;
    if (!parameters->utf8 && !path_is_ascii(argument, rest)) {
        state_reply(session, REPLY_SENDER_NOT_ASCII);
    } else if (settings->max_size > 0 && parameters->size > settings->max_size) {
        state_reply(session, REPLY_SIZE_TOO_LARGE);
    } else {
        begin_transaction(session);
        ask_verdict(session, QUESTION_SENDER);
    }
}

void transaction_run_rcpt(struct session *session, struct span argument)
{
    unsigned allowed = extension_parameters(session) & PARAMETER_SETS_OF_RCPT;
    struct span rest = argument;
    if (session->errors.recipients == session->settings.max_recipients) {
        state_reply(session, REPLY_TOO_MANY_RECIPIENTS);
        return;
    }
    session->errors.recipients++;
    enum path_result result = argument_parse_path(&rest, PATH_KIND_FORWARD, &session->candidate);
    if (result != PATH_RESULT_OK)
        state_reply(session, result == PATH_RESULT_TOO_LONG ? REPLY_RECIPIENT_TOO_LONG
                                                            : REPLY_BAD_RECIPIENT);
    else if (!parse_parameters(session, rest, allowed, &session->candidate_parameters))
        return;
    else if (!session->envelope.parameters.utf8 && !path_is_ascii(argument, rest))
        state_reply(session, REPLY_RECIPIENT_NOT_ASCII);
    else
        ask_verdict(session, QUESTION_RECIPIENT);
}

void transaction_run_data(struct session *session, struct span argument)
{
    (void)argument;                   /* there is none */
    if (session->envelope.count == 0) /* RFC 2033 4.2 is stricter */
        state_reply(session, session->settings.lmtp ? REPLY_BAD_SEQUENCE : REPLY_NO_RECIPIENTS);
    else if (session->envelope.parameters.binary)
        state_reply(session, REPLY_BINARY_NEEDS_BDAT);
    else
        message_begin_content(session);
}

void transaction_refuse_unsized(struct session *session)
{
    state_reply(session, REPLY_BAD_BDAT);
    state_leave(session, REPLY_UNSIZED_BDAT);
}

static void begin_chunk(struct session *session, uint64_t size, bool last)
{
    message_begin_chunk(session, size, last);
    if (size == 0 && !last)
        session->idle_commands++;
}

void transaction_run_bdat(struct session *session, struct span argument)
{
    argument = argument_trim(argument);
    struct span digits = span_first(argument, span_find(argument, ' '));
    struct span rest = argument_trim(span_after(argument, digits.length));
    bool last = span_equal(rest, span_of("LAST"));
    uint64_t size;
    if (!span_number(digits, &size))
        transaction_refuse_unsized(session);
    else if (rest.length > 0 && !last)
        message_refuse_chunk(session, size, REPLY_BAD_BDAT);
    else if (session->phase == PHASE_SENDER)
        message_refuse_chunk(session, size, REPLY_NO_RECIPIENTS);
    else if (session->phase != PHASE_RECIPIENT && session->phase != PHASE_CHUNKED)
        message_refuse_chunk(session, size, REPLY_BAD_SEQUENCE);
    else
        begin_chunk(session, size, last);
}
