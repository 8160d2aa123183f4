#include "message.h"

#include "command.h"
#include "text.h"
#include "trace.h"

/*
 * Whether we write Delivered-To, and so know it again. A server that hands mail on by LMTP may have
 * written the very same itself.
 */
static bool marks_delivery(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    return settings->trace && settings->one_recipient && !settings->lmtp;
}

static void write_trace(const struct session *session, const struct mailbox *recipient,
                        enum line_ending line_ending, struct room *output)
{
    const struct session_settings *settings = &session->settings;
    struct trace trace = {
        .sender = &session->envelope.sender,
        .recipient = recipient,
        .delivered_to = marks_delivery(session),
        .helo = session_helo(session),
        .client_hostname = settings->client_hostname,
        .client_address = settings->client_address,
        .user = session_user(session),
        .hostname = settings->hostname,
        .protocol = session_protocol(session),
        .id = session_id(session),
        .time = session->now,
    };
    trace_write(&trace, line_ending, output);
}

static void open_message(struct session *session, enum encoding encoding)
{
    const struct session_settings *settings = &session->settings;
    struct room output = {session->octets, sizeof session->octets};
    enum line_ending line_ending =
        encoding == ENCODING_BINARY ? LINE_ENDING_CRLF : settings->line_ending;
    struct mailbox mailbox;
    const struct mailbox *recipient = session_recipient(session, &mailbox) ? &mailbox : NULL;
    content_begin(&session->content, encoding, settings->newlines, line_ending);
    header_begin(&session->header, marks_delivery(session) ? recipient : NULL);
    if (settings->trace)
        write_trace(session, recipient, line_ending, &output);
    session->octets_length = sizeof session->octets - output.length;
    session->trace_length = (uint32_t)session->octets_length;
    session->message_open = true;
    session->storing = false;
    session->verdict = VERDICT_ACCEPTED;
}

void message_begin_content(struct session *session)
{
    open_message(session, ENCODING_DOTTED);
    session->phase = PHASE_CONTENT;
    command_reply(session, REPLY_SEND_MESSAGE, span_empty());
}

void message_begin_chunk(struct session *session, uint64_t size, bool last)
{
    if (!session->message_open)
        open_message(session,
                     session->envelope.parameters.binary ? ENCODING_BINARY : ENCODING_PLAIN);
    session->chunk_size = session->chunk_left = size;
    session->chunk_is_last = last;
    session->phase = PHASE_CHUNK;
}

void message_refuse_chunk(struct session *session, uint64_t size, enum reply reply)
{
    session->chunk_left = size;
    session->phase_behind = session->phase;
    session->refusal = reply;
    session->phase = PHASE_REFUSED;
}

void message_abandon(struct session *session)
{
    session->verdict = VERDICT_BROKEN_OFF;
    session->want = WANT_DISCARD;
}

static bool is_too_large(const struct session *session)
{
    uint64_t max_size = session->settings.max_size;
    return max_size > 0 && session->content.size > max_size;
}

/* All octets of the message are here, or of the chunk at least. */
static bool piece_ended(const struct session *session)
{
    return session->phase == PHASE_CONTENT ? content_ended(&session->content)
                                           : session->chunk_left == 0;
}

static bool is_last_piece(const struct session *session)
{
    return session->phase == PHASE_CONTENT || session->chunk_is_last;
}

/* RFC 2033 4.2: LMTP answers for each recipient, always; SMTP where PRDR was asked for. */
static bool answers_each(const struct session *session)
{
    bool by_prdr = session->envelope.parameters.prdr && session->envelope.count > 1;
    return session->settings.lmtp || (by_prdr && session->verdict == VERDICT_ACCEPTED);
}

/* One by one, be they answered so or at once. */
static bool delivers_each(const struct session *session)
{
    bool many = session->settings.one_recipient && session->envelope.count > 1;
    return answers_each(session) || (many && session->verdict == VERDICT_ACCEPTED);
}

static void take_chunk(struct session *session)
{
    char octets[32];
    struct text count = {.octets = octets, .size = sizeof octets};
    text_add_number(&count, session->chunk_size, 1);
    command_reply(session, REPLY_CHUNK_TAKEN, text_span(&count));
    session->phase = PHASE_CHUNKED;
}

static void begin_deliveries(struct session *session)
{
    if (answers_each(session) && !session->settings.lmtp)
        command_reply(session, REPLY_EACH_RECIPIENT, span_empty());
    session->phase = PHASE_DELIVERY;
    session->recipient = 0;
    session->summary = VERDICT_REFUSED;
}

/* The piece is here, and stored unless the message is refused. */
static void conclude(struct session *session)
{
    if (is_last_piece(session) && delivers_each(session))
        begin_deliveries(session);
    else if (session->verdict != VERDICT_ACCEPTED)
        message_answer(session, session->verdict, span_empty());
    else if (is_last_piece(session))
        session->want = WANT_DELIVERY;
    else
        take_chunk(session);
}

static void count_answer(struct session *session, enum verdict verdict)
{
    if (verdict == VERDICT_ACCEPTED) {
        session->counts.accepted++;
        session->errors_in_row = 0;
    } else if (verdict == VERDICT_BAD_LINE_END || verdict == VERDICT_TOO_LARGE) {
        command_count_error(session);
    }
}

