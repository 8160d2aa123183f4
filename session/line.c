#include "line.h"

/* The octet before the one at `index`; of a swallowed beginning only a CR at its end is known. */
static bool follows_cr(const struct line *line, struct span input, size_t index)
{
    return index > 0 ? input.octets[index - 1] == '\r' : line->after_cr;
}

/* Where the LF that ends the line stands; the input's length where it is not here. */
static size_t find_end(const struct line *line, enum newlines newlines, struct span input)
{
    size_t at = span_find(input, '\n');
    while (at < input.length && newlines == NEWLINES_STRICT && !follows_cr(line, input, at))
        at += 1 + span_find(span_after(input, at + 1), '\n');
    return at;
}

static void swallow(struct line *line, struct span *input)
{
    line->too_long = true;
    line->after_cr = input->length > 0 ? input->octets[input->length - 1] == '\r' : line->after_cr;
    *input = span_after(*input, input->length);
}

enum line_result line_take(struct line *line, enum newlines newlines, struct span *input,
                           struct span *text)
{
    size_t end = find_end(line, newlines, *input);
    if (end == input->length) {
        if (line->too_long || input->length >= COMMAND_LINE_MAX)
            swallow(line, input);
        return LINE_UNFINISHED;
    }
    bool too_long = line->too_long || end + 1 > COMMAND_LINE_MAX;
    size_t ending = end > 0 && input->octets[end - 1] == '\r' ? 2 : 1;
    *text = span_first(*input, end + 1 - ending);
    *input = span_after(*input, end + 1);
    *line = (struct line){.too_long = false};
    return too_long ? LINE_TOO_LONG : LINE_TAKEN;
}
