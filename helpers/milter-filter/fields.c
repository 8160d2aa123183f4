#include "helpers/milter-filter/fields.h"

#include "session/field.h"
#include "session/text/text.h"

/* The first line of `text`, without its line end. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result.octets == text.octets && \result.length <= text.length; */
static struct span first_line(struct span text)
{
    size_t length = span_find(text, '\n');
    if (length > 0 && length < text.length && text.octets[length - 1] == '\r')
        length--;
    return span_first(text, length);
}

/* `text` behind the first `octet`; empty if there is none. */
/*@ requires readable(text);
    assigns \nothing;
    ensures rest_of(\result, text) && (text.length > 0 ==> \result.length < text.length); */
static struct span behind(struct span text, char octet)
{
    size_t length = span_find(text, octet);
    return span_after(text, length < text.length ? length + 1 : length);
}

/*@ requires readable(text);
    assigns \nothing;
    ensures rest_of(\result, text) && (text.length > 0 ==> \result.length < text.length); */
static struct span behind_line(struct span text)
{
    return behind(text, '\n');
}

/*@ requires readable(text) && \valid(name);
    assigns *name;
    ensures \result == FIELD_LINE_NAMED ==> readable(*name); */
static enum field_line kind_of_line(struct span text, struct span *name)
{
    return field_parse(first_line(text), true, name);
}

/* The length of the field, with the lines that continue it, at the front of `text`; 0 for none. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result <= text.length; */
static size_t field_length(struct span text)
{
    struct span name, rest;
    if (kind_of_line(text, &name) != FIELD_LINE_NAMED)
        return 0;
    rest = behind_line(text);
    /*@ loop invariant rest_of(rest, text);
        loop assigns rest, name;
        loop variant rest.length; */
    while (rest.length > 0 && kind_of_line(rest, &name) == FIELD_LINE_FOLDED)
        rest = behind_line(rest);
    return text.length - rest.length;
}

struct span fields_name(const struct field *field)
{
    struct span name;
    return kind_of_line(field->text, &name) == FIELD_LINE_NAMED ? name : span_empty();
}

struct span fields_value(const struct field *field)
{
    struct span value = behind(field->text, ':');
    if (value.length > 0 && value.octets[value.length - 1] == '\n')
        value.length--;
    if (value.length > 0 && value.octets[value.length - 1] == '\r')
        value.length--;
    return value;
}

/*@ requires \valid_read(field) && readable(field->text) && readable(name);
    assigns \nothing; */
static bool has_name(const struct field *field, struct span name)
{
    return span_equal(fields_name(field), name);
}

/*@ requires readable(octets) && readable(text);
    assigns \nothing; */
static bool has_text(struct span octets, struct span text)
{
    /*@ loop invariant rest_of(octets, \at(octets, Pre));
        loop assigns octets;
        loop variant octets.length; */
    for (; octets.length > 0 && octets.length >= text.length; octets = span_after(octets, 1))
        if (memcmp(octets.octets, text.octets, text.length) == 0)
            return true;
    return text.length == 0;
}

/*@ requires readable(text);
    assigns \nothing; */
static bool is_of_front(struct span text)
{
    const struct field field = {.text = text};
    return has_name(&field, span_of("Return-Path")) || has_name(&field, span_of("Delivered-To"));
}

/* Skips what we have put in front of all: the trace without Received, which may stand elsewhere. */
/*@ requires readable(message) && trace_size <= message.length;
    assigns \nothing;
    ensures \result.octets == message.octets && \result.length <= message.length; */
static struct span skip_front(struct span message, size_t trace_size)
{
    struct span trace = span_first(message, trace_size);
    size_t length;
    /*@ loop invariant readable(trace) && trace.length <= trace_size;
        loop assigns trace, length;
        loop variant trace.length; */
    while ((length = field_length(trace)) > 0 && is_of_front(trace))
        trace = span_after(trace, length);
    return span_first(message, trace_size - trace.length);
}

/*@ requires \valid(fields) && list_ok(fields) && at < fields->count <= FIELDS_MAX;
    requires readable(field.text);
    assigns fields->list[at];
    ensures list_ok(fields); */
static void put(struct fields *fields, size_t at, struct field field)
{
    fields->list[at] = field;
}

/*@ requires fields_ok(fields) && fields->count < FIELDS_MAX && readable(field.text);
    assigns fields->list[fields->count], fields->count;
    ensures fields_ok(fields) && fields->count == \old(fields->count) + 1; */
static void append(struct fields *fields, struct field field)
{
    fields->list[fields->count] = field;
    fields->count++;
}

bool fields_parse(struct fields *fields, struct span message, size_t trace_size, struct span id)
{
    bool is_sought = trace_size > 0;
    size_t length;
    fields->line_end = first_line(message).length < span_find(message, '\n') ? "\r\n" : "\n";
    fields->front = skip_front(message, trace_size < message.length ? trace_size : message.length);
    fields->rest = span_after(message, fields->front.length);
    fields->count = fields->made_length = fields->edits = 0;
    struct span rest = fields->rest;
    /*@ loop invariant fields_ok(fields) && readable(rest);
        loop assigns length, is_sought, rest, fields->count, fields->list[0 .. FIELDS_MAX - 1];
        loop variant rest.length; */
    while ((length = field_length(rest)) > 0 && fields->count < FIELDS_MAX) {
        struct field field = {.text = span_first(rest, length)};
        field.is_ours =
            is_sought && has_name(&field, span_of("Received")) && has_text(field.text, id);
        is_sought = is_sought && !field.is_ours;
        append(fields, field);
        rest = span_after(rest, length);
    }
    fields->rest = rest;
    return length == 0;
}

