#include "session/message.h"

#include "session/answers.h"
#include "session/text/text.h"
#include "session/trace.h"

/*
 * We add Delivered-To, so one that names the same recipient means a loop; not in LMTP, since the
 * server before us may have added it.
 */
static bool adds_delivered_to(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    return settings->trace && settings->one_recipient && !settings->lmtp;
}

/* Whether it is nobody who could tell our own authentication results (RFC 8601 5). */
static bool is_stranger(const struct session *session)
{
    const struct session_settings *settings = &session->settings;
    return !settings->lmtp && !settings->xclient && !session->auth.authenticated;
}

static struct span protocol_of(const struct session *session)
{
    return protocol_name((struct protocol){
        .extended = session->extended,
        .lmtp = session->settings.lmtp,
        .utf8 = session->envelope.parameters.utf8,
        .secured = session->secured,
        .authenticated = session->auth.authenticated,
    });
}

static void write_trace(const struct session *session, const struct mailbox *recipient,
                        enum line_ending line_ending, struct room *output)
{
    const struct session_settings *settings = &session->settings;
    struct trace trace = {
        .sender = &session->envelope.sender,
        .recipient = recipient,
        .delivered_to = adds_delivered_to(session),
        .helo = helo_name(&session->helo),
        .client_hostname = settings->client_hostname,
        .client_address = settings->client_address,
        .user = auth_user(&session->auth),
        .hostname = settings->hostname,
        .protocol = protocol_of(session),
        .id = state_id(session),
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
    struct mailbox only;
    const struct mailbox *recipient = NULL;
    if (session->envelope.count == 1) {
        only = envelope_recipient(&session->envelope, 0);
        recipient = &only;
    }
    content_begin(&session->content, encoding, settings->newlines, line_ending);
    header_begin(&session->header, adds_delivered_to(session) ? recipient : NULL, settings->trace,
                 line_ending, is_stranger(session) ? settings->hostname : span_empty());
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
    state_reply(session, REPLY_SEND_MESSAGE);
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
    session->phase_after_discard = session->phase;
    session->chunk_refusal = reply;
    session->phase = PHASE_REFUSED;
}

static bool is_too_large(const struct session *session)
{
    uint64_t max_size = session->settings.max_size;
    return max_size > 0 && session->content.size > max_size;
}

/* All octets of the message, or of the chunk, are here. */
static bool piece_ended(const struct session *session)
{
    return session->phase == PHASE_CONTENT ? content_ended(&session->content)
                                           : session->chunk_left == 0;
}

static bool is_last_piece(const struct session *session)
{
    return session->phase == PHASE_CONTENT || session->chunk_is_last;
}

static void accept_chunk(struct session *session)
{
    char octets[32];
    struct text count = {.octets = octets, .size = sizeof octets};
    text_add_number(&count, session->chunk_size, 1);
    state_reply_with(session, REPLY_CHUNK_OK, text_span(&count));
    session->phase = PHASE_CHUNKED;
}

/* The piece is here, and stored unless the message is refused. */
static void piece_complete(struct session *session)
{
    if (is_last_piece(session))
        answers_begin(session);
    else if (session->verdict != VERDICT_ACCEPTED)
        answers_give(session, session->verdict, span_empty());
    else
        accept_chunk(session);
}

/* Room for decoded octets. */
static size_t room_left(const struct session *session)
{
    return sizeof session->octets - session->octets_length - header_room(&session->header);
}

/* Decodes octets off the front of `piece`, and keeps what the header lets pass. */
static void decode_piece(struct session *session, struct span *piece)
{
    char *start = session->octets + session->octets_length;
    char *decoded = start + header_room(&session->header);
    struct room output = {decoded, room_left(session)};
    content_decode(&session->content, piece, &output);
    session->octets_length +=
        header_pass(&session->header, start, (size_t)(output.octets - decoded));
}

/* No more octets will come. */
static void finish(struct session *session)
{
    if (session->phase == PHASE_CHUNK)
        content_finish(&session->content);
    session->octets_length +=
        header_end(&session->header, session->octets + session->octets_length);
}

/* Decodes what belongs to the message; false if none of it is here. */
static bool decode(struct session *session, struct span *input)
{
    struct span piece = *input;
    if (session->phase == PHASE_CHUNK && piece.length > session->chunk_left)
        piece = span_first(piece, (size_t)session->chunk_left);
    if (piece.length == 0 && !piece_ended(session))
        return false;

    size_t offered = piece.length;
    decode_piece(session, &piece);
    size_t used = offered - piece.length;
    *input = span_after(*input, used);
    if (session->phase == PHASE_CHUNK)
        session->chunk_left -= used;
    if (piece_ended(session) && is_last_piece(session))
        finish(session);
    return true;
}

/*
 * The precedence is fixed (line end, size, loop), so that the verdict does not depend on how the
 * input was split.
 */
static void check_content(struct session *session)
{
    bool undecided = session->verdict == VERDICT_ACCEPTED || session->verdict == VERDICT_LOOP;
    if (session->content.bad_line_end == NULL && header_is_broken(&session->header))
        session->content.bad_line_end = "bare CR";
    if (session->content.bad_line_end != NULL)
        session->verdict = VERDICT_BAD_LINE_END;
    else if (undecided && is_too_large(session))
        session->verdict = VERDICT_TOO_LARGE;
    else if (undecided && header_shows_loop(&session->header))
        session->verdict = VERDICT_LOOP;
    if (session->verdict != VERDICT_ACCEPTED)
        session->octets_length = 0;
}

/* Discards what is here of a refused chunk; false if more of it is to come. */
static bool discard_chunk(struct session *session, struct span *input)
{
    uint64_t length = input->length < session->chunk_left ? input->length : session->chunk_left;
    *input = span_after(*input, (size_t)length);
    session->chunk_left -= length;
    if (session->chunk_left > 0)
        return false;
    session->phase = session->phase_after_discard;
    state_reply(session, session->chunk_refusal);
    return true;
}

bool message_read(struct session *session)
{
    struct span input = state_input(session);
    bool refused = session->phase == PHASE_REFUSED;
    bool went_on = refused ? discard_chunk(session, &input) : decode(session, &input);
    session->input_start = session->input_end - input.length;
    if (refused || !went_on)
        return went_on;

    check_content(session);
    bool ended = piece_ended(session);
    bool full = room_left(session) < 2;
    bool something_to_store =
        session->octets_length > 0 || (is_last_piece(session) && !session->storing);
    if (session->verdict == VERDICT_ACCEPTED && (ended || full) && something_to_store) {
        session->storing = true;
        session->want = WANT_STORE;
    } else if (ended) {
        piece_complete(session);
    }
    return true;
}

void message_stored(struct session *session, bool kept)
{
    session->octets_length = 0;
    if (!kept)
        session->verdict = VERDICT_STORAGE_FULL;
    if (piece_ended(session))
        piece_complete(session);
}
