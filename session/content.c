#include "content.h"

#include <assert.h>
#include <endian.h>

struct form {
    const char *octets;
    const char *name;
};

/* What a laxer server could take for the end of the message; the more particular form first. */
static const struct form false_ends[] = {
    {"\n\n.\r\n", "LF LF.CRLF"}, {"\r\n.\n", "CRLF.LF"}, {"\r\n.\r", "CRLF.CR"},
    {"\n.\r\n", "LF.CRLF"},      {"\r.\r\n", "CR.CRLF"}, {"\n.\n", "LF.LF"},
    {"\n.\r", "LF.CR"},          {"\r.\n", "CR.LF"},     {"\r.\r", "CR.CR"},
};

void content_begin(struct content *content, enum encoding encoding, enum newlines newlines,
                   enum line_ending line_ending)
{
    content->state = CONTENT_LINE_START;
    content->encoding = encoding;
    content->newlines = newlines;
    content->line_ending = line_ending;
    content->size = 0;
    content->broken_form = content->false_end = NULL;
}

bool content_ended(const struct content *content)
{
    return content->state == CONTENT_ENDED;
}

static void put(struct room *output, const char *octets, size_t length)
{
    assert(length <= output->length);
    memcpy(output->octets, octets, length);
    output->octets += length;
    output->length -= length;
}

static void put_line_end(struct content *content, struct room *output)
{
    content->size += 2;
    if (content->line_ending == LINE_ENDING_CRLF)
        put(output, "\r\n", 2);
    else
        put(output, "\n", 1);
}

/* Where one octet leads. */
static enum content_state next_state(const struct content *content, char octet)
{
    enum content_state state = content->state;
    enum newlines newlines = content->newlines;
    bool ends_line = octet == '\n' && (newlines == NEWLINES_LENIENT || state == CONTENT_AFTER_CR ||
                                       state == CONTENT_AFTER_DOT_CR);
    if (ends_line)
        return state == CONTENT_AFTER_DOT || state == CONTENT_AFTER_DOT_CR ? CONTENT_ENDED
                                                                           : CONTENT_LINE_START;
    if (octet == '.' && state == CONTENT_LINE_START && content->encoding == ENCODING_DOTTED)
        return CONTENT_AFTER_DOT;
    if (octet == '\r')
        return state == CONTENT_AFTER_DOT ? CONTENT_AFTER_DOT_CR : CONTENT_AFTER_CR;
    return CONTENT_WITHIN_LINE;
}

static void remember(struct content *content, char octet)
{
    memmove(content->tail, content->tail + 1, CONTENT_TAIL - 1);
    content->tail[CONTENT_TAIL - 1] = octet;
}

/* A form that ends in CR is certain once an octet other than LF has come behind it. */
static bool stands_at_end(const char *tail, const char *form)
{
    size_t length = strlen(form);
    const char *end = tail + CONTENT_TAIL;
    if (form[length - 1] == '\r' && *--end == '\n')
        return false;
    return memcmp(end - length, form, length) == 0;
}

static void name_false_end(struct content *content)
{
    for (size_t i = 0; i < sizeof false_ends / sizeof *false_ends; i++) {
        if (stands_at_end(content->tail, false_ends[i].octets)) {
            content->false_end = false_ends[i].name;
            return;
        }
    }
}

/* A line end turned out wrong: from here on octets are only looked at, one by one. */
static void spoil(struct content *content, const char *form)
{
    static const char *const leading[] = {
        [CONTENT_LINE_START] = "\r\n",      [CONTENT_AFTER_DOT] = "\r\n.",
        [CONTENT_AFTER_DOT_CR] = "\r\n.\r", [CONTENT_WITHIN_LINE] = "",
        [CONTENT_AFTER_CR] = "\r",
    };
    content->broken_form = form;
    memset(content->tail, 0, sizeof content->tail);
    for (const char *c = leading[content->state]; *c != '\0'; c++)
        remember(content, *c);
}

