#include "session/xclient.h"

#include "session/auth.h"
#include "session/helo.h"
#include "session/literal.h"
#include "session/xtext.h"

bool xclient_is_name(struct span value)
{
    return helo_is_name(value) && value.octets[0] != '[';
}

void xclient_clear(struct xclient *xclient)
{
    /*@ loop invariant 0 <= row <= XCLIENT_ATTRIBUTES;
        loop invariant \forall integer i; 0 <= i < row ==> xclient->values[i].length == 0;
        loop assigns row, *xclient;
        loop variant XCLIENT_ATTRIBUTES - row; */
    for (size_t row = 0; row < XCLIENT_ATTRIBUTES; row++) {
        xclient->values[row].told = false;
        xclient->values[row].length = 0;
    }
}

/*@ requires readable(value);
    assigns \nothing; */
static bool is_told(struct span value)
{
    return value.length > 0;
}

/* An IPv6 address may have the tag of the literals, whose case does not matter. */
/*@ requires readable(value);
    assigns \nothing; */
static bool is_address(struct span value)
{
    char octets[XCLIENT_VALUE_MAX + 2];
    struct text literal = {.octets = octets, .size = sizeof octets};
    text_add_string(&literal, "[");
    text_add(&literal, value);
    text_add_string(&literal, "]");
    return literal_is_valid(text_span(&literal));
}

/*@ requires readable(value);
    assigns \nothing; */
static bool is_port(struct span value)
{
    uint64_t port;
    return span_number(value, &port) && port <= XCLIENT_PORT_MAX;
}

/*@ requires readable(value);
    assigns \nothing; */
static bool is_protocol(struct span value)
{
    return span_equal(value, span_of("SMTP")) || span_equal(value, span_of("ESMTP"));
}

static const struct {
    const char *name;
    bool may_be_unknown;
    bool is_information; /* nothing depends on it: if it is wrong, it is unknown */
    bool (*is_valid)(struct span value);
} rows[XCLIENT_ATTRIBUTES] = {
    [XCLIENT_NAME] = {"NAME", true, true, xclient_is_name},
    [XCLIENT_ADDR] = {"ADDR", true, false, is_address},
    [XCLIENT_PORT] = {"PORT", true, false, is_port},
    [XCLIENT_PROTO] = {"PROTO", false, false, is_protocol},
    [XCLIENT_HELO] = {"HELO", true, true, is_told},
    [XCLIENT_LOGIN] = {"LOGIN", true, false, auth_is_name},
    [XCLIENT_DESTADDR] = {"DESTADDR", true, false, is_address},
    [XCLIENT_DESTPORT] = {"DESTPORT", true, false, is_port},
};

/*@ requires row < XCLIENT_ATTRIBUTES && readable(value);
    assigns \nothing;
    ensures \result && row == XCLIENT_LOGIN ==> value.length < XCLIENT_VALUE_MAX; */
static bool is_valid_for(size_t row, struct span value)
{
    /*@ calls xclient_is_name, is_address, is_port, is_protocol, is_told, auth_is_name; */
    return rows[row].is_valid(value);
}

/*@ requires readable(value);
    assigns \nothing; */
static bool says_unknown(struct span value)
{
    return span_equal(value, span_of("[UNAVAILABLE]")) ||
           span_equal(value, span_of("[TEMPUNAVAIL]"));
}

/* Decodes xtext (RFC 3461 4), cut to what there is room for; false if it is malformed or empty. */
/*@ requires readable(xtext) && text_ok(value);
    assigns value->length, value->octets[0 .. value->size - 1];
    ensures text_ok(value); */
static bool decode(struct span xtext, struct text *value)
{
    /*@ loop invariant text_ok(value);
        loop invariant rest_of(xtext, \at(xtext, Pre));
        loop assigns xtext, value->length, value->octets[0 .. value->size - 1];
        loop variant xtext.length; */
    while (xtext.length > 0) {
        char octet;
        if (!xtext_parse_octet(&xtext, &octet))
            return false;
        text_add(value, (struct span){&octet, 1});
    }
    return value->length > 0;
}

/*
 * Decodes what was said. What nothing depends on is taken as it stands if it is malformed: some
 * proxies pass on what their client said without the encoding.
 */
/*@ requires row < XCLIENT_ATTRIBUTES && readable(said) && text_ok(value);
    assigns value->length, value->octets[0 .. value->size - 1];
    ensures text_ok(value); */
