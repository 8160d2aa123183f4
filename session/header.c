#include "session/header.h"

_Static_assert(HEADER_LINE_MAX > sizeof "Delivered-To:" + MAILBOX_MAX,
               "the longest Delivered-To must fit");
_Static_assert(sizeof "X-Mailbox-Line: " - 1 == HEADER_ADDED_MAX, "so that room_needed holds");

void header_look_for(struct header *header, struct span recipient)
{
    header->recipient = recipient;
}

void header_leave_out(struct header *header, struct span hostname)
{
    header->hostname = hostname;
}

void header_begin(struct header *header, bool is_traced, enum line_ending line_ending)
{
    header->over = header->begun = header->passed = header->left_out = header->delivered = false;
    header->is_held = header->is_astray = false;
    header->after_return = header->has_return = header->is_broken = false;
    header->is_traced = is_traced;
    header->line_ending = line_ending;
    header->kind = FIELD_LINE_UNDECIDED;
    header->received = 0;
    header->added = 0;
    header->line_length = 0;
}

/* Octets of the current line, or field, that are held back. */
/*@ requires \valid_read(header);
    assigns \nothing;
    ensures \result == octets_held(header); */
static size_t held_back(const struct header *header)
{
    bool is_undecided = header->kind == FIELD_LINE_UNDECIDED || header->is_held;
    return is_undecided ? header->line_length : 0;
}

size_t header_room(const struct header *header)
{
    bool is_open = header->is_traced && !header->passed;
    if (header->over)
        return 0;
    return held_back(header) + (is_open ? HEADER_ADDED_MAX : 0) +
           (header->is_traced ? HEADER_END_MAX : 0);
}

/* Copies `octets`, for which there is room, to the front of it; the room behind them. */
/*@ requires writable(room) && readable(octets) && octets.length <= room.length;
    assigns room.octets[0 .. room.length - 1];
    ensures moved_on(\result, room) && \result.length == room.length - octets.length; */
static struct room put(struct room room, struct span octets)
{
    room_put(&room, octets);
    return room;
}

/*
 * Puts in front of the current line, of a traced message, what keeps it apart: from the trace, or
 * from the header that it ends though it is not empty. Returns the room that is left, as the
 * others do that write to `output`.
 */
/*@ requires header_valid(header) && separator_ends(header) && writable(output);
    requires octets_to_add(header) <= output.length;
    assigns header->added, header->passed, output.octets[0 .. output.length - 1];
    ensures header->added <= HEADER_ADDED_MAX && header->passed && moved_on(\result, output);
    ensures \result.length - (header->over ? 0 : octets_to_add(header)) >=
        output.length - \old(octets_to_add(header)); */
static struct room separate(struct header *header, struct room output)
{
    struct span octets = span_empty();
    bool has_crlf = header->line_ending == LINE_ENDING_CRLF;
    if (header->over && header->kind != FIELD_LINE_EMPTY)
        octets = has_crlf ? (struct span){"\r\n", 2} : (struct span){"\n", 1};
    else if (header->kind == FIELD_LINE_SEPARATOR)
        octets = (struct span){"X-Mailbox-Line: ", HEADER_ADDED_MAX};
    if (header->is_traced)
        output = put(output, octets);
    if (header->is_traced && !header->passed)
        header->added = (uint32_t)octets.length;
    header->passed = true;
    return output;
}

/*
 * The kind is decided: `piece` follows the `held` octets that were held back. Only a separator
 * loses its ">".
 */
/*@ requires header_valid(header) && separator_ends(header) && writable(output);
    requires readable(piece) && held <= HEADER_LINE_MAX && held + piece.length > 0;
    requires octets_to_add(header) + held + piece.length <= output.length;
    assigns header->added, header->passed, output.octets[0 .. output.length - 1];
    ensures header->added <= HEADER_ADDED_MAX && moved_on(\result, output);
    ensures !header->passed ==> !\old(header->passed) && \result.length == output.length;
    ensures \result.length - (header->over ? 0 : octets_to_add(header)) >=
        output.length - \old(octets_to_add(header)) - held - piece.length; */
static struct room begin_line(struct header *header, size_t held, struct span piece,
                              struct room output)
{
    struct span before = {header->line, held};
    bool is_quoted = header->is_traced && !header->passed && header->kind == FIELD_LINE_SEPARATOR &&
                     header->line[0] == '>';
    if (header->left_out)
        return output;
    output = separate(header, output);
    if (is_quoted && held > 0)
        before = span_after(before, 1);
    else if (is_quoted)
        piece = span_after(piece, 1);
    return put(put(output, before), piece);
}

/* The value of the current line if it is a Delivered-To, and whole; else empty. */
/*@ requires header_valid(header);
    assigns \nothing;
    ensures readable(\result); */
static struct span find_delivered(const struct header *header)
{
    struct span line = {header->line, header->line_length};
    size_t colon = span_find(line, ':');
    bool is_it = colon < line.length && line.length < sizeof header->line &&
                 span_equal(span_trim(span_first(line, colon)), span_of("Delivered-To"));
    return is_it ? field_value(line) : span_empty();
}

