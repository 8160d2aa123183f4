#include "helpers/milter-filter/fields.h"

#include "session/field.h"
#include "session/text/text.h"

/* The first line of `text`, without its line end. */
static struct span first_line(struct span text)
{
    size_t length = span_find(text, '\n');
    if (length > 0 && length < text.length && text.octets[length - 1] == '\r')
        length--;
    return span_first(text, length);
}

/* `text` behind its first line. */
static struct span behind_line(struct span text)
{
    size_t length = span_find(text, '\n');
    return span_after(text, length < text.length ? length + 1 : length);
}

static enum field_line kind_of_line(struct span text, struct span *name)
{
    return field_parse(first_line(text), true, name);
}

/* The length of the field, with the lines that continue it, at the front of `text`; 0 for none. */
static size_t field_length(struct span text)
{
    struct span name, rest;
    if (kind_of_line(text, &name) != FIELD_LINE_NAMED)
        return 0;
    rest = behind_line(text);
    while (rest.length > 0 && kind_of_line(rest, &name) == FIELD_LINE_FOLDED)
        rest = behind_line(rest);
    return text.length - rest.length;
}

struct span fields_name(const struct field *field)
{
    struct span name = span_empty();
    (void)kind_of_line(field->text, &name); /* it is one that is named */
    return name;
}

struct span fields_value(const struct field *field)
{
    struct span value = span_after(field->text, span_find(field->text, ':') + 1);
    if (value.length > 0 && value.octets[value.length - 1] == '\n')
        value.length--;
    if (value.length > 0 && value.octets[value.length - 1] == '\r')
        value.length--;
    return value;
}

static bool has_name(const struct field *field, struct span name)
{
    return span_equal(fields_name(field), name);
}

static bool has_text(struct span octets, struct span text)
{
    for (; octets.length >= text.length; octets = span_after(octets, 1))
        if (memcmp(octets.octets, text.octets, text.length) == 0)
            return true;
    return text.length == 0;
}

static bool is_of_front(struct span text)
{
    const struct field field = {.text = text};
    return has_name(&field, span_of("Return-Path")) || has_name(&field, span_of("Delivered-To"));
}

/* Skips what we have put in front of all: the trace without Received, which may stand elsewhere. */
static struct span skip_front(struct span message, size_t trace_size)
{
    struct span trace = span_first(message, trace_size);
    size_t length;
    while ((length = field_length(trace)) > 0 && is_of_front(trace))
        trace = span_after(trace, length);
    return span_first(message, trace_size - trace.length);
}

bool fields_parse(struct fields *fields, struct span message, size_t trace_size, struct span id)
{
    bool is_sought = trace_size > 0;
    size_t length;
    fields->line_end = first_line(message).length < span_find(message, '\n') ? "\r\n" : "\n";
    fields->front = skip_front(message, trace_size < message.length ? trace_size : message.length);
    fields->rest = span_after(message, fields->front.length);
    fields->count = fields->made_length = fields->edits = 0;
    while ((length = field_length(fields->rest)) > 0) {
        if (fields->count == FIELDS_MAX)
            return false;
        struct field *field = &fields->list[fields->count++];
        field->text = span_first(fields->rest, length);
        field->is_ours =
            is_sought && has_name(field, span_of("Received")) && has_text(field->text, id);
        is_sought = is_sought && !field->is_ours;
        fields->rest = span_after(fields->rest, length);
    }
    return true;
}

struct span fields_body(const struct fields *fields)
{
    return first_line(fields->rest).length == 0 ? behind_line(fields->rest) : fields->rest;
}

/* RFC 5322 3.6.8 */
static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.octets[i] <= ' ' || name.octets[i] > '~' || name.octets[i] == ':')
            return false;
    return name.length > 0 && name.length <= FIELD_NAME_MAX;
}

static void add_lines(const struct fields *fields, struct text *text, struct span value)
{
    bool is_first = true;
    for (;; is_first = false) {
        struct span line = first_line(value);
        bool is_folded = line.length > 0 && (line.octets[0] == ' ' || line.octets[0] == '\t');
        text_add_string(text, is_first || is_folded ? "" : "\t");
        text_add(text, line);
        text_add_string(text, fields->line_end);
        if (span_find(value, '\n') == value.length)
            return;
        value = behind_line(value);
    }
}

/* Whether all CRs are in front of an LF. */
static bool has_no_bare_returns(struct span value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.octets[i] == '\r' && (i + 1 == value.length || value.octets[i + 1] != '\n'))
            return false;
    return true;
}

/* Writes the field, and keeps it. False if it is malformed, or there is no room. */
static bool make(struct fields *fields, const struct field_made *made, struct span *text)
{
    struct text room = {fields->made + fields->made_length, 0,
                        FIELDS_MADE_MAX - fields->made_length};
    if (!is_name(made->name) || !has_no_bare_returns(made->value) ||
        fields->edits == FIELDS_EDITS_MAX)
        return false;
    fields->edits++;
    text_add(&room, made->name);
    text_add_string(&room, made->is_verbatim ? ":" : ": ");
    add_lines(fields, &room, made->value);
    fields->made_length += room.length;
    *text = text_span(&room);
    return room.length < room.size; /* else it may be cut */
}

static bool insert(struct fields *fields, size_t at, const struct field_made *made)
{
    struct field field = {.is_ours = false};
    if (fields->count == FIELDS_MAX || !make(fields, made, &field.text))
        return false;
    memmove(fields->list + at + 1, fields->list + at, (fields->count - at) * sizeof *fields->list);
    fields->list[at] = field;
    fields->count++;
    return true;
}

bool fields_append(struct fields *fields, const struct field_made *made)
{
    return insert(fields, fields->count, made);
}

bool fields_insert(struct fields *fields, uint32_t index, const struct field_made *made)
{
    return insert(fields, index < fields->count ? index : fields->count, made);
}

static bool delete (struct fields *fields, size_t at, struct span name)
{
    if (!is_name(name) || fields->edits == FIELDS_EDITS_MAX)
        return false;
    fields->edits++;
    if (at == fields->count)
        return true;
    fields->count--;
    memmove(fields->list + at, fields->list + at + 1, (fields->count - at) * sizeof *fields->list);
    return true;
}

bool fields_change(struct fields *fields, uint32_t index, const struct field_made *made)
{
    size_t at = 0;
    uint32_t left = index > 0 ? index : 1;
    for (; at < fields->count; at++)
        if (!fields->list[at].is_ours && has_name(&fields->list[at], made->name) && --left == 0)
            break;
    if (made->value.length == 0)
        return delete (fields, at, made->name);
    if (at == fields->count)
        return fields_append(fields, made);
    return make(fields, made, &fields->list[at].text);
}