static void read_away(struct content *content, struct span *input)
{
    size_t used = 0;
    while (used < input->length && content->state != CONTENT_ENDED) {
        char octet = input->octets[used++];
        bool after_cr = content->tail[CONTENT_TAIL - 1] == '\r';
        content->state = next_state(content, octet);
        remember(content, octet);
        bool may_look_like_end = octet == '\n' || after_cr;
        if (may_look_like_end && content->state != CONTENT_ENDED && content->false_end == NULL)
            name_false_end(content);
    }
    *input = span_after(*input, used);
}

/* The wrong line end that `octet` makes of what came before it; NULL where nothing is wrong. */
static const char *wrong_line_end(const struct content *content, char octet)
{
    bool after_cr = content->state == CONTENT_AFTER_CR || content->state == CONTENT_AFTER_DOT_CR;
    if (after_cr && octet != '\n')
        return "bare CR";
    if (octet == '\n' && !after_cr && content->newlines == NEWLINES_STRICT)
        return "bare LF";
    return NULL;
}

void content_finish(struct content *content)
{
    if (content->state == CONTENT_AFTER_CR && content->broken_form == NULL)
        content->broken_form = "bare CR";
}

static void take_binary(struct content *content, struct span *input, struct room *output)
{
    size_t length = input->length < output->length ? input->length : output->length;
    put(output, input->octets, length);
    content->size += length;
    *input = span_after(*input, length);
}

/*
 * Copies octets, eight at a time, up to the first below 16, of which CR and LF are two; or up to
 * the last seven. What is written behind those means nothing, and is within `most`.
 */
static size_t copy_words(char *to, const char *from, size_t most)
{
    const uint64_t ones = UINT64_MAX / 255; /* in each octet 1 */
    size_t length = 0;
    for (; most - length >= sizeof ones; length += sizeof ones) {
        uint64_t word;
        memcpy(&word, from + length, sizeof word);
        memcpy(to + length, &word, sizeof word);
        word =
            le64toh(word); /* the first octet is the lowest: no borrow comes to the first below */
        uint64_t below = (word - ones * 16) & ~word & ones * 128;
        if (below != 0)
            return length + (size_t)__builtin_ctzll(below) / 8;
    }
    return length;
}

/* Copies the octets up to the next CR or LF. */
static size_t copy_text(char *to, const char *from, size_t most)
{
    size_t length = copy_words(to, from, most);
    while (length < most && from[length] != '\r' && from[length] != '\n') {
        to[length] = from[length];
        length++;
        length += copy_words(to + length, from + length, most - length);
    }
    return length;
}

static void take_text(struct content *content, struct span *input, struct room *output)
{
    size_t most = input->length < output->length ? input->length : output->length;
    size_t length = copy_text(output->octets, input->octets, most);
    *output = (struct room){output->octets + length, output->length - length};
    *input = span_after(*input, length);
    content->size += length;
    content->state = CONTENT_WITHIN_LINE;
}

/* Takes an octet that ends a line, may do so, or begins one with a dot. */
static void take_mark(struct content *content, enum content_state next, struct span *input,
                      struct room *output)
{
    if (next == CONTENT_LINE_START)
        put_line_end(content, output);
    content->state = next;
    *input = span_after(*input, 1);
}

void content_decode(struct content *content, struct span *input, struct room *output)
{
    if (content->encoding == ENCODING_BINARY) {
        take_binary(content, input, output);
        return;
    }
    while (input->length > 0 && output->length >= 2 && content->state != CONTENT_ENDED) {
        char octet = input->octets[0];
        const char *wrong = content->broken_form == NULL ? wrong_line_end(content, octet) : NULL;
        if (wrong != NULL)
            spoil(content, wrong);
        if (content->broken_form != NULL) {
            read_away(content, input);
            return;
        }
        enum content_state next = next_state(content, octet);
        if (next == CONTENT_WITHIN_LINE)
            take_text(content, input, output);
        else
            take_mark(content, next, input, output);
    }
}
