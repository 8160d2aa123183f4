#include "session/header-line.h"

_Static_assert((int)HEADER_LINE_MAX >= (int)FIELD_BEGINNING_MAX,
               "so that each kind can be decided");
_Static_assert((int)HEADER_LINE_MAX <= (int)RESULTS_FIELD_MAX, "so that all that is held counts");

static const char results_name[] = "Authentication-Results";

/*@ requires header_valid(header) && readable(name);
    assigns \nothing; */
static bool is_results(const struct header *header, struct span name)
{
    return header->hostname.length > 0 && span_equal(name, span_of(results_name));
}

enum results header_line_judge(const struct header *header, bool whole)
{
    struct span field = {header->line, header->line_length};
    enum results found = results_parse(field, header->hostname, whole);
    bool is_full = header->line_length == sizeof header->line;
    return found == RESULTS_UNDECIDED && is_full ? RESULTS_OURS : found;
}

/* The current line begins a field of results; if it is `whole`, all of it is here. */
/*@ requires header_valid(header) && header->line_length > 0;
    assigns header->left_out, header->is_held, header->line_length,
        header->line[0 .. HEADER_LINE_MAX - 1];
    ensures header_ok(header);
    ensures header->line_length <= \old(header->line_length) + (whole ? 1 : 0); */
static void begin_results(struct header *header, bool whole)
{
    if (whole && header->line_length < sizeof header->line)
        header->line[header->line_length++] = '\n';
    enum results found = header_line_judge(header, false);
    header->left_out = found == RESULTS_OURS;
    header->is_held = found == RESULTS_UNDECIDED;
}

/* The current line begins a field of that name; if it is `whole`, all of it is here. */
/*@ requires header_valid(header) && !header->is_held;
    requires readable(name) && header->line_length > 0;
    assigns header->left_out, header->is_held, header->received, header->line_length,
        header->line[0 .. HEADER_LINE_MAX - 1];
    ensures header_ok(header);
    ensures header->line_length <= \old(header->line_length) + (whole ? 1 : 0); */
static void begin_field(struct header *header, struct span name, bool whole)
{
    bool counts = !header->is_astray;
    header->left_out = counts && header->is_traced && span_equal(name, span_of("Return-Path"));
    header->received += counts && span_equal(name, span_of("Received")) ? 1 : 0;
    if (is_results(header, name))
        begin_results(header, whole);
}

/* Whether the current line, which is no field, has but that name, and blanks, as far as it counts.
 */
/*@ requires header_valid(header);
    assigns \nothing; */
static bool is_name_of_results(const struct header *header)
{
    const size_t length = strlen(results_name);
    struct span line = {header->line, header->line_length};
    if (line.length > FIELD_BEGINNING_MAX)
        line.length = FIELD_BEGINNING_MAX;
    if (line.length < length || !is_results(header, span_first(line, length)))
        return false;
    line = span_after(line, length);
    /*@ loop invariant readable(line);
        loop assigns line;
        loop variant line.length; */
    while (line.length > 0 && (line.octets[0] == ' ' || line.octets[0] == '\t'))
        line = span_after(line, 1);
    return line.length == 0 || line.octets[0] == '\r';
}

/*
 * The current line is no field. Some readers skip such a line, and would believe results behind
 * it, but for the empty line that a traced message gets there.
 */
/*@ requires header_valid(header);
    assigns header->over, header->left_out, header->is_astray; */
static void end_fields(struct header *header)
{
    header->over = header->hostname.length == 0 || header->is_traced;
    header->left_out = !header->over && is_name_of_results(header);
    header->is_astray |= !header->over && !header->left_out;
}

void header_line_decide(struct header *header, bool whole)
{
    struct span name = span_empty();
    header->kind = field_parse((struct span){header->line, header->line_length}, whole, &name);
    switch (header->kind) {
    case FIELD_LINE_NAMED:
        begin_field(header, name, whole);
        break;
    case FIELD_LINE_FOLDED:
        if (!header->begun)
            end_fields(header);
        break;
    case FIELD_LINE_SEPARATOR: /* some readers go on behind one, wherever it stands */
        header->left_out = false;
        header->over = header->is_traced && header->passed;
        break;
    case FIELD_LINE_EMPTY:
        header->left_out = false;
        header->over = true;
        break;
    case FIELD_LINE_OTHER:
        end_fields(header);
        break;
    case FIELD_LINE_UNDECIDED:
        break;
    }
}
