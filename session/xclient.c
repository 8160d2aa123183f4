#include "xclient.h"

#include "auth.h"
#include "command.h"
#include "parameter.h"
#include "text.h"

static bool is_name(struct span value)
{
    return command_is_helo(value) && value.octets[0] != '[';
}

/* An IPv6 address has the tag of the literals, whose case does not matter. */
static bool is_address(struct span value)
{
    char octets[XCLIENT_VALUE_MAX + 2];
    struct text literal = {.octets = octets, .size = sizeof octets};
    text_add_string(&literal, "[");
    text_add(&literal, value);
    text_add_string(&literal, "]");
    return literal_is_valid(text_span(&literal));
}

static bool is_port(struct span value)
{
    uint64_t port;
    return parameter_number(value, &port) && port <= XCLIENT_PORT_MAX;
}

static bool is_protocol(struct span value)
{
    return span_equal(value, span_of("SMTP")) || span_equal(value, span_of("ESMTP"));
}

static const struct {
    const char *name;
    bool may_be_unknown;
    bool (*is_valid)(struct span value);
} rows[XCLIENT_ATTRIBUTES] = {
    [XCLIENT_NAME] = {"NAME", true, is_name},
    [XCLIENT_ADDR] = {"ADDR", true, is_address},
    [XCLIENT_PORT] = {"PORT", true, is_port},
    [XCLIENT_PROTO] = {"PROTO", false, is_protocol},
    [XCLIENT_HELO] = {"HELO", true, command_is_helo},
    [XCLIENT_LOGIN] = {"LOGIN", true, auth_is_name},
    [XCLIENT_DESTADDR] = {"DESTADDR", true, is_address},
    [XCLIENT_DESTPORT] = {"DESTPORT", true, is_port},
};

static bool says_unknown(struct span value)
{
    return span_equal(value, span_of("[UNAVAILABLE]")) ||
           span_equal(value, span_of("[TEMPUNAVAIL]"));
}

/* Decodes xtext (RFC 3461 4); false where it is none, or too long. */
static bool decode(struct span xtext, struct text *value)
{
    while (xtext.length > 0) {
        char octet;
        if (value->length == value->size || !parameter_take_xtext(&xtext, &octet))
            return false;
        text_add(value, (struct span){&octet, 1});
    }
    return value->length > 0;
}

static size_t find(struct span name)
{
    size_t row = 0;
    while (row < XCLIENT_ATTRIBUTES && !span_equal(name, span_of(rows[row].name)))
        row++;
    return row;
}

/* Reads "NAME=value"; false where it is not that, or comes again. */
static bool take(struct xclient *xclient, struct span attribute)
{
    size_t equals = span_find(attribute, '=');
    size_t row = find(span_first(attribute, equals));
    if (row == XCLIENT_ATTRIBUTES || equals == attribute.length || xclient->values[row].told)
        return false;
    struct text value = {.octets = xclient->values[row].octets, .size = XCLIENT_VALUE_MAX};
    if (!decode(span_after(attribute, equals + 1), &value))
        return false;
    bool unknown = rows[row].may_be_unknown && says_unknown(text_span(&value));
    xclient->values[row].told = true;
    xclient->values[row].length = unknown ? 0 : value.length;
    return unknown || rows[row].is_valid(text_span(&value));
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
        (void)parameter_number(value, &number); /* it was one when it was told */
    *port = (unsigned)number;
    return true;
}

void xclient_run(struct session *session, struct span argument)
{
    struct xclient *xclient = &session->xclient;
    /* Once is for the proxy: what comes behind may be its client's. */
    if (!session->settings.xclient || session->introduced) {
        command_reply(session, REPLY_XCLIENT_DENIED, span_empty());
        return;
    }
    if (session->settings.tls == TLS_POLICY_REQUIRED && !session->secured) {
        command_reply(session, REPLY_TLS_REQUIRED, span_empty());
        return;
    }
    for (size_t row = 0; row < XCLIENT_ATTRIBUTES; row++)
        xclient->values[row].told = false;
    for (struct span rest = span_trim(argument); rest.length > 0; rest = span_trim(rest)) {
        struct span attribute = span_first(rest, span_find(rest, ' '));
        if (!take(xclient, attribute)) {
            command_reply(session, REPLY_BAD_PARAMETER, attribute);
            return;
        }
        rest = span_after(rest, attribute.length);
    }
    session->want = WANT_CLIENT;
}

/* As if it had greeted, where that was told: Postfix wants no HELO then. */
static void take_greeting(struct session *session)
{
    struct span helo = xclient_value(&session->xclient, XCLIENT_HELO);
    struct span protocol = xclient_value(&session->xclient, XCLIENT_PROTO);
    if (helo.length == 0)
        return;
    memcpy(session->helo, helo.octets, helo.length);
    session->helo_length = helo.length;
    session->extended = session->settings.lmtp || span_equal(protocol, span_of("ESMTP"));
    session->phase = PHASE_IDLE;
}

void xclient_answer(struct session *session, bool taken)
{
    struct span login = xclient_value(&session->xclient, XCLIENT_LOGIN);
    if (!taken) {
        command_reply(session, REPLY_BAD_PARAMETER, span_of("address"));
        return;
    }
    command_begin_anew(session);
    session->introduced = true;
    take_greeting(session);
    if (login.length > 0)
        auth_believe(&session->auth, login);
    command_greet(session);
}

void xclient_add_names(struct text *line)
{
    for (size_t row = 0; row < XCLIENT_ATTRIBUTES; row++) {
        text_add_string(line, " ");
        text_add_string(line, rows[row].name);
    }
}
