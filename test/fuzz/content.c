/*
 * libFuzzer target: the octets of a message. The first line of the input holds letters for how they
 * are decoded, see content_of; the rest is the message, and what stands behind it. Asserted is that
 *
 * - however the octets are cut, and however little room there is, the same comes out of them, and
 *   the header looks the same;
 * - the message ends at its first dot that stands alone, and nowhere else;
 * - what comes out has one sort of line end, and the size that is told; sent again it stays itself.
 */
#include <assert.h>

#include "../../session/content.h"
#include "../../session/header.h"

enum { MESSAGE_MAX = 64 * 1024, ENCODED_MAX = 4 * MESSAGE_MAX };

/* A message that was decoded. */
struct message {
    struct content content;
    struct header header;
    size_t used; /* octets of the input */
    size_t length;
    char octets[MESSAGE_MAX];
};

static struct message whole, in_pieces, again;
static const struct mailbox recipient = {.octets = "a@b", .length = 3, .local_length = 1};

static struct content content_of(struct span letters)
{
    struct content content;
    bool crlf = span_find(letters, 'c') < letters.length;
    bool lenient = span_find(letters, 'n') < letters.length;
    enum encoding encoding = span_find(letters, 'b') < letters.length   ? ENCODING_BINARY
                             : span_find(letters, 'p') < letters.length ? ENCODING_PLAIN
                                                                        : ENCODING_DOTTED;
    content_begin(&content, encoding, lenient ? NEWLINES_LENIENT : NEWLINES_STRICT,
                  crlf ? LINE_ENDING_CRLF : LINE_ENDING_LF);
    return content;
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
        header_look(&message->header, (struct span){start, length});
        message->length += length;
        message->used += before - piece.length;
    }
    return !content_ended(&message->content);
}

/* Decodes `input` in pieces of up to `most` octets, with as little room for each. */
static void decode(struct message *message, const struct content *content, struct span input,
                   size_t most)
{
    unsigned random = (unsigned)input.length;
    message->content = *content;
    message->used = message->length = 0;
    header_begin(&message->header, &recipient);
    bool goes_on = true;
    while (goes_on && input.length > 0) {
        random = random * 1103515245 + 12345;
        size_t length = 1 + (random >> 16) % most;
        length = length < input.length ? length : input.length;
        goes_on = decode_piece(message, span_first(input, length), 2 + (random >> 8) % most);
        input = span_after(input, length);
    }
    if (goes_on)
        content_finish(&message->content);
}

static void check_same(const struct message *a, const struct message *b)
{
    assert(a->used == b->used && a->length == b->length);
    assert(memcmp(a->octets, b->octets, a->length) == 0);
    assert(a->content.size == b->content.size);
    assert(a->content.broken_form == b->content.broken_form);
    assert(a->content.false_end == b->content.false_end);
    assert(content_ended(&a->content) == content_ended(&b->content));
    assert(a->header.over == b->header.over && a->header.received == b->header.received);
    assert(header_shows_loop(&a->header) == header_shows_loop(&b->header));
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
    assert(again.content.broken_form == NULL && again.used == length);
    assert(content_ended(&again.content) == (content.encoding == ENCODING_DOTTED));
    assert(again.length == whole.length && again.content.size == whole.content.size);
    assert(memcmp(again.octets, whole.octets, whole.length) == 0);
}

/* What the header must have shown, by the whole of what came out. */
static void check_header(const struct message *message)
{
    struct span rest = {message->octets, message->length};
    unsigned received = 0;
    bool over = false;
    while (!over && span_find(rest, '\n') < rest.length) {
        struct span line = span_first(rest, span_find(rest, '\n'));
        struct span kept = line;
        if (kept.length > sizeof message->header.line)
            kept.length = sizeof message->header.line;
        over = span_trim(kept).length == 0;
        received += line.length >= 9 && strncasecmp(line.octets, "Received:", 9) == 0 ? 1 : 0;
        rest = span_after(rest, line.length + 1);
    }
    assert(message->header.over == over && message->header.received == received);
    assert(received < HEADER_RECEIVED_LOOP || header_shows_loop(&message->header));
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
    decode(&whole, &content, input, MESSAGE_MAX / 4);
    decode(&in_pieces, &content, input, 1);
    check_same(&whole, &in_pieces);
    decode(&in_pieces, &content, input, 7);
    check_same(&whole, &in_pieces);
    check_end(&whole, input);
    check_header(&whole);
    if (content.encoding == ENCODING_BINARY) {
        assert(whole.content.broken_form == NULL && whole.content.size == input.length);
        assert(memcmp(whole.octets, input.octets, input.length) == 0);
    } else if (whole.content.broken_form == NULL) {
        assert(whole.content.false_end == NULL && whole.content.size == check_lines(&whole));
        check_again(letters);
    }
    return 0;
}
