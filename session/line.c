#include "session/line.h"

/* Whether CR is before `index`; of a discarded beginning only that is known. */
/*@ requires \valid_read(line) && readable(input) && index <= input.length;
    assigns \nothing; */
static bool follows_cr(const struct line *line, struct span input, size_t index)
{
    return index > 0 ? input.octets[index - 1] == '\r' : line->after_cr;
}

/* The index of the LF that ends the line; the input's length if it has not come. */
/*@ requires \valid_read(line) && readable(input);
    assigns \nothing;
    ensures \result <= input.length; */
static size_t find_end(const struct line *line, enum newlines newlines, struct span input)
{
    size_t at = span_find(input, '\n');
    /*@ loop invariant at <= input.length;
        loop assigns at;
        loop variant input.length - at; */
    while (at < input.length && newlines != NEWLINES_LENIENT && !follows_cr(line, input, at))
        at += 1 + span_find(span_after(input, at + 1), '\n');
    return at;
}

void line_begin(struct line *line)
{
    line->too_long = line->is_cut = line->after_cr = false;
    line->first_length = line->last_length = 0;
}

/*@ requires \valid(line) && readable(octets) && line->last_length <= LINE_KEPT_MAX;
    requires \separated(line, octets.octets + (0 .. octets.length - 1));
    assigns line->kept[LINE_KEPT_MAX .. 2 * LINE_KEPT_MAX - 1], line->last_length;
    ensures line->last_length == \min(\old(line->last_length) + octets.length, LINE_KEPT_MAX); */
static void copy_last(struct line *line, struct span octets)
{
    char *last = line->kept + LINE_KEPT_MAX;
    if (octets.length > LINE_KEPT_MAX)
        octets = span_after(octets, octets.length - LINE_KEPT_MAX);
    size_t all = line->last_length + octets.length;
    size_t lost = all > LINE_KEPT_MAX ? all - LINE_KEPT_MAX : 0;
    memmove(last, last + lost, line->last_length - lost);
    memcpy(last + line->last_length - lost, octets.octets, octets.length);
    line->last_length = all - lost;
}

/*@ predicate is_filled(struct line *line) =
        line->first_length == LINE_KEPT_MAX && 0 < line->last_length <= LINE_KEPT_MAX; */
/* Copies how a line that is too long begins and ends. */
/*@ requires \valid(line) && readable(octets);
    requires line->first_length <= LINE_KEPT_MAX && line->last_length <= LINE_KEPT_MAX;
    requires is_filled(line) || octets.length > LINE_KEPT_MAX;
    requires \separated(line, octets.octets + (0 .. octets.length - 1));
    assigns line->kept[0 .. 2 * LINE_KEPT_MAX - 1], line->first_length, line->last_length;
    ensures line_ok(line) && is_filled(line); */
static void copy_ends(struct line *line, struct span octets)
{
    size_t room = LINE_KEPT_MAX - line->first_length; /* so many octets are there */
    memcpy(line->kept + line->first_length, octets.octets, room);
    line->first_length += room;
    copy_last(line, span_after(octets, room));
}

/*@ requires line_ok(line) && parsable(input) && \separated(line, input);
    requires \separated(line, input->octets + (0 .. input->length - 1));
    requires line->too_long || input->length > LINE_KEPT_MAX;
    assigns line->too_long, line->after_cr, line->first_length, line->last_length,
            line->kept[0 .. 2 * LINE_KEPT_MAX - 1], *input;
    ensures line_ok(line) && input->length == 0 && rest_of(*input, \old(*input)); */
static void discard(struct line *line, struct span *input)
{
    line->too_long = true;
    line->after_cr = input->length > 0 ? input->octets[input->length - 1] == '\r' : line->after_cr;
    copy_ends(line, *input);
    *input = span_after(*input, input->length);
}

/* Its first and last octets; `rest` is the last piece, without the LF that ends the line. */
/*@ requires line_ok(line) && readable(rest) && (line->too_long || rest.length > LINE_KEPT_MAX);
    requires \separated(line, rest.octets + (0 .. rest.length - 1));
    assigns line->kept[0 .. 2 * LINE_KEPT_MAX - 1], line->first_length, line->last_length;
    ensures line_ok(line) && \result.octets == &line->kept[0];
    ensures LINE_KEPT_MAX <= \result.length <= 2 * LINE_KEPT_MAX; */
static struct span kept_ends(struct line *line, struct span rest)
{
    copy_ends(line, rest);
    struct span text = {line->kept, line->first_length + line->last_length};
    bool ends_with_cr = text.octets[text.length - 1] == '\r';
    return span_first(text, text.length - (ends_with_cr ? 1 : 0));
}

/*@ requires \valid_read(line);
    assigns \nothing;
    ensures \result != LINE_INCOMPLETE && (\result == LINE_TOO_LONG ==> too_long); */
static enum line_result result_of(const struct line *line, bool too_long)
{
    if (too_long)
        return LINE_TOO_LONG;
    return line->is_cut ? LINE_REST : LINE_COMPLETE;
}

enum line_result line_parse(struct line *line, enum newlines newlines, struct span *input,
                            struct span *text)
{
    size_t end = find_end(line, newlines, *input);
    if (end == input->length) {
        if (line->too_long || input->length >= COMMAND_LINE_MAX)
            discard(line, input);
        return LINE_INCOMPLETE;
    }
    bool too_long = line->too_long || end + 1 > COMMAND_LINE_MAX;
    size_t ending = end > 0 && input->octets[end - 1] == '\r' ? 2 : 1;
    *text =
        too_long ? kept_ends(line, span_first(*input, end)) : span_first(*input, end + 1 - ending);
    *input = span_after(*input, end + 1);
    enum line_result result = result_of(line, too_long);
    line_begin(line);
    return result;
}

bool line_stops_at_lf(const struct line *line, struct span input)
{
    struct span last = {line->kept + LINE_KEPT_MAX, line->last_length};
    if (input.length > 0)
        last = input;
    return last.length > 0 && last.octets[last.length - 1] == '\n';
}

enum line_result line_cut(struct line *line, struct span *input, struct span *text)
{
    enum line_result result = result_of(line, line->too_long);
    *text = line->too_long ? kept_ends(line, *input) : *input;
    *input = span_after(*input, input->length);
    line_begin(line);
    line->is_cut = true;
    return result;
}
