#include "message.h"

#include "command.h"
#include "trace.h"

static void write_trace(struct session *session, struct room *output)
{
    const struct session_settings *settings = &session->settings;
    const struct envelope *envelope = &session->envelope;
    bool one_recipient = envelope->count == 1;
    struct mailbox recipient;
    if (one_recipient)
        recipient = envelope_recipient(envelope, 0);
    struct trace trace = {
        .sender = &envelope->sender,
        .recipient = one_recipient ? &recipient : NULL,
        .helo = session_helo(session),
        .client_hostname = settings->client_hostname,
        .client_address = settings->client_address,
        .hostname = settings->hostname,
        .protocol = session_protocol(session),
        .id = session_id(session),
        .time = session->now,
    };
    trace_write(&trace, settings->line_ending, output);
}

void message_begin(struct session *session)
{
    struct room output = {session->octets, sizeof session->octets};
    content_begin(&session->content, session->settings.newlines, session->settings.line_ending);
    if (session->settings.trace)
        write_trace(session, &output);
    session->octets_length = sizeof session->octets - output.length;
    session->storing = false;
    session->verdict = VERDICT_ACCEPTED;
    session->phase = PHASE_CONTENT;
    command_reply(session, REPLY_SEND_MESSAGE, span_empty());
}

static bool is_too_large(const struct session *session)
{
    uint64_t max_size = session->settings.max_size;
    return max_size > 0 && session->content.size > max_size;
}

/* The whole message is here, and stored unless it is refused. */
static void conclude(struct session *session)
{
    if (session->verdict == VERDICT_ACCEPTED)
        session->want = WANT_DELIVERY;
    else
        message_answer(session, session->verdict, span_empty());
}

void message_read(struct session *session)
{
    struct span input = {session->input + session->input_start,
                         session->input_end - session->input_start};
    struct room output = {session->octets + session->octets_length,
                          sizeof session->octets - session->octets_length};
    content_decode(&session->content, &input, &output);
    session->input_start = session->input_end - input.length;
    session->octets_length = sizeof session->octets - output.length;

    if (session->content.broken_form != NULL)
        session->verdict = VERDICT_BAD_LINE_END;
    else if (session->verdict == VERDICT_ACCEPTED && is_too_large(session))
        session->verdict = VERDICT_TOO_LARGE;

    bool ended = content_ended(&session->content);
    if (session->verdict != VERDICT_ACCEPTED) {
        session->octets_length = 0;
        if (ended)
            conclude(session);
    } else if (ended || input.length > 0) {
        session->storing = true;
        session->want = WANT_STORE;
    }
}

void message_stored(struct session *session, bool kept)
{
    session->octets_length = 0;
    if (!kept)
        session->verdict = VERDICT_STORAGE_FULL;
    if (content_ended(&session->content))
        conclude(session);
}

void message_answer(struct session *session, enum verdict verdict, struct span text)
{
    bool clients_mistake = verdict == VERDICT_BAD_LINE_END || verdict == VERDICT_TOO_LARGE;
    session->verdict = verdict;
    if (verdict == VERDICT_ACCEPTED) {
        session->counts.accepted++;
        session->errors_in_row = 0;
    } else if (clients_mistake) {
        session->counts.errors++;
        session->errors_in_row++;
    }
    reply_add_verdict(&session->replies, verdict, text, session_id(session));
    session->want = WANT_DISCARD;
}
