/*
 * libFuzzer target: the attributes of one XCLIENT, in a session that trusts it. Asserted is that
 *
 * - what it tells is bounded and holds no control character; addresses and ports are ones;
 * - told again, encoded by the book, it is the same;
 * - a login and a greeting count if they were told, and no proxy is believed twice;
 * - a command that is refused changes nothing.
 */
#include <assert.h>
#include <stdio.h>

#include "test/driver.h"
#include "test/fuzz/text.h"

enum { ENCODED_MAX = 8 * 1024 };
_Static_assert(ENCODED_MAX > XCLIENT_ATTRIBUTES * (3 * XCLIENT_VALUE_MAX + 10), "they fit");

static struct driver driver;
static struct xclient told;
static unsigned times_told;

static void watch(struct driver *watched, const struct want *want)
{
    (void)watched; /* it is the only one */
    if (want->kind != WANT_XCLIENT)
        return;
    told = *want->xclient;
    times_told++;
}

static bool consists_of(struct span text, const char *allowed)
{
    for (size_t i = 0; i < text.length; i++)
        if (span_find(span_of(allowed), text.octets[i]) == strlen(allowed))
            return false;
    return true;
}

static void check_address(enum xclient_attribute attribute)
{
    struct span value = xclient_value(&told, attribute);
    struct span address = xclient_address(&told, attribute);
    assert((address.octets == NULL) == (value.octets == NULL));
    assert(address.length <= strlen("2001:0db8:0000:0000:0000:0000:198.051.100.001"));
    assert(consists_of(address, "0123456789abcdefABCDEF:."));
}

static void check_port(enum xclient_attribute attribute)
{
    struct span value = xclient_value(&told, attribute);
    unsigned port = XCLIENT_PORT_MAX + 1;
    assert(xclient_port(&told, attribute, &port) == (value.octets != NULL));
    assert((port <= XCLIENT_PORT_MAX) == (value.octets != NULL));
    assert(consists_of(value, "0123456789"));
}

static void check_told(void)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++) {
        struct span value = xclient_value(&told, (enum xclient_attribute)attribute);
        assert(value.length <= XCLIENT_VALUE_MAX);
        assert(attribute == XCLIENT_LOGIN || attribute == XCLIENT_HELO || span_is_ascii(value));
        if (attribute != XCLIENT_HELO)
            check_text(value);
    }
    check_address(XCLIENT_ADDR);
    check_address(XCLIENT_DESTADDR);
    check_port(XCLIENT_PORT);
    check_port(XCLIENT_DESTPORT);
    assert(consists_of(xclient_value(&told, XCLIENT_NAME), name));
}

/* The first digit of the reply to a line of `verb` and `rest`. */
static char say(const char *verb, struct span rest)
{
    size_t before = driver.replies_length;
    bool goes_on = driver_feed(&driver, span_of(verb)) && driver_feed(&driver, rest) &&
                   driver_feed(&driver, span_of("\r\n"));
    assert(goes_on && driver.replies_length > before);
    return driver.replies[before];
}

/* Gives a new session the attributes; false if they are refused. */
static bool introduce(struct span attributes)
{
    struct session_settings settings = driver_settings();
    settings.xclient = true;
    driver.watch = watch;
    times_told = 0;
    driver_begin(&driver, &settings);
    (void)say("EHLO ", span_of("before")); /* a greeting */
    return say("XCLIENT ", attributes) == '2';
}

static const char *const names[XCLIENT_ATTRIBUTES] = {
    [XCLIENT_NAME] = "NAME",         [XCLIENT_ADDR] = "ADDR",        [XCLIENT_PORT] = "PORT",
    [XCLIENT_PROTO] = "PROTO",       [XCLIENT_HELO] = "HELO",        [XCLIENT_LOGIN] = "LOGIN",
    [XCLIENT_DESTADDR] = "DESTADDR", [XCLIENT_DESTPORT] = "DESTPORT"};

/* What was told under `name`. */
static struct span value_named(struct span name)
{
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++)
        if (span_equal(name, span_of(names[attribute])))
            return xclient_value(&told, (enum xclient_attribute)attribute);
    return (struct span){NULL, 0};
}

