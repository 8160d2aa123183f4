/*
 * libFuzzer target: a whole session. The first line of the input holds letters for the settings,
 * see settings_of; the rest is what the client sends. Asserted is that
 *
 * - however the octets are cut, the session says and wants the same, but for STARTTLS;
 * - a client that pauses behind each octet, and so gets its 500 for a bare LF, has no other sender
 *   or recipient asked about: one of the two sessions only ends earlier;
 * - every reply is well-formed (RFC 5321 4.2, RFC 2034);
 * - the octets of a message are those that a decoder of its own finds, no more and no fewer, and a
 *   message with a wrong line end is never delivered.
 */
#include <assert.h>
#include <stdlib.h>

#include "test/driver.h"

/* Reads what the session reads, in its own way. */
struct reader {
    enum { READING_COMMANDS, READING_CONTENT, READING_CHUNK } mode;
    bool lenient;   /* LF counts as CR LF */
    bool normalize; /* a bare LF within a message is a line end, and has no part in its end */
    bool crlf;
    char line[COMMAND_LINE_MAX + 1]; /* the beginning of the command line */
    size_t line_length;              /* with what was not kept */
    bool exchange;                   /* of AUTH: the line is no command */
    char previous;                   /* octet of the line */
    unsigned long long chunk_left;
    size_t chunk_start;       /* in the message */
    bool content_ends;        /* with the octet at hand */
    bool discarded;           /* the message, at that octet */
    size_t replies_looked_at; /* up to that octet */
    size_t length;            /* of the message, as it was sent */
    char message[DRIVER_MESSAGE_MAX];
};

static struct reader reader;
static struct driver by_octet, at_once, in_pieces, with_pauses;

static struct session_settings settings_of(struct span letters)
{
    struct session_settings settings = driver_settings();
    settings.max_size = 2000;
    settings.max_recipients = 5;
    settings.max_messages = 10;
    settings.trace = false;
    for (size_t i = 0; i < letters.length; i++) {
        settings.lmtp |= letters.octets[i] == 'l';
        settings.one_recipient |= letters.octets[i] == 'o';
        settings.combined_reply |= letters.octets[i] == 'O';
        settings.dsn |= letters.octets[i] == 'd';
        settings.auth |= letters.octets[i] == 'a';
        settings.secured |= letters.octets[i] == 's';
        settings.xclient |= letters.octets[i] == 'x';
        settings.auth_required |= letters.octets[i] == 'u';
        settings.strict_pipelining |= letters.octets[i] == 'p';
        if (letters.octets[i] == 'T')
            settings.tls = TLS_POLICY_OFFERED;
        if (letters.octets[i] == 'R')
            settings.tls = TLS_POLICY_REQUIRED;
        settings.trace |= letters.octets[i] == 't';
        if (letters.octets[i] == 'n')
            settings.newlines = NEWLINES_LENIENT;
        if (letters.octets[i] == 'N')
            settings.newlines = NEWLINES_NORMALIZE;
        if (letters.octets[i] == 'c')
            settings.line_ending = LINE_ENDING_CRLF;
    }
    return settings;
}

/* Whether the message, as it was sent so far, ends with `end`. */
static bool ends_with(const char *end)
{
    size_t length = strlen(end);
    return reader.length >= length &&
           memcmp(reader.message + reader.length - length, end, length) == 0;
}

/* Whether the message has just got its end. */
static bool content_has_end(void)
{
    if (ends_with("\r\n.\r\n") || (reader.length == 3 && ends_with(".\r\n")))
        return true;
    return reader.lenient &&
           (ends_with("\n.\n") || ends_with("\n.\r\n") || (reader.length == 2 && ends_with(".\n")));
}

static char decoded[2 * DRIVER_MESSAGE_MAX];

/* Whether the line that ends with the LF at `end` is a dot, and an LF alone begins or ends it. */
static bool is_false_end(size_t end)
{
    bool crlf = end > 0 && reader.message[end - 1] == '\r';
    size_t dot = end - (crlf ? 2 : 1);
    if (end < (crlf ? 2 : 1) || reader.message[dot] != '.')
        return false;
    bool starts_line = dot == 0 || reader.message[dot - 1] == '\n';
    bool starts_bare = dot > 0 && (dot == 1 || reader.message[dot - 2] != '\r');
    return starts_line && (starts_bare || !crlf);
}

