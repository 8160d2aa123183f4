#include "session.h"

#include <assert.h>

#include "session/command.h"
#include "session/extension.h"
#include "session/message.h"

static struct span waiting_input(const struct session *session)
{
    return (struct span){session->input + session->input_start,
                         session->input_end - session->input_start};
}

/* Reads one command line; false where there is none to read yet. */
static bool read_command(struct session *session)
{
    struct span input = waiting_input(session);
    struct span line;
    enum line_result result = line_take(&session->line, session->settings.newlines, &input, &line);
    session->input_start = session->input_end - input.length;
    if (result == LINE_UNFINISHED)
        return false;
    session->counts.commands++;
    bool exchange = session->phase == PHASE_AUTH;
    if (exchange && result == LINE_TOO_LONG)
        auth_break_off(session);
    else if (exchange)
        auth_continue(session, line);
    else if (result == LINE_TOO_LONG)
        command_reply(session, REPLY_LINE_TOO_LONG, span_empty());
    else
        command_run(session, line);
    return true;
}

static void stop(struct session *session)
{
    session->phase = PHASE_OVER;
    if (session->want != WANT_DISCARD) {
        session->want = WANT_NOTHING;
        if (session->message_open)
            message_abandon(session);
    }
}

/* Goes one step on; false where octets or room for a reply are missing. */
static bool step(struct session *session)
{
    if (session->phase == PHASE_OVER || !replies_have_room(&session->replies))
        return false;
    if (session->errors_in_row >= session->settings.max_errors) {
        command_reply(session, REPLY_TOO_MANY_ERRORS, session->settings.hostname);
        stop(session);
        return false;
    }
    if (session->phase == PHASE_DELIVERY)
        return message_next_recipient(session);
    const unsigned reading = PHASE_CONTENT | PHASE_CHUNK | PHASE_REFUSED;
    if ((session->phase & reading) != 0)
        return message_read(session);
    return session->input_start < session->input_end && read_command(session);
}

/* Goes on while it can. Where replies have room only octets can be missing. */
static void advance(struct session *session)
{
    while (session->want == WANT_NOTHING && step(session))
        ;
    bool starved = session->want == WANT_NOTHING && replies_have_room(&session->replies);
    if (session->input_is_over && starved)
        stop(session);
}

void session_begin(struct session *session, const struct session_settings *settings)
{
    session->settings = *settings;
    command_begin_anew(session);
    session->want = WANT_NOTHING;
    session->input_is_over = false;
    session->secured = settings->secured;
    session->tls_asked = session->tls_available = session->introduced = false;
    session->message_open = false;
    session->storing = false;
    session->trace_length = 0;
    session->counts = (struct session_counts){.messages = 0};
    session->errors_in_row = 0;
    session->now = 0;
    session->line = (struct line){.too_long = false};
    session->auth.failures = 0;
    session->input_start = session->input_end = 0;
    session->octets_length = 0;
    replies_clear(&session->replies);
    command_greet(session);
}

struct room session_room(struct session *session)
{
    if (session->phase == PHASE_OVER || session->input_is_over || session->want != WANT_NOTHING)
        return (struct room){session->input, 0};
    if (session->input_start == session->input_end)
        session->input_start = session->input_end = 0;
    if (session->input_end == sizeof session->input && session->input_start > 0) {
        struct span input = waiting_input(session);
        memmove(session->input, input.octets, input.length);
        session->input_start = 0;
        session->input_end = input.length;
    }
    return (struct room){session->input + session->input_end,
                         sizeof session->input - session->input_end};
}

void session_fed(struct session *session, size_t length, int64_t now)
{
    assert(length <= sizeof session->input - session->input_end);
    session->input_end += length;
    session->now = now;
    advance(session);
}

struct span session_replies(const struct session *session)
{
    return replies_waiting(&session->replies);
}

void session_written(struct session *session, size_t length)
{
    replies_written(&session->replies, length);
    advance(session);
}

enum want session_want(const struct session *session)
{
    bool all_said = replies_waiting(&session->replies).length == 0;
    if (session->want == WANT_NOTHING && session->phase == PHASE_OVER && all_said)
        return WANT_CLOSE;
    if (session->want == WANT_TLS && !all_said)
        return WANT_NOTHING;
    return session->want;
}

enum question session_question(const struct session *session)
{
    return session->question;
}

const struct mailbox *session_candidate(const struct session *session)
{
    return &session->candidate;
}

const struct parameters *session_candidate_parameters(const struct session *session)
{
    return &session->candidate_parameters;
}

const struct envelope *session_envelope(const struct session *session)
{
    return &session->envelope;
}

struct span session_id(const struct session *session)
{
    return (struct span){session->id, session->id_length};
}

struct span session_helo(const struct session *session)
{
    return (struct span){session->helo, session->helo_length};
}

bool session_is_extended(const struct session *session)
{
    return session->extended;
}