static size_t count_octets(struct span xtext)
{
    size_t count = 0;
    for (size_t i = 0; i < xtext.length; i++, count++)
        i += xtext.octets[i] == '+' ? 2 : 0;
    return count;
}

/*
 * Each octet of what the attributes say was told, but for what is said of the unknown; HELO may be
 * cut, or lack the encoding.
 */
static void check_nothing_lost(struct span attributes)
{
    attributes = span_trim(attributes);
    while (attributes.length > 0) {
        struct span attribute = span_first(attributes, span_find(attributes, ' '));
        attributes = span_trim(span_after(attributes, attribute.length));
        size_t equals = span_find(attribute, '=');
        struct span name = span_first(attribute, equals);
        struct span value = value_named(name);
        struct span said = span_after(attribute, equals + 1);
        bool may_differ = span_equal(name, span_of("HELO")) &&
                          (value.length == XCLIENT_VALUE_MAX || value.length == said.length);
        assert(value.length == count_octets(said) || may_differ ||
               (value.octets != NULL && value.length == 0));
    }
}

/* Writes what was told as a proxy does; its length. */
static size_t encode(char *octets)
{
    int length = 0;
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++) {
        struct span value = xclient_value(&told, (enum xclient_attribute)attribute);
        if (value.octets == NULL)
            continue;
        length += sprintf(octets + length, " %s=", names[attribute]);
        if (value.length == 0)
            length += sprintf(octets + length, "[UNAVAILABLE]");
        for (size_t i = 0; i < value.length; i++) {
            char c = value.octets[i];
            bool plain = c > ' ' && c <= '~' && c != '+' && c != '=';
            length += sprintf(octets + length, plain ? "%c" : "+%02X", (unsigned char)c);
        }
    }
    return (size_t)length;
}

/* The login and the greeting are those that were told; the proxy's client may not tell more. */
static void check_taken(void)
{
    struct span helo = xclient_value(&told, XCLIENT_HELO);
    struct span said = session_helo(&driver.session);
    assert(said.length == helo.length && span_is_printable(said));
    assert(span_equal(session_user(&driver.session), xclient_value(&told, XCLIENT_LOGIN)));
    assert(say("MAIL FROM:<a@b>", span_empty()) == (helo.length > 0 ? '2' : '5'));
    assert(say("RSET", span_empty()) == '2');
    assert(say("XCLIENT ", span_of("LOGIN=root")) == '5' && times_told == 1);
}

static void check_refused(void)
{
    assert(span_equal(session_helo(&driver.session), span_of("before")));
    assert(session_user(&driver.session).length == 0);
    assert(say("MAIL FROM:<a@b>", span_empty()) == '2');
}

static bool is_same(struct span a, struct span b)
{
    return a.length == b.length && memcmp(a.octets, b.octets, a.length) == 0;
}

static void check_told_again(void)
{
    static char encoded[ENCODED_MAX];
    struct xclient before = told;
    size_t length = encode(encoded);
    bool taken = introduce((struct span){encoded, length});
    assert(taken);
    for (int attribute = 0; attribute < XCLIENT_ATTRIBUTES; attribute++) {
        struct span value = xclient_value(&before, (enum xclient_attribute)attribute);
        struct span again = xclient_value(&told, (enum xclient_attribute)attribute);
        assert((value.octets == NULL) == (again.octets == NULL));
        assert(value.octets == NULL || is_same(value, again));
    }
}

static bool has_http(struct span text)
{
    const struct span name = span_of("HTTP/");
    for (; text.length >= name.length; text = span_after(text, 1))
        if (span_equal(span_first(text, name.length), name))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span attributes = {(const char *)data, size};
    attributes.length = span_find(attributes, '\n');
    attributes.length = span_find(attributes, '\r');
    if (has_http(attributes))
        return 0; /* an HTTP request ends the session */
    bool taken = introduce(attributes);
    assert(taken ? times_told == 1 : times_told <= 1);
    if (times_told == 1) {
        check_told();
        check_nothing_lost(attributes);
    }
    if (taken)
        check_taken();
    else
        check_refused();
    if (taken)
        check_told_again();
    return 0;
}