/* Decodes the lines of the message; their length, or -1 if a line end is wrong. */
static long decode_lines(bool dotted)
{
    size_t end_length = !dotted ? 0 : ends_with("\r\n") ? 3 : 2;
    size_t length = reader.length - end_length;
    bool bare_lf_is_right = reader.lenient || reader.normalize;
    long to = 0;
    bool at_start = true;
    for (size_t i = 0; i < length; i++) {
        char c = reader.message[i];
        bool crlf = c == '\r' && i + 1 < length && reader.message[i + 1] == '\n';
        if ((c == '\r' && !crlf) || (c == '\n' && !bare_lf_is_right))
            return -1;
        if (reader.normalize && dotted && (crlf || c == '\n') && is_false_end(i + (crlf ? 1 : 0)))
            return -1;
        bool ends_line = crlf || c == '\n';
        if (ends_line && reader.crlf)
            decoded[to++] = '\r';
        if (ends_line)
            decoded[to++] = '\n';
        else if (!dotted || !at_start || c != '.')
            decoded[to++] = c;
        at_start = ends_line;
        i += crlf ? 1 : 0;
    }
    return to;
}

/* Whether that is `expected` with an empty line in front of one that ends the header. */
static bool has_empty_line(struct span octets, struct span expected, bool crlf)
{
    size_t end = crlf ? 2 : 1, at = 0;
    while (at < expected.length && octets.octets[at] == expected.octets[at])
        at++;
    at -= crlf && at > 0 && expected.octets[at - 1] == '\r' ? 1 : 0;
    return octets.length == expected.length + end && at > 0 && octets.octets[at - 1] == '\n' &&
           memcmp(octets.octets + at, crlf ? "\r\n" : "\n", end) == 0 &&
           memcmp(octets.octets + at + end, expected.octets + at, expected.length - at) == 0;
}

/* Whether a line may be in it that a trace makes another of; fuzz-content knows what becomes of
 * those. */
static bool has_line_of_trace(struct span octets)
{
    static const char *const names[] = {"Return-Path", "Authentication-Results", "From "};
    for (; octets.length > 0; octets = span_after(octets, 1))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct span name = span_of(names[i]);
            if (octets.length >= name.length && span_equal(span_first(octets, name.length), name))
                return true;
        }
    return false;
}

/* What follows the first empty line. */
static struct span body_of(struct span octets)
{
    while (octets.length > 0) {
        struct span line = span_first(octets, span_find(octets, '\n'));
        octets = span_after(octets, line.length + (line.length < octets.length ? 1 : 0));
        if (line.length == 0 || span_equal(line, span_of("\r")))
            break;
    }
    return octets;
}

/* What is about to be delivered is what was sent. */
static void check_message(const struct driver *driver)
{
    struct span all = {driver->message, driver->message_length};
    bool binary = session_envelope(&driver->session)->parameters.binary;
    bool crlf = reader.crlf || binary;
    long length = binary ? (long)reader.length : decode_lines(reader.mode == READING_CONTENT);
    assert(length >= 0);
    struct span expected = {binary ? reader.message : decoded, (size_t)length};
    if (driver->session.settings.trace && has_line_of_trace(expected)) {
        expected = body_of(expected);
        if (expected.length == 0)
            return;
    }
    assert(expected.length <= all.length);
    size_t trace_length = all.length - expected.length;
    if (memcmp(driver->message + trace_length, expected.octets, expected.length) != 0) {
        trace_length -= crlf ? 2 : 1; /* there is a trace */
        assert(has_empty_line(span_after(all, trace_length), expected, crlf));
    }
    assert((trace_length > 0) == driver->session.settings.trace);
    assert(trace_length == 0 || (memcmp(driver->message, "Return-Path: <", 14) == 0 &&
                                 driver->message[trace_length - 1] == '\n'));
}

