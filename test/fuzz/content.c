/*
 * libFuzzer target: the octets of a message. The first line of the input holds letters for how they
 * are decoded, see content_of; the rest is the message, and what stands behind it. Asserted is that
 *
 * - however the octets are cut, and however little room there is, the same comes out of them, and
 *   the header looks the same, and is kept apart from a trace in front ("t") by the same;
 * - the message ends at its first dot that stands alone, and nowhere else;
 * - it has a wrong line end if a reader of its own finds one, such as a false end of the message
 *   if a bare LF is made a line end ("m");
 * - what comes out has one sort of line end, and the size that is told; sent again it stays itself;
 * - nobody's results but others' come out of a stranger's ("s");
 * - a CR within a line of the header is seen.
 */
#include <assert.h>

#include "session/content.h"
#include "session/header.h"
#include "session/results.h"

enum { MESSAGE_MAX = 64 * 1024, ENCODED_MAX = 4 * MESSAGE_MAX };

/* A message that was decoded. */
struct message {
    struct content content;
    struct header header;
    size_t used; /* octets of the input */
    size_t length;
    size_t passed_length;
    char octets[MESSAGE_MAX];
    char passed[MESSAGE_MAX + 1024]; /* what the header let pass of them */
};

static struct message whole, in_pieces, again;
static bool is_traced, is_stranger;
static const struct span recipient = {"a@b", 3};

static struct content content_of(struct span letters)
{
    struct content content;
    bool crlf = span_find(letters, 'c') < letters.length;
    enum newlines newlines = span_find(letters, 'n') < letters.length   ? NEWLINES_LENIENT
                             : span_find(letters, 'm') < letters.length ? NEWLINES_NORMALIZE
                                                                        : NEWLINES_STRICT;
    enum encoding encoding = span_find(letters, 'b') < letters.length   ? ENCODING_BINARY
                             : span_find(letters, 'p') < letters.length ? ENCODING_PLAIN
                                                                        : ENCODING_DOTTED;
    content_begin(&content, encoding, newlines, crlf ? LINE_ENDING_CRLF : LINE_ENDING_LF);
    return content;
}

static void pass(struct message *message, struct span octets)
{
    char *to = message->passed + message->passed_length;
    size_t gap = header_room(&message->header);
    assert(message->passed_length + gap + octets.length <= sizeof message->passed);
    memcpy(to + gap, octets.octets, octets.length);
    size_t length = header_pass(&message->header, to, octets.length);
    assert(length + header_room(&message->header) <= gap + octets.length);
    message->passed_length += length;
}

/* Decodes `piece` into `room` octets at a time; false once the message has ended. */
static bool decode_piece(struct message *message, struct span piece, size_t room)
{
    while (piece.length > 0 && !content_ended(&message->content)) {
        char *start = message->octets + message->length;
        struct room output = {start, room};
        size_t before = piece.length;
        assert(message->length + room <= sizeof message->octets);
        content_decode(&message->content, &piece, &output);
        assert(piece.length < before && output.length <= room);
        size_t length = (size_t)(output.octets - start);
        assert(length == room - output.length);
        pass(message, (struct span){start, length});
        message->length += length;
        message->used += before - piece.length;
    }
    return !content_ended(&message->content);
}

/* Decodes `input` in pieces of up to `max` octets, with as little room for each. */
static void decode(struct message *message, const struct content *content, struct span input,
                   size_t max)
{
    unsigned random = (unsigned)input.length;
    message->content = *content;
    message->used = message->length = message->passed_length = 0;
    header_look_for(&message->header, recipient);
    header_leave_out(&message->header, is_stranger ? span_of("mx.test") : span_empty());
    header_begin(&message->header, is_traced, content->line_ending);
    bool goes_on = true;
    while (goes_on && input.length > 0) {
        random = random * 1103515245 + 12345;
        size_t length = 1 + (random >> 16) % max;
        length = length < input.length ? length : input.length;
        goes_on = decode_piece(message, span_first(input, length), 2 + (random >> 8) % max);
        input = span_after(input, length);
    }
    if (goes_on)
        content_finish(&message->content);
    size_t room = header_room(&message->header);
    size_t length = header_end(&message->header, message->passed + message->passed_length);
    assert(length <= room && message->header.over);
    message->passed_length += length;
}

static void check_same(const struct message *a, const struct message *b)
{
    assert(a->used == b->used && a->length == b->length);
    assert(memcmp(a->octets, b->octets, a->length) == 0);
    assert(a->content.size == b->content.size);
    assert(a->content.bare_lf_count == b->content.bare_lf_count);
    assert(a->content.bad_line_end == b->content.bad_line_end);
    assert(a->content.smuggled_end == b->content.smuggled_end);
    assert(content_ended(&a->content) == content_ended(&b->content));
    assert(a->passed_length == b->passed_length && a->header.added == b->header.added);
    assert(memcmp(a->passed, b->passed, a->passed_length) == 0);
    assert(a->header.received == b->header.received);
    assert(header_shows_loop(&a->header) == header_shows_loop(&b->header));
    assert(header_is_broken(&a->header) == header_is_broken(&b->header));
}

