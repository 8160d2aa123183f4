#include "session/message.h"

#include "session/answers.h"
#include "session/opening.h"
#include "session/text/text.h"

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0;
    requires phase == PHASE_CONTENT || phase == PHASE_CHUNK || phase == PHASE_CHUNKED;
    assigns session->phase;
    ensures session_ok(session) && session->phase == phase; */
static void enter(struct session *session, enum phase phase)
{
    session->phase = phase;
}

void message_begin_content(struct session *session)
{
    opening_begin(session, ENCODING_DOTTED);
    enter(session, PHASE_CONTENT);
    state_reply(session, REPLY_SEND_MESSAGE);
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0;
    assigns session->chunk_size, session->chunk_left, session->chunk_is_last;
    ensures session_ok(session); */
static void begin_chunk(struct session *session, uint64_t size, bool last)
{
    session->chunk_size = session->chunk_left = size;
    session->chunk_is_last = last;
}

void message_begin_chunk(struct session *session, uint64_t size, bool last)
{
    bool is_binary = session->envelope.parameters.binary;
    if (!session->message_open)
        opening_begin(session, is_binary ? ENCODING_BINARY : ENCODING_PLAIN);
    begin_chunk(session, size, last);
    enter(session, PHASE_CHUNK);
}

void message_refuse_chunk(struct session *session, uint64_t size, enum reply reply)
{
    session->chunk_left = size;
    session->phase_after_discard = session->phase;
    session->chunk_refusal = reply;
    session->phase = PHASE_REFUSED;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires \valid_read(session); assigns \nothing; */
static bool is_too_large(const struct session *session)
{
    uint64_t max_size = session->settings.max_size;
    return max_size > 0 && session->content.size > max_size;
}

/* All octets of the message, or of the chunk, are here. */
/*@ requires \valid_read(session); assigns \nothing; */
static bool piece_ended(const struct session *session)
{
    return session->phase == PHASE_CONTENT ? content_ended(&session->content)
                                           : session->chunk_left == 0;
}

/*@ requires \valid_read(session); assigns \nothing; */
static bool is_last_piece(const struct session *session)
{
    return session->phase == PHASE_CONTENT || session->chunk_is_last;
}

enum { DIGITS_MAX = 20 /* of a number of 64 bits */ };

/*@ requires \valid(octets + (0 .. DIGITS_MAX - 1));
    assigns octets[0 .. DIGITS_MAX - 1];
    ensures readable(\result); */
/* NOLINTNEXTLINE(readability-non-const-parameter): the text is written there */
static struct span write_number(char octets[DIGITS_MAX], uint64_t number)
{
    struct text text = {.octets = octets, .size = DIGITS_MAX};
    text_add_number(&text, number, 1);
    return text_span(&text);
}

/*@ requires session_ok(session) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject, session->refusals,
            session->refusal_is_due, session->refusal.subject, session->refusal.reply,
            session->refusal.in_transaction, session->refusal.size, session->refusal.length,
            session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1], session->unexpected_length,
            session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1], session->replies.end,
            session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && replies_fit(&session->replies, REPLY_LINE_MAX);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void reply_to_chunk(struct session *session)
{
    char octets[DIGITS_MAX];
    state_reply_with(session, REPLY_CHUNK_OK, write_number(octets, session->chunk_size));
}

/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session) && session->phase == PHASE_CHUNKED;
    ensures session->want == WANT_NOTHING;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void accept_chunk(struct session *session)
{
    enter(session, PHASE_CHUNKED);
    reply_to_chunk(session);
}

/* The piece is here, and stored unless the message is refused. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0 && session->phase != PHASE_DELIVERY;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_do(session) < 8192 * left_to_read(session) + 6144;
    ensures left_to_read(session) == \old(left_to_read(session)); */
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
/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result == SESSION_OCTETS_MAX - session->octets_length -
        room_needed(&session->header); */
static size_t room_left(const struct session *session)
{
    return sizeof session->octets - session->octets_length - header_room(&session->header);
}

/* Octets of the input that belong to the message, or to the chunk. */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures \result <= session->input_end - session->input_start;
    ensures session->phase != PHASE_CONTENT ==> \result <= session->chunk_left; */
static size_t length_of_piece(const struct session *session)
{
    size_t length = session->input_end - session->input_start;
    bool is_counted = session->phase != PHASE_CONTENT;
    return is_counted && session->chunk_left < length ? (size_t)session->chunk_left : length;
}

/* `length` octets of the input were taken. */
/*@ requires session_ok(session) && length <= session->input_end - session->input_start;
    assigns session->input_start, session->chunk_left;
    ensures session_ok(session) && session->input_start == \old(session->input_start) + length;
    ensures left_to_read(session) == \old(left_to_read(session)) -
        2 * (session->input_start - \old(session->input_start)); */
static void take(struct session *session, size_t length)
{
    session->input_start += length;
    if (session->phase != PHASE_CONTENT)
        session->chunk_left -= length;
}

/* Octets of the input that were decoded, and those that came of them. */
struct decoded {
    size_t taken, made;
};

/* Decodes the first `length` octets of the input, or as many as there is `room` for. */
/*@ requires \valid(session) && content_ok(&session->content) && room <= SESSION_OCTETS_MAX;
    requires session->input_start + length <= SESSION_INPUT_MAX;
    assigns session->content.state, session->content.size, session->content.bare_lf_count,
            session->content.bad_line_end, session->content.smuggled_end,
            session->content.tail[0 .. CONTENT_TAIL - 1],
            session->octets[0 .. SESSION_OCTETS_MAX - 1];
    ensures content_ok(&session->content);
    ensures \result.taken <= length && \result.made <= room; */
static struct decoded decode_octets(struct session *session, size_t length, size_t room)
{
    struct span piece = {session->input + session->input_start, length};
    struct room output = {session->octets + (sizeof session->octets - room), room};
    content_decode(&session->content, &piece, &output);
    return (struct decoded){length - piece.length, room - output.length};
}

/* Decodes what is here of the message; returns how many octets came of it. */
/*@ requires session_ok(session);
    assigns session->content.state, session->content.size, session->content.bare_lf_count,
            session->content.bad_line_end, session->content.smuggled_end,
            session->content.tail[0 .. CONTENT_TAIL - 1],
            session->octets[0 .. SESSION_OCTETS_MAX - 1], session->input_start,
            session->chunk_left;
    ensures session_ok(session) && session->input_start >= \old(session->input_start);
    ensures session->octets_length + room_needed(&session->header) + \result <=
        SESSION_OCTETS_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)) -
        2 * (session->input_start - \old(session->input_start)); */
static size_t decode(struct session *session)
{
    struct decoded decoded = decode_octets(session, length_of_piece(session), room_left(session));
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
    take(session, decoded.taken);
    return decoded.made;
}

/* Keeps what the header lets pass of the `decoded` octets. */
/*@ requires session_ok(session);
    requires session->octets_length + room_needed(&session->header) + decoded <=
        SESSION_OCTETS_MAX;
    assigns session->header.over, session->header.begun, session->header.passed,
            session->header.left_out, session->header.delivered, session->header.is_astray,
            session->header.after_return, session->header.has_return, session->header.is_broken,
            session->header.is_held, session->header.kind, session->header.received,
            session->header.added, session->header.line_length,
            session->header.line[0 .. HEADER_LINE_MAX - 1],
            session->octets[0 .. SESSION_OCTETS_MAX - 1], session->octets_length;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void pass(struct session *session, size_t decoded)
{
    char *octets = session->octets + session->octets_length;
    session->octets_length += header_pass(&session->header, octets, decoded);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* No more octets will come. */
/*@ requires session_ok(session);
    assigns session->content.bad_line_end;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void finish_content(struct session *session)
{
    if (session->phase == PHASE_CHUNK)
        content_finish(&session->content);
}

/*@ requires session_ok(session);
    assigns session->header.over, session->header.begun, session->header.passed,
            session->header.left_out, session->header.delivered, session->header.is_astray,
            session->header.after_return, session->header.has_return, session->header.is_broken,
            session->header.is_held, session->header.kind, session->header.received,
            session->header.added, session->header.line_length,
            session->header.line[0 .. HEADER_LINE_MAX - 1],
            session->octets[0 .. SESSION_OCTETS_MAX - 1], session->octets_length;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void end_header(struct session *session)
{
    char *octets = session->octets + session->octets_length;
    session->octets_length += header_end(&session->header, octets);
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/*@ requires session_ok(session);
    assigns session->content.bad_line_end;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void look_at_header(struct session *session)
{
    if (session->content.bad_line_end == NULL && header_is_broken(&session->header))
        session->content.bad_line_end = "bare CR";
}

/*
 * The precedence is fixed (line end, size, loop), so that the verdict does not depend on how the
 * input was split.
 */
/*@ requires session_ok(session);
    assigns \nothing;
    ensures verdict_ok(\result); */
static enum verdict judge(const struct session *session)
{
    bool undecided = session->verdict == VERDICT_ACCEPTED || session->verdict == VERDICT_LOOP;
    if (session->content.bad_line_end != NULL)
        return VERDICT_BAD_LINE_END;
    if (undecided && is_too_large(session))
        return VERDICT_TOO_LARGE;
    return undecided && header_shows_loop(&session->header) ? VERDICT_LOOP : session->verdict;
}

/*@ requires session_ok(session) && verdict_ok(verdict);
    assigns session->verdict, session->octets_length;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void set_verdict(struct session *session, enum verdict verdict)
{
    session->verdict = verdict;
    if (verdict != VERDICT_ACCEPTED)
        session->octets_length = 0;
    /*@ assert lengths_ok(session); */
    /*@ assert parts_ok(session); */
}

/* Decodes and judges what is here of the message; false if nothing is. */
/*@ requires session_ok(session);
    assigns *session;
    ensures session->want == \old(session->want) && session->phase == \old(session->phase);
    ensures session->replies.end == \old(session->replies.end);
    ensures session_ok(session) && left_to_read(session) <= \old(left_to_read(session));
    ensures \result ==> left_to_read(session) < \old(left_to_read(session)); */
static bool read_piece(struct session *session)
{
    size_t start = session->input_start;
    pass(session, decode(session));
    if (piece_ended(session) && is_last_piece(session)) {
        finish_content(session);
        end_header(session);
    }
    look_at_header(session);
    set_verdict(session, judge(session));
    return session->input_start > start;
}

/*@ requires session_ok(session) && session->phase == PHASE_REFUSED;
    assigns session->phase;
    ensures session_ok(session) && session->phase <= PHASE_CHUNKED;
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void leave_chunk(struct session *session)
{
    session->phase = session->phase_after_discard;
}

/* Discards what is here of a refused chunk; false if more of it is to come. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->phase == PHASE_REFUSED && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures \result ==> left_to_do(session) < \old(left_to_do(session)); */
static bool discard_chunk(struct session *session)
{
    take(session, length_of_piece(session));
    if (session->chunk_left > 0)
        return false;
    leave_chunk(session);
    state_reply(session, session->chunk_refusal);
    return true;
}

/* The piece has ended, or there is no room for more, and something waits to be stored. */
/*@ requires session_ok(session); assigns \nothing; */
static bool must_store(const struct session *session)
{
    bool is_due = piece_ended(session) || room_left(session) < 2;
    bool is_something = session->octets_length > 0 || (is_last_piece(session) && !session->storing);
    return session->verdict == VERDICT_ACCEPTED && is_due && is_something;
}

/*@ requires session_ok(session) && session->envelope.count > 0;
    requires session->phase != PHASE_DELIVERY;
    assigns session->storing, session->want;
    ensures session_ok(session) && session->want == WANT_STORE; */
static void store(struct session *session)
{
    session->storing = true;
    session->want = WANT_STORE;
}

/* The want that follows, or the reply; false if there is none yet. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->phase == PHASE_CONTENT || session->phase == PHASE_CHUNK;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures \result ==> left_to_do(session) < \old(left_to_do(session));
    ensures !\result ==> left_to_do(session) == \old(left_to_do(session)); */
static bool go_on(struct session *session)
{
    bool ended = piece_ended(session);
    if (must_store(session))
        store(session);
    else if (ended)
        piece_complete(session);
    else
        return false;
    return true;
}

bool message_read(struct session *session)
{
    if (session->phase == PHASE_REFUSED)
        return discard_chunk(session);
    bool is_here = read_piece(session);
    return go_on(session) || is_here;
}

void message_stored(struct session *session, bool kept)
{
    enum verdict verdict = kept ? session->verdict : VERDICT_STORAGE_FULL;
    session->octets_length = 0;
    set_verdict(session, verdict);
    if (piece_ended(session))
        piece_complete(session);
}