/*
 * Looks for a CR in the piece of the current line that no LF follows. Some readers end a line
 * there, and would read fields behind it that nobody has judged.
 */
/*@ requires \valid(header) && readable(piece) && piece.length < 0x7fffffff;
    assigns header->has_return, header->after_return; */
static void look_for_return(struct header *header, struct span piece)
{
    size_t at;
    if (piece.length == 0 || header->line_ending == LINE_ENDING_LF)
        return;
    header->has_return |= header->after_return && piece.octets[0] != '\n';
    header->after_return = piece.octets[piece.length - 1] == '\r';
    /*@ loop invariant 0 < piece.length <= \at(piece.length, Pre) && readable(piece);
        loop assigns at, piece, header->has_return;
        loop variant piece.length; */
    while ((at = span_find(piece, '\r') + 1) < piece.length) {
        header->has_return |= piece.octets[at] != '\n';
        piece = span_after(piece, at);
    }
}

/* What the current line is has been decided: in a field's there may be no such CR. */
/*@ requires \valid(header);
    assigns header->is_broken; */
static void judge_return(struct header *header)
{
    header->is_broken |= header->has_return && !header->over && !header->is_astray;
}

/*@ requires header_valid(header);
    assigns header->delivered, header->begun, header->has_return, header->kind, header->line_length;
    ensures header->kind == FIELD_LINE_UNDECIDED && header->line_length == 0; */
static void end_line(struct header *header)
{
    if (header->kind == FIELD_LINE_NAMED && header->recipient.length > 0 && !header->is_astray)
        header->delivered |= span_equal(find_delivered(header), header->recipient);
    header->begun = true;
    header->has_return = false;
    header->kind = FIELD_LINE_UNDECIDED;
    header->line_length = 0;
}

/* Copies the beginning of the current line. */
/*@ requires header_valid(header) && readable(octets);
    requires \separated(header, octets.octets + (0 .. octets.length - 1));
    assigns header->line_length, header->line[0 .. HEADER_LINE_MAX - 1];
    ensures header->line_length ==
        \min(\old(header->line_length) + octets.length, HEADER_LINE_MAX); */
static void copy_beginning(struct header *header, struct span octets)
{
    size_t room = sizeof header->line - header->line_length;
    size_t kept = octets.length < room ? octets.length : room;
    memcpy(header->line + header->line_length, octets.octets, kept);
    header->line_length += kept;
}

/* The field that is held back is ours or not: leaves it out or passes it, as far as it is here. */
/*@ requires header_valid(header) && writable(output);
    requires !header->over && header->line_length > 0;
    requires header->line_length + octets_to_add(header) <= output.length;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && !header->is_held && !header->over && moved_on(\result, output);
    ensures \result.length - room_needed(header) >=
        output.length - \old(header->line_length + octets_to_add(header)); */
static struct room settle(struct header *header, enum results found, struct room output)
{
    bool is_whole = header->line[header->line_length - 1] == '\n';
    header->is_held = false;
    header->left_out = found != RESULTS_OF_ANOTHER;
    header->kind = FIELD_LINE_NAMED;
    output = begin_line(header, header->line_length, span_empty(), output);
    judge_return(header);
    header->has_return &= !is_whole;
    header->begun = true;
    header->kind = is_whole ? FIELD_LINE_UNDECIDED : FIELD_LINE_FOLDED;
    header->line_length = 0;
    return output;
}

/* Whether the field that is held back goes on with `input`. */
/*@ requires header_ok(header) && header->is_held && readable(input);
    assigns \nothing;
    ensures \result ==> input.length > 0; */
static bool goes_on(const struct header *header, struct span input)
{
    bool is_at_start = header->line[header->line_length - 1] == '\n';
    return input.length > 0 && (!is_at_start || input.octets[0] == ' ' || input.octets[0] == '\t');
}

/* Settles the field that is held back, if one is and `input` is not of it. */
/*@ requires header_ok(header) && !header->over && writable(output) && readable(input);
    requires room_needed(header) <= output.length;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && !header->over && moved_on(\result, output);
    ensures header->is_held ==> \old(header->is_held) && input.length > 0 &&
        header->line_length == \old(header->line_length);
    ensures \result.length - room_needed(header) >= output.length - \old(room_needed(header)); */
static struct room end_field(struct header *header, struct span input, struct room output)
{
    if (!header->is_held || goes_on(header, input))
        return output;
    return settle(header, header_line_judge(header, true), output);
}

/* What `input` begins with of the current line; if that is held back, as far as there is room. */
/*@ requires header_ok(header) && readable(input) && input.length > 0;
    assigns \nothing;
    ensures \result.octets == input.octets && 0 < \result.length <= input.length;
    ensures header->is_held ==> header->line_length + \result.length <= HEADER_LINE_MAX; */
static struct span first_piece(const struct header *header, struct span input)
{
    size_t room = sizeof header->line - header->line_length;
    size_t length = span_find(input, '\n');
    length += length < input.length ? 1 : 0;
    return span_first(input, header->is_held && length > room ? room : length);
}

