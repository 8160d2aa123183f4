#include "session/field.h"

/* Whether it begins as the line in front of each message of a mailbox file does. */
/*@ requires readable(line);
    assigns \nothing; */
static bool is_separator(struct span line)
{
    static const char *const beginnings[] = {"From ", ">From "};
    /*@ loop invariant 0 <= i <= 2;
        loop assigns i;
        loop variant 2 - i; */
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        if (line.length >= length && memcmp(line.octets, beginnings[i], length) == 0)
            return true;
    }
    return false;
}

/*@ requires readable(line);
    assigns \nothing;
    ensures \result <= line.length; */
static size_t name_length(struct span line)
{
    size_t length = 0;
    /*@ loop invariant length <= line.length;
        loop assigns length;
        loop variant line.length - length; */
    while (length < line.length && line.octets[length] > ' ' && line.octets[length] <= '~' &&
           line.octets[length] != ':')
        length++;
    return length;
}

/*@ requires readable(line) && \valid(name);
    assigns *name;
    ensures \result == FIELD_LINE_UNDECIDED || \result == FIELD_LINE_NAMED ||
        \result == FIELD_LINE_OTHER;
    ensures \result == FIELD_LINE_UNDECIDED ==> !whole && line.length != FIELD_BEGINNING_MAX;
    ensures \result == FIELD_LINE_NAMED ==> readable(*name) && name->length < line.length; */
static enum field_line parse_name(struct span line, bool whole, struct span *name)
{
    size_t length = name_length(line);
    size_t end = length;
    if (length == 0 || length > FIELD_NAME_MAX)
        return FIELD_LINE_OTHER;
    /*@ loop invariant length <= end <= line.length;
        loop assigns end;
        loop variant line.length - end; */
    while (end < line.length && (line.octets[end] == ' ' || line.octets[end] == '\t'))
        end++;
    *name = span_first(line, length);
    if (end < line.length)
        return line.octets[end] == ':' ? FIELD_LINE_NAMED : FIELD_LINE_OTHER;
    return whole || line.length == FIELD_BEGINNING_MAX ? FIELD_LINE_OTHER : FIELD_LINE_UNDECIDED;
}

enum field_line field_parse(struct span line, bool whole, struct span *name)
{
    if (line.length > FIELD_BEGINNING_MAX)
        line = span_first(line, FIELD_BEGINNING_MAX);
    if (line.length == 0 || (line.length == 1 && line.octets[0] == '\r'))
        return whole ? FIELD_LINE_EMPTY : FIELD_LINE_UNDECIDED;
    if (line.octets[0] == ' ' || line.octets[0] == '\t')
        return FIELD_LINE_FOLDED;
    /* "From :" is a field (RFC 5322 4.5.2). */
    enum field_line found = parse_name(line, whole, name);
    return found == FIELD_LINE_OTHER && is_separator(line) ? FIELD_LINE_SEPARATOR : found;
}

struct span field_value(struct span line)
{
    return span_trim(span_after(line, span_find(line, ':') + 1));
}

/* Whether a line of a field's block may be one, behind another or as the first. */
/*@ requires readable(line);
    assigns \nothing; */
static bool is_field_line(struct span line, bool is_first)
{
    struct span name;
    switch (field_parse(line, true, &name)) {
    case FIELD_LINE_NAMED:
        return line.octets[name.length] == ':';
    case FIELD_LINE_FOLDED:
        return !is_first && span_trim(line).length > 0;
    default:
        return false;
    }
}

bool fields_copy(struct span fields, enum line_ending line_ending, struct text *text)
{
    const struct span end = span_of(line_ending == LINE_ENDING_CRLF ? "\r\n" : "\n");
    bool is_first = true;
    /*@ loop invariant text_ok(text) && rest_of(fields, \at(fields, Pre));
        loop assigns fields, is_first, text->length, text->octets[0 .. text->size - 1];
        loop variant fields.length; */
    while (fields.length > 0) {
        size_t length = span_find(fields, '\n');
        struct span line = span_first(fields, length);
        fields = span_after(fields, length < fields.length ? length + 1 : length);
        if (line.length > 0 && line.octets[line.length - 1] == '\r')
            line.length--;
        if (!is_field_line(line, is_first) || span_find(line, '\r') < line.length ||
            span_find(line, '\0') < line.length ||
            text->size - text->length < line.length + end.length)
            return false;
        text_add(text, line);
        text_add(text, end);
        is_first = false;
    }
    return true;
}