/* Whether `input` ends with `end`. */
static bool ends_with(struct span input, const char *end)
{
    size_t length = strlen(end);
    return input.length >= length && memcmp(input.octets + input.length - length, end, length) == 0;
}

/* Whether a message that began with `input` has just got its end. */
static bool is_at_end(struct span input, bool lenient)
{
    if (ends_with(input, "\r\n.\r\n") || (input.length == 3 && ends_with(input, ".\r\n")))
        return true;
    return lenient && (ends_with(input, "\n.\n") || ends_with(input, "\n.\r\n") ||
                       (input.length == 2 && ends_with(input, ".\n")));
}

static void check_end(const struct message *message, struct span input)
{
    bool lenient = message->content.newlines == NEWLINES_LENIENT;
    size_t end = 0;
    if (message->content.encoding == ENCODING_DOTTED)
        while (end < input.length && !is_at_end(span_first(input, end), lenient))
            end++;
    bool ended = end > 0 && is_at_end(span_first(input, end), lenient);
    assert(content_ended(&message->content) == ended);
    assert(message->used == (ended ? end : input.length));
}

/* Whether the line ends of `input` are right; `*bare` is how many of them are an LF alone. */
static bool are_line_ends_right(struct span input, const struct content *content, uint64_t *bare)
{
    bool dotted = content->encoding == ENCODING_DOTTED, start_is_bare = false;
    size_t start = 0;
    *bare = 0;
    for (size_t i = 0; i < input.length; i++) {
        bool after_cr = i > 0 && input.octets[i - 1] == '\r';
        if (after_cr && input.octets[i] != '\n')
            return false;
        if (input.octets[i] != '\n')
            continue;
        bool alone = dotted && input.octets[start] == '.' && i - start == (after_cr ? 2 : 1);
        *bare += after_cr ? 0 : 1;
        if (content->newlines == NEWLINES_STRICT && !after_cr)
            return false;
        if (content->newlines == NEWLINES_NORMALIZE && alone && (!after_cr || start_is_bare))
            return false;
        start = i + 1;
        start_is_bare = !after_cr;
    }
    return true;
}

/* Of a message whose last octet leaves no doubt. */
static void check_line_ends(const struct message *message, struct span input)
{
    const struct content *content = &message->content;
    struct span read = span_first(input, message->used);
    uint64_t bare = 0;
    if (content->encoding == ENCODING_BINARY || ends_with(read, "\r"))
        return;
    bool are_right = are_line_ends_right(read, content, &bare);
    assert((content->bad_line_end == NULL) == are_right);
    if (content->newlines == NEWLINES_NORMALIZE && content->bad_line_end == NULL)
        assert(content->bare_lf_count == bare);
    else
        assert(content->newlines == NEWLINES_NORMALIZE || content->bare_lf_count == 0);
}

/* Octets as RFC 1870 counts them; line ends are of one sort. */
static size_t check_lines(const struct message *message)
{
    bool crlf = message->content.line_ending == LINE_ENDING_CRLF;
    size_t size = message->length;
    for (size_t i = 0; i < message->length; i++) {
        char before = i > 0 ? message->octets[i - 1] : '\0';
        char octet = message->octets[i];
        assert(octet != '\r' || crlf);
        assert((before == '\r') == (crlf && octet == '\n'));
        size += octet == '\n' && !crlf ? 1 : 0;
    }
    return size;
}

/* Writes the message's lines as a client sends them; the length. */
static size_t encode(const struct message *message, char *encoded)
{
    bool dotted = message->content.encoding == ENCODING_DOTTED;
    bool at_start = true;
    size_t length = 0;
    for (size_t i = 0; i < message->length; i++) {
        char octet = message->octets[i];
        if (octet == '\r')
            continue;
        if (octet == '\n')
            encoded[length++] = '\r';
        if (octet == '.' && at_start && dotted)
            encoded[length++] = '.';
        encoded[length++] = octet;
        at_start = octet == '\n';
    }
    return length;
}

