#include "session/input.h"

#include "session/abuse.h"
#include "session/command.h"
#include "session/identity.h"

/* What was cut off the front of the input. */
struct piece {
    enum line_result result;
    struct span line; /* undefined if it is incomplete */
    size_t left;      /* octets of the input behind it */
};

/*@ requires session_ok(session);
    assigns session->begun;
    ensures session_ok(session); */
static void set_begun(struct session *session, bool begun)
{
    session->begun = begun;
}

/* The form of abuse that the client began with, another protocol; NULL for none. */
/*@ requires session_ok(session);
    assigns session->begun;
    ensures session_ok(session) && (\result == \null || \valid_read(\result)); */
static const char *find_abuse(struct session *session)
{
    bool undecided = false;
    const char *form =
        session->begun ? NULL
                       : abuse_find(state_input(session), session->settings.newlines, &undecided);
    set_begun(session, !undecided);
    return form;
}

/*@ requires session_ok(session);
    assigns session->counts.commands;
    ensures session_ok(session); */
static void count_line(struct session *session)
{
    session->counts.commands++;
}

/*@ requires session_ok(session) && is_said(session, line) && session->want == WANT_NOTHING;
    requires !session->refusal_is_due && replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires result == LINE_TOO_LONG ==> line.length >= LINE_KEPT_MAX;
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session)); */
static void run_line(struct session *session, struct span line, enum line_result result)
{
    if (session->phase == PHASE_AUTH)
        identity_continue_auth(session, line, result == LINE_TOO_LONG);
    else if (abuse_is_http(line))
        abuse_end(session, "http");
    else if (result == LINE_TOO_LONG)
        command_refuse(session, span_first(line, LINE_KEPT_MAX), REPLY_LINE_TOO_LONG);
    else if (result == LINE_REST)
        command_refuse(session, line, REPLY_BAD_CHARACTERS);
    else
        command_run(session, line);
}

/*@ requires session_ok(session) && is_said(session, piece.line);
    requires session->want == WANT_NOTHING && !session->refusal_is_due;
    requires replies_fit(&session->replies, 2 * REPLY_ROOM);
    requires piece.result == LINE_TOO_LONG ==> piece.line.length >= LINE_KEPT_MAX;
    assigns *session;
    ensures session_ok(session) && answerable(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures left_to_do(session) < 8192 * (left_to_read(session) + 1); */
static void take_line(struct session *session, struct piece piece)
{
    count_line(session);
    run_line(session, piece.line, piece.result);
    /*@ assert parts_ok(session); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert left_to_do(session) < 8192 * (left_to_read(session) + 1); */
}

/*@ requires line_ok(line) && readable(input);
    requires \separated(line, input.octets + (0 .. input.length - 1));
    assigns line->too_long, line->is_cut, line->after_cr, line->first_length,
            line->last_length, line->kept[0 .. 2 * LINE_KEPT_MAX - 1];
    ensures line_ok(line) && 0 <= \result.left <= input.length;
    ensures \result.result != LINE_INCOMPLETE ==>
        taken(\result.line, input, line) && \result.left < input.length;
    ensures \result.left < input.length || line->last_length == 0 ||
        \old(line->last_length) > 0;
    ensures \result.result == LINE_TOO_LONG ==> \result.line.length >= LINE_KEPT_MAX; */
static struct piece parse(struct line *line, enum newlines newlines, struct span input)
{
    struct span rest = input, text = span_empty();
    enum line_result result = line_parse(line, newlines, &rest, &text);
    return (struct piece){result, text, rest.length};
}

/*@ requires line_ok(line) && readable(input);
    requires \separated(line, input.octets + (0 .. input.length - 1));
    assigns line->too_long, line->is_cut, line->after_cr, line->first_length,
            line->last_length, line->kept[0 .. 2 * LINE_KEPT_MAX - 1];
    ensures line_ok(line) && line->last_length == 0 && \result.left == 0;
    ensures taken(\result.line, input, line);
    ensures \result.result == LINE_TOO_LONG ==> \result.line.length >= LINE_KEPT_MAX; */