static bool take_value(size_t row, struct span said, struct text *value)
{
    bool decoded = decode(said, value);
    if (!decoded && rows[row].is_information) {
        value->length = 0;
        text_add(value, said);
    }
    return decoded || rows[row].is_information;
}

/*@ requires row < XCLIENT_ATTRIBUTES && readable(value);
    assigns \nothing; */
static bool is_unknown(size_t row, struct span value, bool is_valid)
{
    return (rows[row].may_be_unknown && says_unknown(value)) ||
           (rows[row].is_information && !is_valid);
}

/*@ requires xclient_ok(xclient) && row < XCLIENT_ATTRIBUTES && readable(said);
    assigns *xclient;
    ensures xclient_ok(xclient); */
static bool parse_value(struct xclient *xclient, size_t row, struct span said)
{
    struct text value = {.octets = xclient->values[row].octets, .size = XCLIENT_VALUE_MAX};
    if (!take_value(row, said, &value))
        return false;
    bool is_valid = is_valid_for(row, text_span(&value));
    bool unknown = is_unknown(row, text_span(&value), is_valid);
    if (!unknown && !is_valid)
        return false;
    xclient->values[row].told = true;
    xclient->values[row].length = unknown ? 0 : (uint16_t)value.length;
    return true;
}

/*@ requires readable(name);
    assigns \nothing;
    ensures \result <= XCLIENT_ATTRIBUTES; */
static size_t find_row(struct span name)
{
    size_t row = 0;
    /*@ loop invariant 0 <= row <= XCLIENT_ATTRIBUTES;
        loop assigns row;
        loop variant XCLIENT_ATTRIBUTES - row; */
    while (row < XCLIENT_ATTRIBUTES && !span_equal(name, span_of(rows[row].name)))
        row++;
    return row;
}

/* "NAME=value"; false if it is not that, or comes again. */
/*@ requires xclient_ok(xclient) && readable(attribute);
    assigns *xclient;
    ensures xclient_ok(xclient); */
static bool parse_attribute(struct xclient *xclient, struct span attribute)
{
    size_t equals = span_find(attribute, '=');
    size_t row = find_row(span_first(attribute, equals));
    if (row == XCLIENT_ATTRIBUTES || equals == attribute.length || xclient->values[row].told)
        return false;
    return parse_value(xclient, row, span_after(attribute, equals + 1));
}

struct span xclient_value(const struct xclient *xclient, enum xclient_attribute attribute)
{
    if (!xclient->values[attribute].told)
        return (struct span){NULL, 0};
    return (struct span){xclient->values[attribute].octets, xclient->values[attribute].length};
}

struct span xclient_address(const struct xclient *xclient, enum xclient_attribute attribute)
{
    const struct span tag = span_of("IPv6:");
    struct span address = xclient_value(xclient, attribute);
    bool tagged = address.length > tag.length && span_equal(span_first(address, tag.length), tag);
    return tagged ? span_after(address, tag.length) : address;
}

bool xclient_port(const struct xclient *xclient, enum xclient_attribute attribute, unsigned *port)
{
    struct span value = xclient_value(xclient, attribute);
    uint64_t number = 0;
    if (value.octets == NULL)
        return false;
    if (value.length > 0)
        (void)span_number(value, &number); /* xclient_parse has checked it */
    *port = (unsigned)number;
    return true;
}

bool xclient_parse(struct xclient *xclient, struct span argument, struct span *offender)
{
    xclient_clear(xclient);
    /*@ loop invariant xclient_ok(xclient) && part_of(rest, argument) && readable(rest);
        loop invariant rest.length > 0 ==> rest.octets[0] != ' ';
        loop assigns rest, *offender, *xclient;
        loop variant rest.length; */
    for (struct span rest = span_trim(argument); rest.length > 0; rest = span_trim(rest)) {
        *offender = span_first(rest, span_find(rest, ' '));
        if (!parse_attribute(xclient, *offender))
            return false;
        rest = span_after(rest, offender->length);
    }
    return true;
}

void xclient_add_names(struct text *line)
{
    /*@ loop invariant 0 <= row <= XCLIENT_ATTRIBUTES && text_ok(line);
        loop assigns row, line->length, line->octets[0 .. line->size - 1];
        loop variant XCLIENT_ATTRIBUTES - row; */
    for (size_t row = 0; row < XCLIENT_ATTRIBUTES; row++) {
        text_add_string(line, " ");
        text_add_string(line, rows[row].name);
    }
}