/*@ predicate passable(struct header *header, struct span piece, struct room output) =
        header_ok(header) && !header->over && writable(output) && readable(piece) &&
        \separated(header, piece.octets + (0 .. piece.length - 1)) &&
        0 < piece.length < 0x7fffffff && room_needed(header) + piece.length <= output.length; */

/* Holds back the next `piece` of the field, too, for which there is room. */
/*@ requires passable(header, piece, output) && header->is_held;
    requires header->line_length + piece.length <= HEADER_LINE_MAX;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && moved_on(\result, output);
    ensures \result.length - room_needed(header) >=
        output.length - \old(room_needed(header)) - piece.length; */
static struct room hold_piece(struct header *header, struct span piece, struct room output)
{
    copy_beginning(header, piece);
    look_for_return(header, piece);
    enum results found = header_line_judge(header, false);
    return found == RESULTS_UNDECIDED ? output : settle(header, found, output);
}

/* Passes the next `piece` of the current line. */
/*@ requires passable(header, piece, output) && !header->is_held;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && moved_on(\result, output);
    ensures \result.length - room_needed(header) >=
        output.length - \old(room_needed(header)) - piece.length; */
static struct room pass_piece(struct header *header, struct span piece, struct room output)
{
    size_t held = held_back(header);
    bool whole = piece.octets[piece.length - 1] == '\n';
    bool undecided = header->kind == FIELD_LINE_UNDECIDED;
    copy_beginning(header, span_first(piece, whole ? piece.length - 1 : piece.length));
    look_for_return(header, piece);
    if (undecided)
        header_line_decide(header, whole);
    if (header->kind == FIELD_LINE_UNDECIDED || header->is_held)
        return output;
    judge_return(header);
    if (undecided)
        output = begin_line(header, held, piece, output);
    else if (!header->left_out)
        output = put(output, piece);
    if (whole)
        end_line(header);
    return output;
}

/* Takes the next `piece` of the current line, which may begin one behind the field held back. */
/*@ requires passable(header, piece, output);
    requires header->is_held ==> header->line_length + piece.length <= HEADER_LINE_MAX;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && moved_on(\result, output);
    ensures \result.length - room_needed(header) >=
        output.length - \old(room_needed(header)) - piece.length; */
static struct room take_piece(struct header *header, struct span piece, struct room output)
{
    output = end_field(header, piece, output);
    if (header->is_held)
        return hold_piece(header, piece, output);
    return pass_piece(header, piece, output);
}

size_t header_pass(struct header *header, char *octets, size_t length)
{
    size_t gap = header_room(header);
    struct span input = {octets + gap, length};
    struct room output = {octets, gap + length};
    if (header->over)
        return length;
    /*@ loop invariant header_ok(header) && rest_of(input, \at(input, LoopEntry));
        loop invariant moved_on(output, \at(output, LoopEntry));
        loop invariant room_needed(header) + input.length <= output.length;
        loop assigns header->over, header->begun, header->passed, header->left_out,
            header->delivered, header->is_astray, header->after_return, header->has_return,
            header->is_broken, header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            input, output, octets[0 .. gap + length - 1];
        loop variant input.length; */
    while (!header->over && input.length > 0) {
        struct span piece = first_piece(header, input);
        output = take_piece(header, piece, output);
        input = span_after(input, piece.length);
    }
    output = put(output, input);
    return (size_t)(output.octets - octets);
}

/* Passes what is held back of the current line, of which no more will come. */
/*@ requires header_ok(header) && !header->over && !header->is_held && writable(output);
    requires room_needed(header) <= output.length;
    assigns header->over, header->begun, header->passed, header->left_out, header->delivered,
            header->is_astray, header->after_return, header->has_return, header->is_broken,
            header->is_held, header->kind, header->received, header->added,
            header->line_length, header->line[0 .. HEADER_LINE_MAX - 1],
            output.octets[0 .. output.length - 1];
    ensures header_ok(header) && moved_on(\result, output);
    ensures !header->passed ==> octets_to_add(header) <= \result.length; */
static struct room pass_rest(struct header *header, struct room output)
{
    size_t held = held_back(header);
    if (held == 0)
        return output;
    header_line_decide(header, true);
    return begin_line(header, held, span_empty(), output);
}

size_t header_end(struct header *header, char *octets)
{
    struct room output = {octets, header_room(header)};
    if (header->over)
        return 0;
    output = end_field(header, span_empty(), output);
    output = pass_rest(header, output);
    header->over = true;
    if (!header->passed) {
        header->kind = FIELD_LINE_OTHER; /* the message is empty */
        output = separate(header, output);
    }
    return (size_t)(output.octets - octets);
}

bool header_is_over(const struct header *header)
{
    return header->over;
}

bool header_shows_loop(const struct header *header)
{
    return header->delivered || header->received >= HEADER_RECEIVED_LOOP;
}

bool header_is_broken(const struct header *header)
{
    return header->is_broken;
}
