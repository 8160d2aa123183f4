#include "session/mail.h"

#include "session/argument.h"
#include "session/extension.h"
#include "session/text/text.h"

/* A path, and what follows it. */
struct parsed_path {
    enum path_result result;
    struct span rest;
};

/*@ requires readable(argument) && \valid(mailbox) && mailbox_ok(mailbox);
    requires \separated(mailbox, argument.octets + (0 .. argument.length - 1));
    assigns mailbox->length, mailbox->local_length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures mailbox_ok(mailbox);
    ensures readable(\result.rest) && rest_of(\result.rest, argument); */
static struct parsed_path parse_path(struct span argument, enum path_kind kind,
                                     struct mailbox *mailbox)
{
    struct parsed_path path;
    path.rest = argument;
    path.result = argument_parse_path(&path.rest, kind, mailbox);
    return path;
}

/* Parameters; or else the one that is wrong. */
struct parsed_parameters {
    enum parameter_result result;
    struct span offender;
};

/*@ requires readable(input) && \valid(parameters);
    requires \separated(parameters, input.octets + (0 .. input.length - 1));
    assigns parameters->size, parameters->utf8, parameters->prdr, parameters->binary,
            parameters->ret, parameters->envid_length, parameters->notify_length,
            parameters->orcpt_length, parameters->dropped_length,
            parameters->envid[0 .. ENVID_MAX - 1], parameters->notify[0 .. NOTIFY_MAX - 1],
            parameters->orcpt[0 .. ORCPT_MAX - 1], parameters->dropped[0 .. DROPPED_MAX - 1];
    ensures parameters_ok(parameters);
    ensures \result.result != PARAMETER_OK ==> readable(\result.offender); */
static struct parsed_parameters parse_parameters(struct span input, unsigned allowed,
                                                 struct parameters *parameters)
{
    struct parsed_parameters parsed;
    parsed.result = parameters_parse(input, allowed, parameters, &parsed.offender);
    return parsed;
}

/* Whether the part of `argument` in front of `rest`, the path, is all ASCII. */
/*@ requires readable(argument) && rest.length <= argument.length;
    assigns \nothing; */
static bool path_is_ascii(struct span argument, struct span rest)
{
    return span_is_ascii(span_first(argument, argument.length - rest.length));
}

/*@ requires session_ok(session) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires question == QUESTION_SENDER || question == QUESTION_RECIPIENT;
    assigns session->question, session->want;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void ask_verdict(struct session *session, enum question question)
{
    session->question = question;
    session->want = WANT_VERDICT;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session) && reply_ok(reply) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void refuse(struct session *session, enum reply reply)
{
    state_reply(session, reply);
}

/*@ requires session_ok(session) && readable(parsed.offender) && session->want == WANT_NOTHING;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void refuse_parameters(struct session *session, struct parsed_parameters parsed)
{
    bool unknown = parsed.result == PARAMETER_UNKNOWN;
    state_reply_with(session, unknown ? REPLY_UNKNOWN_PARAMETER : REPLY_BAD_PARAMETER,
                     parsed.offender);
}

/*@ requires \valid(octets + (0 .. SESSION_ID_MAX - 1)) && readable(id);
    assigns octets[0 .. SESSION_ID_MAX - 1];
    ensures \result <= SESSION_ID_MAX; */
/* NOLINTNEXTLINE(readability-non-const-parameter): the text is written there */
static size_t write_id(char octets[SESSION_ID_MAX], struct span id, unsigned number)
{
    struct text text = {.octets = octets, .size = SESSION_ID_MAX};
    text_add(&text, id);
    text_add_string(&text, "-");
    text_add_number(&text, number, 1);
    return text.length;
}

/*@ requires session_ok(session);
    assigns session->counts.messages, session->id_length, session->id[0 .. SESSION_ID_MAX - 1];
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void begin_transaction(struct session *session)
{
    session->counts.messages++;
    session->id_length = write_id(session->id, session->settings.id, session->counts.messages);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* What must come before MAIL; REPLY_NONE if nothing is missing. */
/*@ requires \valid_read(session);
    assigns \nothing;
    ensures \result == REPLY_NONE || reply_ok(\result); */
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

/*@ requires session_ok(session) && is_said(session, argument);
    assigns session->envelope.sender.length, session->envelope.sender.local_length,
            session->envelope.sender.octets[0 .. MAILBOX_MAX - 1];
    ensures session_ok(session) && is_said(session, \result.rest);
    ensures rest_of(\result.rest, argument);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static struct parsed_path parse_sender(struct session *session, struct span argument)
{
    struct parsed_path path = parse_path(argument, PATH_KIND_REVERSE, &session->envelope.sender);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
    return path;
}

/*@ requires session_ok(session) && is_said(session, input);
    assigns session->envelope.parameters.size, session->envelope.parameters.utf8,
            session->envelope.parameters.prdr, session->envelope.parameters.binary,
            session->envelope.parameters.ret, session->envelope.parameters.envid_length,
            session->envelope.parameters.notify_length, session->envelope.parameters.orcpt_length,
            session->envelope.parameters.dropped_length,
            session->envelope.parameters.envid[0 .. ENVID_MAX - 1],
            session->envelope.parameters.notify[0 .. NOTIFY_MAX - 1],
            session->envelope.parameters.orcpt[0 .. ORCPT_MAX - 1],
            session->envelope.parameters.dropped[0 .. DROPPED_MAX - 1];
    ensures session_ok(session);
    ensures \result.result != PARAMETER_OK ==> readable(\result.offender);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static struct parsed_parameters parse_sender_parameters(struct session *session, struct span input)
{
    unsigned allowed = extension_parameters(session) & PARAMETER_SETS_OF_MAIL;
    struct parsed_parameters parsed =
        parse_parameters(input, allowed, &session->envelope.parameters);
    /*@ assert lengths_ok(session); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert parts_ok(session); */
    return parsed;
}