static void watch(struct driver *driver, const struct want *want)
{
    if (want->kind == WANT_DELIVERY)
        check_message(driver);
    if (want->kind != WANT_DISCARD)
        return;
    if (reader.mode == READING_CONTENT && reader.content_ends)
        assert((decode_lines(true) < 0) == (want->message.verdict == VERDICT_BAD_LINE_END));
    reader.discarded = true;
    reader.length = 0;
}

/* Whether the first reply to the octet at hand begins with `start`. */
static bool was_said(const char *start)
{
    const char *said = by_octet.replies + reader.replies_looked_at;
    size_t length = by_octet.replies_length - reader.replies_looked_at;
    return length >= strlen(start) && memcmp(said, start, strlen(start)) == 0;
}

/* Whether the line, of `length`, is a BDAT that says how many octets follow (RFC 3030 2). */
static bool is_chunk_command(size_t length)
{
    char *line = reader.line;
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    line[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            return false;
    if (strncasecmp(line, "BDAT ", 5) != 0)
        return false;
    const char *number = line + 5 + strspn(line + 5, " ");
    size_t digits = strspn(number, "0123456789");
    reader.chunk_left = strtoull(number, NULL, 10);
    return digits > 0 && digits <= 20 && (number[digits] == '\0' || number[digits] == ' ');
}

/* The session has answered a command line. */
static void end_line(void)
{
    bool too_long = reader.line_length > COMMAND_LINE_MAX;
    bool exchange = reader.exchange;
    reader.exchange = was_said("334");
    size_t length = reader.line_length - (reader.previous == '\r' ? 2 : 1);
    reader.line_length = 0;
    reader.previous = '\0';
    if (was_said("354")) {
        reader.mode = READING_CONTENT;
        reader.length = 0;
    } else if (!exchange && !too_long && is_chunk_command(length) && reader.chunk_left > 0) {
        reader.mode = READING_CHUNK;
        reader.chunk_start = reader.length;
    }
}

/* The session is about to be fed `octet`. */
static void read_octet(char octet)
{
    reader.discarded = false;
    reader.replies_looked_at = by_octet.replies_length;
    if (reader.mode != READING_COMMANDS) {
        reader.message[reader.length++] = octet;
    } else {
        if (reader.line_length < sizeof reader.line)
            reader.line[reader.line_length] = octet;
        reader.line_length++;
    }
    reader.content_ends = reader.mode == READING_CONTENT && content_has_end();
}

/* The session has been fed `octet`. */
static void follow_session(char octet)
{
    switch (reader.mode) {
    case READING_COMMANDS:
        if (octet == '\n' && (reader.lenient || reader.previous == '\r'))
            end_line();
        else
            reader.previous = octet;
        break;
    case READING_CONTENT:
        assert(reader.content_ends == reader.discarded);
        if (reader.content_ends)
            reader.mode = READING_COMMANDS;
        break;
    case READING_CHUNK:
        if (--reader.chunk_left > 0)
            break;
        if (!reader.discarded && !was_said("250 2.0.0 "))
            reader.length = reader.chunk_start; /* it was refused */
        reader.mode = READING_COMMANDS;
        break;
    }
}

static void run_by_octet(const struct session_settings *settings, struct span input)
{
    reader.mode = READING_COMMANDS;
    reader.lenient = settings->newlines == NEWLINES_LENIENT;
    reader.normalize = settings->newlines == NEWLINES_NORMALIZE;
    reader.crlf = settings->line_ending == LINE_ENDING_CRLF;
    reader.line_length = reader.length = 0;
    reader.previous = '\0';
    reader.exchange = false;
    by_octet.watch = watch;
    driver_begin(&by_octet, settings);
    for (size_t i = 0; i < input.length; i++) {
        read_octet(input.octets[i]);
        if (!driver_feed(&by_octet, (struct span){input.octets + i, 1}))
            break;
        follow_session(input.octets[i]);
    }
    reader.content_ends = false;
    driver_end(&by_octet);
}

static void run_in_pieces(const struct session_settings *settings, struct span input)
{
    unsigned random = (unsigned)input.length;
    bool goes_on = true;
    in_pieces.reply_piece = 7;
    driver_begin(&in_pieces, settings);
    while (goes_on && input.length > 0) {
        random = random * 1103515245 + 12345;
        size_t length = 1 + (random >> 16) % 61;
        length = length < input.length ? length : input.length;
        goes_on = driver_feed(&in_pieces, span_first(input, length));
        input = span_after(input, length);
    }
    driver_end(&in_pieces);
}

static void run_with_pauses(const struct session_settings *settings, struct span input)
{
    bool goes_on = true;
    driver_begin(&with_pauses, settings);
    for (size_t i = 0; goes_on && i < input.length; i++) {
        goes_on = driver_feed(&with_pauses, (struct span){input.octets + i, 1});
        if (goes_on)
            goes_on = driver_pause(&with_pauses);
    }
    driver_end(&with_pauses);
}

/* The next line of `record` that asks about a sender or recipient, taken off; empty for none. */
static struct span take_question(struct span *record)
{
    const struct span start = span_of("WANT_VERDICT ");
    while (record->length > 0) {
        struct span line = span_first(*record, span_find(*record, '\n'));
        *record = span_after(*record, line.length + (line.length < record->length ? 1 : 0));
        if (line.length >= start.length && span_equal(span_first(line, start.length), start))
            return line;
    }
    return span_empty();
}

static void check_same_questions(const struct driver *a, const struct driver *b)
{
    struct span of_a = {a->record, a->record_length}, of_b = {b->record, b->record_length};
    for (;;) {
        struct span asked_by_a = take_question(&of_a), asked_by_b = take_question(&of_b);
        if (asked_by_a.length == 0 || asked_by_b.length == 0)
            return;
        assert(asked_by_a.length == asked_by_b.length);
        assert(memcmp(asked_by_a.octets, asked_by_b.octets, asked_by_a.length) == 0);
    }
}

static void check_same(const struct driver *a, const struct driver *b)
{
    assert(a->record_length == b->record_length);
    assert(memcmp(a->record, b->record, a->record_length) == 0);
}

/* One line, without its end; `code` is that of the line before if this must go on with it, or 0. */
static int check_reply_line(struct span line, int code)
{
    assert(line.length >= 4 && line.length <= REPLY_LINE_MAX - 2);
    int own_code = 0;
    for (size_t i = 0; i < 3; i++) {
        assert(line.octets[i] >= '0' && line.octets[i] <= '9');
        own_code = own_code * 10 + line.octets[i] - '0';
    }
    bool last = line.octets[3] == ' ';
    assert(own_code >= 200 && own_code < 600 && (code == 0 || code == own_code));
    assert(last || line.octets[3] == '-');
    for (size_t i = 0; i < line.length; i++)
        assert(line.octets[i] >= ' ' && line.octets[i] <= '~');
    if (own_code >= 400) {
        assert(line.length > 9 && line.octets[4] == line.octets[0] && line.octets[5] == '.');
    }
    return last ? 0 : own_code;
}

static void check_replies(struct span replies)
{
    int code = 0;
    while (replies.length > 0) {
        size_t end = span_find(replies, '\n');
        assert(end < replies.length && end > 0 && replies.octets[end - 1] == '\r');
        code = check_reply_line(span_first(replies, end - 1), code);
        replies = span_after(replies, end + 1);
    }
    assert(code == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    size_t letters = span_find(input, '\n');
    if (letters == input.length)
        return 0;
    struct session_settings settings = settings_of(span_first(input, letters));
    input = span_after(input, letters + 1);
    run_by_octet(&settings, input);
    check_replies((struct span){by_octet.replies, by_octet.replies_length});
    if (settings.tls != TLS_POLICY_NONE || settings.strict_pipelining)
        return 0; /* what follows STARTTLS, or others, too early is refused: cuts matter */
    driver_begin(&at_once, &settings);
    (void)driver_feed(&at_once, input); /* the end is the same either way */
    driver_end(&at_once);
    check_same(&by_octet, &at_once);
    run_in_pieces(&settings, input);
    check_same(&by_octet, &in_pieces);
    run_with_pauses(&settings, input);
    check_same_questions(&by_octet, &with_pauses);
    return 0;
}