static struct piece cut(struct line *line, struct span input)
{
    struct span rest = input, text;
    enum line_result result = line_cut(line, &rest, &text);
    return (struct piece){result, text, rest.length};
}

/*@ requires session_ok(session) && session->input_start + length <= session->input_end;
    assigns session->input_start;
    ensures session_ok(session) && session->input_start + length == session->input_end; */
static void leave_input(struct session *session, size_t length)
{
    session->input_start = session->input_end - length;
}

/*@ requires session_ok(session);
    assigns session->line.too_long, session->line.is_cut, session->line.after_cr,
            session->line.first_length, session->line.last_length,
            session->line.kept[0 .. 2 * LINE_KEPT_MAX - 1], session->input_start;
    ensures session_ok(session) && left_to_read(session) <= \old(left_to_read(session));
    ensures \result.result != LINE_INCOMPLETE ==> is_said(session, \result.line);
    ensures \result.result != LINE_INCOMPLETE ==>
        left_to_read(session) < \old(left_to_read(session));
    ensures \result.result == LINE_TOO_LONG ==> \result.line.length >= LINE_KEPT_MAX; */
static struct piece parse_line(struct session *session)
{
    struct piece piece = parse(&session->line, session->settings.newlines, state_input(session));
    /*@ assert lengths_ok(session); */
    /*@ assert header_ok(&session->header); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert parts_ok(session); */
    leave_input(session, piece.left);
    return piece;
}

/*@ requires session_ok(session) && left_to_read(session) > 0;
    assigns session->line.too_long, session->line.is_cut, session->line.after_cr,
            session->line.first_length, session->line.last_length,
            session->line.kept[0 .. 2 * LINE_KEPT_MAX - 1], session->input_start;
    ensures session_ok(session) && is_said(session, \result.line);
    ensures left_to_read(session) < \old(left_to_read(session));
    ensures \result.result == LINE_TOO_LONG ==> \result.line.length >= LINE_KEPT_MAX; */
static struct piece cut_line(struct session *session)
{
    struct piece piece = cut(&session->line, state_input(session));
    /*@ assert lengths_ok(session); */
    /*@ assert header_ok(&session->header); */
    /*@ assert envelope_ok(&session->envelope); */
    /*@ assert parts_ok(session); */
    leave_input(session, piece.left);
    return piece;
}

bool input_read_line(struct session *session)
{
    if (session->input_start == session->input_end)
        return false;
    const char *abuse = find_abuse(session);
    if (abuse != NULL) {
        abuse_end(session, abuse);
        /*@ assert left_to_do(session) <= \at(left_to_do(session), Pre); */
        return false;
    }
    /*@ assert left_to_do(session) >= 8192 * left_to_read(session); */
    struct piece piece = parse_line(session);
    if (piece.result == LINE_INCOMPLETE) {
        /*@ assert left_to_do(session) <= \at(left_to_do(session), Pre); */
        return false;
    }
    take_line(session, piece);
    return true;
}

/*@ assigns \nothing; */
static bool has_lines(enum phase phase)
{
    return phase <= PHASE_CHUNKED || phase == PHASE_AUTH;
}

bool input_stops_at_lf(const struct session *session)
{
    return has_lines(session->phase) && session->want == WANT_NOTHING && !session->refusal_is_due &&
           replies_have_room(&session->replies) &&
           line_stops_at_lf(&session->line, state_input(session));
}

/*@ requires session_ok(session);
    assigns session->counts.stopped_at_lf;
    ensures session_ok(session); */
static void note_stop(struct session *session)
{
    session->counts.stopped_at_lf = true;
}

bool input_cut_line(struct session *session)
{
    if (!input_stops_at_lf(session))
        return false;
    note_stop(session);
    /*@ assert left_to_do(session) >= 8192 * left_to_read(session); */
    struct piece piece = cut_line(session);
    take_line(session, piece);
    return true;
}