/*@ requires session_ok(session);
    assigns session->envelope.sender.length,
            session->envelope.sender.octets[0 .. MAILBOX_MAX - 1];
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void complete_sender(struct session *session)
{
    mailbox_add_domain(&session->envelope.sender, session->settings.hostname);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* Nothing is wrong with the sender itself: is it welcome, with these parameters? */
/*@ requires session_ok(session);
    requires session->want == WANT_NOTHING && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void accept_sender(struct session *session, bool is_ascii)
{
    const struct parameters *parameters = &session->envelope.parameters;
    uint64_t max_size = session->settings.max_size;
    if (!parameters->utf8 && !is_ascii) {
        refuse(session, REPLY_SENDER_NOT_ASCII);
    } else if (max_size > 0 && parameters->size > max_size) {
        refuse(session, REPLY_SIZE_TOO_LARGE);
    } else {
        begin_transaction(session);
        ask_verdict(session, QUESTION_SENDER);
    }
}

/*@ requires session_ok(session) && is_said(session, argument);
    requires session->want == WANT_NOTHING && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void take_sender(struct session *session, struct span argument)
{
    struct parsed_path path = parse_sender(session, argument);
    if (path.result != PATH_RESULT_OK) {
        bool too_long = path.result == PATH_RESULT_TOO_LONG;
        refuse(session, too_long ? REPLY_SENDER_TOO_LONG : REPLY_BAD_SENDER);
        return;
    }
    complete_sender(session);
    struct parsed_parameters parsed = parse_sender_parameters(session, path.rest);
    if (parsed.result != PARAMETER_OK)
        refuse_parameters(session, parsed);
    else
        accept_sender(session, path_is_ascii(argument, path.rest));
}

void mail_run_mail(struct session *session, struct span argument)
{
    enum reply missing = find_missing(session);
    if (session->counts.messages == session->settings.max_messages)
        state_leave(session, REPLY_TOO_MANY_MESSAGES);
    else if (missing != REPLY_NONE)
        refuse(session, missing);
    else
        take_sender(session, argument);
}

/*@ requires session_ok(session);
    assigns session->errors.recipients;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void count_recipient(struct session *session)
{
    session->errors.recipients++;
}

/*@ requires session_ok(session) && is_said(session, argument);
    assigns session->candidate.length, session->candidate.local_length,
            session->candidate.octets[0 .. MAILBOX_MAX - 1];
    ensures session_ok(session) && is_said(session, \result.rest);
    ensures rest_of(\result.rest, argument);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static struct parsed_path parse_recipient(struct session *session, struct span argument)
{
    struct parsed_path path = parse_path(argument, PATH_KIND_FORWARD, &session->candidate);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
    return path;
}

/*@ requires session_ok(session) && is_said(session, input);
    assigns session->candidate_parameters.size, session->candidate_parameters.utf8,
            session->candidate_parameters.prdr, session->candidate_parameters.binary,
            session->candidate_parameters.ret, session->candidate_parameters.envid_length,
            session->candidate_parameters.notify_length,
            session->candidate_parameters.orcpt_length,
            session->candidate_parameters.dropped_length,
            session->candidate_parameters.envid[0 .. ENVID_MAX - 1],
            session->candidate_parameters.notify[0 .. NOTIFY_MAX - 1],
            session->candidate_parameters.orcpt[0 .. ORCPT_MAX - 1],
            session->candidate_parameters.dropped[0 .. DROPPED_MAX - 1];
    ensures session_ok(session);
    ensures \result.result != PARAMETER_OK ==> readable(\result.offender);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static struct parsed_parameters parse_recipient_parameters(struct session *session,
                                                           struct span input)
{
    unsigned allowed = extension_parameters(session) & PARAMETER_SETS_OF_RCPT;
    struct parsed_parameters parsed =
        parse_parameters(input, allowed, &session->candidate_parameters);
    /*@ assert lengths_ok(session); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert parts_ok(session); */
    return parsed;
}

/*@ requires session_ok(session) && is_said(session, argument);
    requires session->want == WANT_NOTHING && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void take_recipient(struct session *session, struct span argument)
{
    struct parsed_path path = parse_recipient(session, argument);
    if (path.result != PATH_RESULT_OK) {
        bool too_long = path.result == PATH_RESULT_TOO_LONG;
        refuse(session, too_long ? REPLY_RECIPIENT_TOO_LONG : REPLY_BAD_RECIPIENT);
        return;
    }
    struct parsed_parameters parsed = parse_recipient_parameters(session, path.rest);
    if (parsed.result != PARAMETER_OK)
        refuse_parameters(session, parsed);
    else if (!session->envelope.parameters.utf8 && !path_is_ascii(argument, path.rest))
        refuse(session, REPLY_RECIPIENT_NOT_ASCII);
    else
        ask_verdict(session, QUESTION_RECIPIENT);
}

void mail_run_rcpt(struct session *session, struct span argument)
{
    if (session->errors.recipients == session->settings.max_recipients) {
        refuse(session, REPLY_TOO_MANY_RECIPIENTS);
        return;
    }
    count_recipient(session);
    take_recipient(session, argument);
}