struct span fields_body(const struct fields *fields)
{
    return first_line(fields->rest).length == 0 ? behind_line(fields->rest) : fields->rest;
}

/* RFC 5322 3.6.8 */
/*@ requires readable(name);
    assigns \nothing; */
static bool is_name(struct span name)
{
    /*@ loop invariant 0 <= i <= name.length;
        loop assigns i;
        loop variant name.length - i; */
    for (size_t i = 0; i < name.length; i++)
        if (name.octets[i] <= ' ' || name.octets[i] > '~' || name.octets[i] == ':')
            return false;
    return name.length > 0 && name.length <= FIELD_NAME_MAX;
}

/*@ requires \valid_read(fields) && \valid_read(fields->line_end) && readable(value);
    requires text_ok(text) && \separated(text, fields);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_lines(const struct fields *fields, struct text *text, struct span value)
{
    bool is_first = true;
    /*@ loop invariant rest_of(value, \at(value, Pre)) && text_ok(text);
        loop assigns value, is_first, text->length, text->octets[0 .. text->size - 1];
        loop variant value.length; */
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
/*@ requires readable(value);
    assigns \nothing; */
static bool has_no_bare_returns(struct span value)
{
    /*@ loop invariant 0 <= i <= value.length;
        loop assigns i;
        loop variant value.length - i; */
    for (size_t i = 0; i < value.length; i++)
        if (value.octets[i] == '\r' && (i + 1 == value.length || value.octets[i + 1] != '\n'))
            return false;
    return true;
}

/* Writes the field, and keeps it. False if it is malformed, or there is no room. */
/*@ requires fields_ok(fields) && made_ok(made) && \valid(text);
    requires readable(*text);
    requires \separated(text, &fields->made_length, &fields->edits, &fields->line_end);
    assigns fields->edits, fields->made_length, fields->made[0 .. FIELDS_MADE_MAX - 1], *text;
    ensures fields->edits <= FIELDS_EDITS_MAX && fields->made_length <= FIELDS_MADE_MAX;
    ensures readable(*text); */
static bool make(struct fields *fields, struct field_made made, struct span *text)
{
    struct text room = {fields->made + fields->made_length, 0,
                        FIELDS_MADE_MAX - fields->made_length};
    if (!is_name(made.name) || !has_no_bare_returns(made.value) ||
        fields->edits == FIELDS_EDITS_MAX)
        return false;
    fields->edits++;
    text_add(&room, made.name);
    text_add_string(&room, made.is_verbatim ? ":" : ": ");
    add_lines(fields, &room, made.value);
    fields->made_length += room.length;
    *text = text_span(&room);
    return room.length < room.size; /* else it may be cut */
}

/*@ requires fields_ok(fields) && made_ok(made);
    requires at <= fields->count;
    assigns *fields;
    ensures fields_ok(fields); */
static bool insert(struct fields *fields, size_t at, struct field_made made)
{
    struct field field = {.is_ours = false};
    if (fields->count == FIELDS_MAX || !make(fields, made, &field.text))
        return false;
    /*@ loop invariant at <= fields->count && list_ok(fields) && readable(field.text);
        loop assigns at, field, fields->list[0 .. FIELDS_MAX - 1];
        loop variant fields->count - at; */
    for (; at < fields->count; at++) {
        struct field moved = fields->list[at];
        put(fields, at, field);
        field = moved;
    }
    append(fields, field);
    return true;
}

bool fields_append(struct fields *fields, struct field_made made)
{
    return insert(fields, fields->count, made);
}

bool fields_insert(struct fields *fields, uint32_t index, struct field_made made)
{
    return insert(fields, index < fields->count ? index : fields->count, made);
}

/*@ requires fields_ok(fields) && readable(name) && at <= fields->count;
    assigns fields->edits, fields->count, fields->list[0 .. FIELDS_MAX - 1];
    ensures fields_ok(fields); */
static bool delete (struct fields *fields, size_t at, struct span name)
{
    if (!is_name(name) || fields->edits == FIELDS_EDITS_MAX)
        return false;
    fields->edits++;
    if (at == fields->count)
        return true;
    /*@ loop invariant at < fields->count && list_ok(fields);
        loop assigns at, fields->list[0 .. FIELDS_MAX - 1];
        loop variant fields->count - at; */
    for (; at + 1 < fields->count; at++)
        put(fields, at, fields->list[at + 1]);
    fields->count--;
    return true;
}

bool fields_change(struct fields *fields, uint32_t index, struct field_made made)
{
    size_t at = 0;
    uint32_t left = index > 0 ? index : 1;
    /*@ loop invariant at <= fields->count;
        loop assigns at, left;
        loop variant fields->count - at; */
    for (; at < fields->count; at++)
        if (!fields->list[at].is_ours && has_name(&fields->list[at], made.name) && --left == 0)
            break;
    if (made.value.length == 0)
        return delete (fields, at, made.name);
    if (at == fields->count)
        return fields_append(fields, made);
    return make(fields, made, &fields->list[at].text);
}