struct span protocol_name(struct protocol protocol)
{
    static const char *const names[][4] = {
        {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
        {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
        {"LMTP", "LMTPS", "LMTPA", "LMTPSA"},
        {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"},
    };
    if (!protocol.extended)
        return span_of("SMTP");
    unsigned row = (protocol.lmtp ? 2U : 0) + (protocol.utf8 ? 1U : 0);
    unsigned column = (protocol.authenticated ? 2U : 0) + (protocol.secured ? 1U : 0);
    return span_of(names[row][column]);
}

struct span session_protocol(const struct session *session)
{
    return protocol_name((struct protocol){
        .extended = session->extended,
        .lmtp = session->settings.lmtp,
        .utf8 = session->envelope.parameters.utf8,
        .secured = session->secured,
        .authenticated = session->auth.authenticated,
    });
}

bool session_recipient(const struct session *session, struct mailbox *recipient)
{
    bool in_turn = session->phase == PHASE_DELIVERY;
    if (!in_turn && session->envelope.count > 1)
        return false;
    *recipient = envelope_recipient(&session->envelope, in_turn ? session->recipient : 0);
    return true;
}

static struct span lines_at_hand(const struct session *session, const struct envelope_list *list)
{
    return session->phase == PHASE_DELIVERY ? envelope_line(list, session->recipient)
                                            : envelope_lines(list, session->envelope.count);
}

struct span session_notify(const struct session *session)
{
    return lines_at_hand(session, &session->envelope.notify);
}

struct span session_orcpt(const struct session *session)
{
    return lines_at_hand(session, &session->envelope.orcpt);
}

struct span session_octets(const struct session *session)
{
    return (struct span){session->octets, session->octets_length};
}

/* The sender or recipient in question may take part in the transaction. */
static void accept_address(struct session *session)
{
    if (session->question == QUESTION_SENDER) {
        session->phase = PHASE_SENDER;
        command_reply(session, REPLY_SENDER_OK, span_empty());
    } else if (envelope_add(&session->envelope, &session->candidate,
                            &session->candidate_parameters)) {
        session->phase = PHASE_RECIPIENT;
        command_reply(session, REPLY_RECIPIENT_OK, span_empty());
    } else {
        command_reply(session, REPLY_TOO_MANY_RECIPIENTS, span_empty());
    }
}

static void refuse_address(struct session *session, enum verdict verdict, struct span text)
{
    if (verdict_outcome(verdict) == OUTCOME_REFUSED)
        command_count_error(session);
    reply_add_verdict(&session->replies, verdict, text, session_id(session));
}

static void answer_question(struct session *session, enum verdict verdict, struct span text)
{
    if (session->question == QUESTION_TLS) {
        session->tls_asked = true;
        session->tls_available = verdict == VERDICT_ACCEPTED;
        extension_reply(session);
    } else if (verdict == VERDICT_ACCEPTED) {
        accept_address(session);
    } else {
        refuse_address(session, verdict, text);
    }
}

void session_answer(struct session *session, enum verdict verdict, struct span text)
{
    enum want settled = session->want;
    assert(settled == WANT_VERDICT || settled == WANT_CREDENTIALS || settled == WANT_DELIVERY);
    session->want = WANT_NOTHING;
    if (settled == WANT_DELIVERY)
        message_answer(session, verdict, text);
    else if (settled == WANT_VERDICT)
        answer_question(session, verdict, text);
    else
        auth_answer(session, verdict == VERDICT_ACCEPTED,
                    verdict_outcome(verdict) != OUTCOME_DEFERRED);
    advance(session);
}

void session_secured(struct session *session)
{
    assert(session->want == WANT_TLS && session->input_start == session->input_end);
    session->want = WANT_NOTHING;
    session->secured = true;
    command_begin_anew(session);
}

const struct xclient *session_xclient(const struct session *session)
{
    return &session->xclient;
}

void session_introduced(struct session *session, bool taken, struct span client_address,
                        struct span client_hostname)
{
    assert(session->want == WANT_CLIENT);
    session->want = WANT_NOTHING;
    session->settings.client_address = client_address;
    session->settings.client_hostname = client_hostname;
    xclient_answer(session, taken);
    advance(session);
}

void session_stored(struct session *session, bool kept)
{
    assert(session->want == WANT_STORE);
    session->want = WANT_NOTHING;
    message_stored(session, kept);
    advance(session);
}

void session_discarded(struct session *session)
{
    assert(session->want == WANT_DISCARD);
    session->want = WANT_NOTHING;
    session->message_open = false;
    if (session->phase != PHASE_OVER)
        command_forget_transaction(session);
    advance(session);
}

struct session_result session_result(const struct session *session)
{
    const struct content *content = &session->content;
    return (struct session_result){
        .verdict = session->verdict,
        .size = content->size,
        .trace = session->trace_length,
        .broken_form = content->false_end != NULL ? content->false_end : content->broken_form,
    };
}

void session_end(struct session *session, enum ending ending)
{
    static const enum reply farewells[] = {
        [ENDING_LEFT] = REPLY_NONE,
        [ENDING_COMMAND_TIMEOUT] = REPLY_COMMAND_TIMEOUT,
        [ENDING_DATA_TIMEOUT] = REPLY_DATA_TIMEOUT,
        [ENDING_SESSION_TIMEOUT] = REPLY_SESSION_TIMEOUT,
        [ENDING_SHUTDOWN] = REPLY_SHUTDOWN,
        [ENDING_MISCONFIGURED] = REPLY_MISCONFIGURED,
        [ENDING_TOO_MANY_CONNECTIONS] = REPLY_TOO_MANY_CONNECTIONS,
    };
    if (ending == ENDING_INPUT_OVER) {
        session->input_is_over = true;
        advance(session);
        return;
    }
    if (ending == ENDING_LEFT || ending == ENDING_MISCONFIGURED ||
        ending == ENDING_TOO_MANY_CONNECTIONS)
        replies_clear(&session->replies);
    if (farewells[ending] != REPLY_NONE && session->phase != PHASE_OVER)
        command_reply(session, farewells[ending], session->settings.hostname);
    stop(session);
}

bool session_within_message(const struct session *session)
{
    return session->message_open || session->phase == PHASE_REFUSED;
}

bool session_keeps_octets(const struct session *session)
{
    return session->message_open && session->verdict == VERDICT_ACCEPTED &&
           session->phase != PHASE_DELIVERY;
}

struct session_counts session_counts(const struct session *session)
{
    return session->counts;
}