/* Sent again by the book, a message comes out as it did. */
static void check_again(struct span letters)
{
    static char encoded[ENCODED_MAX];
    struct content content = content_of(letters);
    size_t length = encode(&whole, encoded);
    bool complete = whole.length == 0 || whole.octets[whole.length - 1] == '\n';
    if (!complete && content.encoding == ENCODING_DOTTED)
        return; /* its end did not come */
    if (content.encoding == ENCODING_DOTTED) {
        const struct span end = span_of(".\r\n");
        memcpy(encoded + length, end.octets, end.length);
        length += end.length;
    }
    content.newlines = NEWLINES_STRICT;
    decode(&again, &content, (struct span){encoded, length}, MESSAGE_MAX / 2);
    assert(again.content.bad_line_end == NULL && again.used == length);
    assert(content_ended(&again.content) == (content.encoding == ENCODING_DOTTED));
    assert(again.length == whole.length && again.content.size == whole.content.size);
    assert(memcmp(again.octets, whole.octets, whole.length) == 0);
}

/* What the line in front of `rest` is, which is taken off. */
static enum field_line take_line(struct span *rest, struct span *name)
{
    size_t length = span_find(*rest, '\n');
    struct span line = span_first(*rest, length);
    *rest = span_after(*rest, length < rest->length ? length + 1 : length);
    return field_parse(line, true, name);
}

/* Whether the field with which `text` begins are results that claim to be ours. */
static bool is_ours(struct span text)
{
    size_t length = 0;
    do {
        length += span_find(span_after(text, length), '\n');
        length += length < text.length ? 1 : 0;
    } while (length < text.length && (text.octets[length] == ' ' || text.octets[length] == '\t'));
    return results_parse(span_first(text, length), span_of("mx.test"), true) == RESULTS_OURS;
}

/* Whether a CR stands in the first line of `text`, and not at its end. */
static bool has_inner_return(struct span text)
{
    struct span line = span_first(text, span_find(text, '\n'));
    return span_find(line, '\r') + 1 < line.length;
}

/* Behind a line that is no field, up to an empty one, none are ours either. */
static void check_astray(enum field_line kind, struct span rest, struct span name)
{
    for (struct span field = rest; rest.length > 0 && kind != FIELD_LINE_EMPTY; field = rest) {
        kind = take_line(&rest, &name);
        bool is_results =
            kind == FIELD_LINE_NAMED && span_equal(name, span_of("Authentication-Results"));
        assert(!is_results || !is_ours(field));
    }
}

/* What the header must have shown and let pass, by the whole of what came out. */
static void check_header(const struct message *message)
{
    struct span rest = {message->passed, message->passed_length}, name = span_empty();
    struct span field = rest;
    bool has_crlf = message->header.line_ending == LINE_ENDING_CRLF; /* as all binary ones have */
    unsigned received = 0;
    enum field_line kind = take_line(&rest, &name);
    assert(!is_traced || (kind != FIELD_LINE_FOLDED && kind != FIELD_LINE_OTHER));
    for (bool is_first = true; kind == FIELD_LINE_NAMED || kind == FIELD_LINE_SEPARATOR ||
                               (kind == FIELD_LINE_FOLDED && !is_first);
         is_first = false) {
        bool named = kind == FIELD_LINE_NAMED;
        received += named && span_equal(name, span_of("Received")) ? 1 : 0;
        assert(!is_traced || !named || !span_equal(name, span_of("Return-Path")));
        bool is_results = named && span_equal(name, span_of("Authentication-Results"));
        assert(!is_stranger || !is_results || !is_ours(field));
        assert(!has_crlf || !has_inner_return(field) || header_is_broken(&message->header));
        field = rest;
        kind = take_line(&rest, &name);
    }
    assert(!is_traced || kind == FIELD_LINE_EMPTY);
    if (is_stranger)
        check_astray(kind, rest, name);
    assert(message->header.received == received);
    assert(received < HEADER_RECEIVED_LOOP || header_shows_loop(&message->header));
    assert(message->header.added <= HEADER_ADDED_MAX);
    if (!is_traced && !is_stranger) {
        assert(message->passed_length == message->length && message->header.added == 0);
        assert(memcmp(message->passed, message->octets, message->length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    struct span letters = span_first(input, span_find(input, '\n'));
    if (letters.length == size || size > MESSAGE_MAX / 8)
        return 0;
    input = span_after(input, letters.length + 1);
    struct content content = content_of(letters);
    is_traced = span_find(letters, 't') < letters.length;
    is_stranger = span_find(letters, 's') < letters.length;
    decode(&whole, &content, input, MESSAGE_MAX / 4);
    decode(&in_pieces, &content, input, 1);
    check_same(&whole, &in_pieces);
    decode(&in_pieces, &content, input, 7);
    check_same(&whole, &in_pieces);
    check_end(&whole, input);
    check_line_ends(&whole, input);
    check_header(&whole);
    if (content.encoding == ENCODING_BINARY) {
        assert(whole.content.bad_line_end == NULL && whole.content.size == input.length);
        assert(memcmp(whole.octets, input.octets, input.length) == 0);
    } else if (whole.content.bad_line_end == NULL) {
        assert(whole.content.smuggled_end == NULL && whole.content.size == check_lines(&whole));
        check_again(letters);
    }
    return 0;
}