/* All recipients have had their turn: but for LMTP there is an answer on the whole. */
static void end_deliveries(struct session *session)
{
    bool counted = answers_each(session) && session->summary == VERDICT_ACCEPTED;
    if (session->verdict == VERDICT_ACCEPTED)
        session->verdict = session->summary;
    if (!counted)
        count_answer(session, session->verdict);
    if (!session->settings.lmtp)
        reply_add_verdict(&session->replies, session->verdict, span_empty(), session_id(session));
    session->want = WANT_DISCARD;
}

bool message_next_recipient(struct session *session)
{
    if (session->recipient == session->envelope.count)
        end_deliveries(session);
    else if (session->verdict == VERDICT_ACCEPTED)
        session->want = WANT_DELIVERY;
    else
        message_answer(session, session->verdict, span_empty());
    return true;
}

/*
 * One answer for all: what they agree on. Where they do not it is refused if all refuse, for
 * whatever reasons, and deferred if not, so that the client tries again.
 */
static void agree(struct session *session, enum verdict verdict)
{
    enum verdict summary = session->summary;
    bool refused =
        verdict_outcome(verdict) == OUTCOME_REFUSED && verdict_outcome(summary) == OUTCOME_REFUSED;
    if (session->recipient == 0)
        session->summary = verdict;
    else if (verdict != summary)
        session->summary = refused ? VERDICT_REFUSED : VERDICT_DEFERRED;
}

/* One acceptance makes the whole accepted, or else one deferral deferred. */
static void sum_up(struct session *session, enum verdict verdict)
{
    enum outcome outcome = verdict_outcome(verdict);
    if (outcome == OUTCOME_ACCEPTED && session->summary != VERDICT_ACCEPTED) {
        count_answer(session, VERDICT_ACCEPTED);
        session->summary = VERDICT_ACCEPTED;
    } else if (outcome == OUTCOME_DEFERRED && session->summary != VERDICT_ACCEPTED) {
        session->summary = VERDICT_DEFERRED;
    }
}

/* Decodes what belongs to the message; false where there is nothing of it yet. */
static bool decode(struct session *session, struct span *input)
{
    struct span piece = *input;
    if (session->phase == PHASE_CHUNK && piece.length > session->chunk_left)
        piece = span_first(piece, (size_t)session->chunk_left);
    if (piece.length == 0 && !piece_ended(session))
        return false;

    size_t offered = piece.length;
    char *start = session->octets + session->octets_length;
    struct room output = {start, sizeof session->octets - session->octets_length};
    content_decode(&session->content, &piece, &output);
    session->octets_length = sizeof session->octets - output.length;
    header_look(&session->header, (struct span){start, (size_t)(output.octets - start)});
    size_t used = offered - piece.length;
    *input = span_after(*input, used);
    if (session->phase == PHASE_CHUNK) {
        session->chunk_left -= used;
        if (session->chunk_left == 0 && session->chunk_is_last)
            content_finish(&session->content);
    }
    return true;
}

/*
 * A wrong line end counts before the size, and that before a loop, whichever was noticed first:
 * that depends on how the octets are cut.
 */
static void judge(struct session *session)
{
    bool undecided = session->verdict == VERDICT_ACCEPTED || session->verdict == VERDICT_LOOP;
    if (session->content.broken_form != NULL)
        session->verdict = VERDICT_BAD_LINE_END;
    else if (undecided && is_too_large(session))
        session->verdict = VERDICT_TOO_LARGE;
    else if (undecided && header_shows_loop(&session->header))
        session->verdict = VERDICT_LOOP;
    if (session->verdict != VERDICT_ACCEPTED)
        session->octets_length = 0;
}

/* Reads away what belongs to a refused chunk; false where more of it is to come. */
static bool read_away(struct session *session, struct span *input)
{
    uint64_t length = input->length < session->chunk_left ? input->length : session->chunk_left;
    *input = span_after(*input, (size_t)length);
    session->chunk_left -= length;
    if (session->chunk_left > 0)
        return false;
    session->phase = session->phase_behind;
    command_reply(session, session->refusal, span_empty());
    return true;
}

bool message_read(struct session *session)
{
    struct span input = {session->input + session->input_start,
                         session->input_end - session->input_start};
    bool refused = session->phase == PHASE_REFUSED;
    bool went_on = refused ? read_away(session, &input) : decode(session, &input);
    session->input_start = session->input_end - input.length;
    if (refused || !went_on)
        return went_on;

    judge(session);
    bool ended = piece_ended(session);
    bool full = sizeof session->octets - session->octets_length < 2;
    bool something_to_store =
        session->octets_length > 0 || (is_last_piece(session) && !session->storing);
    if (session->verdict == VERDICT_ACCEPTED && (ended || full) && something_to_store) {
        session->storing = true;
        session->want = WANT_STORE;
    } else if (ended) {
        conclude(session);
    }
    return true;
}

void message_stored(struct session *session, bool kept)
{
    session->octets_length = 0;
    if (!kept)
        session->verdict = VERDICT_STORAGE_FULL;
    if (piece_ended(session))
        conclude(session);
}

void message_answer(struct session *session, enum verdict verdict, struct span text)
{
    bool at_once = session->phase == PHASE_DELIVERY && !answers_each(session);
    if (!at_once)
        reply_add_verdict(&session->replies, verdict, text, session_id(session));
    if (session->phase == PHASE_DELIVERY) {
        (at_once ? agree : sum_up)(session, verdict);
        session->recipient++;
        return;
    }
    session->verdict = verdict;
    count_answer(session, verdict);
    session->want = WANT_DISCARD;
}
