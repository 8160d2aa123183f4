#include "session/content.h"

/* What a laxer server could take for the end of the message; the longer first. */
static const struct smuggled_end {
    struct span octets;
    const char *name;
} smuggled_ends[] = {
    {{"\n\n.\r\n", 5}, "LF LF.CRLF"}, {{"\r\n.\n", 4}, "CRLF.LF"}, {{"\r\n.\r", 4}, "CRLF.CR"},
    {{"\n.\r\n", 4}, "LF.CRLF"},      {{"\r.\r\n", 4}, "CR.CRLF"}, {{"\n.\n", 3}, "LF.LF"},
    {{"\n.\r", 3}, "LF.CR"},          {{"\r.\n", 3}, "CR.LF"},     {{"\r.\r", 3}, "CR.CR"},
};

enum { SMUGGLED_ENDS = sizeof smuggled_ends / sizeof *smuggled_ends };

/*@ requires index < SMUGGLED_ENDS;
    assigns \nothing;
    ensures readable(\result.octets) && 0 < \result.octets.length < CONTENT_TAIL;
    ensures \valid_read(\result.name); */
static struct smuggled_end smuggled_end_at(size_t index)
{
    return smuggled_ends[index];
}

void content_begin(struct content *content, enum encoding encoding, enum newlines newlines,
                   enum line_ending line_ending)
{
    content->state = CONTENT_LINE_START;
    content->encoding = encoding;
    content->newlines = newlines;
    content->line_ending = line_ending;
    content->size = content->bare_lf_count = 0;
    content->bad_line_end = content->smuggled_end = NULL;
}

bool content_ended(const struct content *content)
{
    return content->state == CONTENT_ENDED;
}

/*@ requires \valid(content) && \valid(output) && writable(*output) && output->length >= 2;
    requires \separated(content, output, output->octets + (0 .. output->length - 1));
    assigns content->size, *output, output->octets[0 .. output->length - 1];
    ensures moved_on(*output, \old(*output)); */
static void put_line_end(struct content *content, struct room *output)
{
    content->size += 2;
    if (content->line_ending == LINE_ENDING_CRLF)
        room_put(output, (struct span){"\r\n", 2});
    else
        room_put(output, (struct span){"\n", 1});
}

/*
 * What a dot, a CR and a line end lead to; and the octets of the state, which follow those in the
 * tail if that goes on.
 */
static const struct state {
    enum content_state dot, cr, line_end;
    bool tail_goes_on;
    struct span octets;
} states[] = {
    [CONTENT_LINE_START] =
        {CONTENT_AFTER_DOT, CONTENT_AFTER_CR, CONTENT_LINE_START, false, {"\r\n", 2}},
    [CONTENT_AFTER_DOT] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_DOT_CR, CONTENT_ENDED, false, {"\r\n.", 3}},
    [CONTENT_AFTER_DOT_CR] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_CR, CONTENT_ENDED, false, {"\r\n.\r", 4}},
    [CONTENT_WITHIN_LINE] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_CR, CONTENT_LINE_START, false, {"", 0}},
    [CONTENT_AFTER_CR] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_CR, CONTENT_LINE_START, false, {"\r", 1}},
    [CONTENT_AFTER_LF] =
        {CONTENT_AFTER_LF_DOT, CONTENT_AFTER_CR, CONTENT_LINE_START, true, {"", 0}},
    [CONTENT_AFTER_LF_DOT] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_LF_DOT_CR, CONTENT_LINE_START, true, {".", 1}},
    [CONTENT_AFTER_LF_DOT_CR] =
        {CONTENT_WITHIN_LINE, CONTENT_AFTER_CR, CONTENT_LINE_START, true, {".\r", 2}},
};

/*@ requires state < CONTENT_ENDED;
    assigns \nothing;
    ensures readable(\result.octets) && \result.dot <= CONTENT_ENDED;
    ensures \result.cr <= CONTENT_ENDED && \result.cr != CONTENT_WITHIN_LINE;
    ensures \result.line_end <= CONTENT_ENDED && \result.line_end != CONTENT_WITHIN_LINE; */
static struct state state_at(enum content_state state)
{
    return states[state];
}

/*@ requires \valid_read(content); assigns \nothing; */
static bool is_after_cr(const struct content *content)
{
    enum content_state state = content->state;
    return state == CONTENT_AFTER_CR || state == CONTENT_AFTER_DOT_CR ||
           state == CONTENT_AFTER_LF_DOT_CR;
}

/* Whether an LF would be a bare one, and not as good as CR LF. */
/*@ requires \valid_read(content); assigns \nothing; */
static bool is_lf_bare(const struct content *content)
{
    return content->newlines != NEWLINES_LENIENT && !is_after_cr(content);
}

/* The state that one octet leads to. */
/*@ requires \valid_read(content) && content->state < CONTENT_ENDED;
    assigns \nothing;
    ensures \result <= CONTENT_ENDED;
    ensures \result == CONTENT_WITHIN_LINE ==> octet != '\r' && octet != '\n'; */
static enum content_state next_state(const struct content *content, char octet)
{
    if (octet == '\n')
        return is_lf_bare(content) ? CONTENT_AFTER_LF : state_at(content->state).line_end;
    if (octet == '.' && content->encoding == ENCODING_DOTTED)
        return state_at(content->state).dot;
    return octet == '\r' ? state_at(content->state).cr : CONTENT_WITHIN_LINE;
}

/*@ requires \valid(content); assigns content->tail[0 .. CONTENT_TAIL - 1]; */
static void remember(struct content *content, char octet)
{
    memmove(content->tail, content->tail + 1, CONTENT_TAIL - 1);
    content->tail[CONTENT_TAIL - 1] = octet;
}

/* Brings the tail up to the state. */
/*@ requires \valid(content) && content->state < CONTENT_ENDED;
    assigns content->tail[0 .. CONTENT_TAIL - 1]; */
static void remember_state(struct content *content)
{
    const struct state state = state_at(content->state);
    if (!state.tail_goes_on)
        memset(content->tail, 0, sizeof content->tail);
    /*@ loop invariant 0 <= i <= state.octets.length;
        loop assigns i, content->tail[0 .. CONTENT_TAIL - 1];
        loop variant state.octets.length - i; */
    for (size_t i = 0; i < state.octets.length; i++)
        remember(content, state.octets.octets[i]);
}

/* A sequence that ends in CR matches only when the next octet is not LF. */
/*@ requires readable_octets(tail, CONTENT_TAIL);
    requires readable(sequence) && 0 < sequence.length < CONTENT_TAIL;
    assigns \nothing; */
static bool tail_ends_with(const char *tail, struct span sequence)
{
    const char *end = tail + CONTENT_TAIL;
    if (sequence.octets[sequence.length - 1] == '\r' && *--end == '\n')
        return false;
    return memcmp(end - sequence.length, sequence.octets, sequence.length) == 0;
}

/*@ requires content_ok(content); assigns content->smuggled_end;
    ensures content_ok(content); */
static void name_smuggled_end(struct content *content)
{
    /*@ loop invariant 0 <= i <= SMUGGLED_ENDS;
        loop assigns i; loop variant SMUGGLED_ENDS - i; */
    for (size_t i = 0; i < SMUGGLED_ENDS; i++) {
        struct smuggled_end end = smuggled_end_at(i);
        if (tail_ends_with(content->tail, end.octets)) {
            content->smuggled_end = end.name;
            return;
        }
    }
}

/* From a bad line end on octets are discarded one by one, in search of a smuggled end. */
/*@ requires content_ok(content) && parsable(input) && \separated(content, input);
    assigns content->state, content->smuggled_end, content->tail[0 .. CONTENT_TAIL - 1], *input;
    ensures content_ok(content) && parsable(input) && rest_of(*input, \old(*input)); */
static void discard_rest(struct content *content, struct span *input)
{
    size_t used = 0;
    /*@ loop invariant 0 <= used <= input->length && content_ok(content);
        loop assigns used, content->state, content->smuggled_end,
            content->tail[0 .. CONTENT_TAIL - 1]; loop variant input->length - used; */
    while (used < input->length && content->state != CONTENT_ENDED) {
        char octet = input->octets[used++];
        bool after_cr = content->tail[CONTENT_TAIL - 1] == '\r';
        content->state = next_state(content, octet);
        remember(content, octet);
        bool may_look_like_end = octet == '\n' || after_cr;
        if (may_look_like_end && content->state != CONTENT_ENDED && content->smuggled_end == NULL)
            name_smuggled_end(content);
    }
    *input = span_after(*input, used);
}

/* The bad line end that `octet` completes; or NULL. */
/*@ requires \valid_read(content);
    assigns \nothing;
    ensures \result == \null || \valid_read(\result); */
static const char *find_bad_line_end(const struct content *content, char octet)
{
    bool after_lf_dot =
        content->state == CONTENT_AFTER_LF_DOT || content->state == CONTENT_AFTER_LF_DOT_CR;
    bool after_dot = after_lf_dot || content->state == CONTENT_AFTER_DOT;
    if (octet != '\n')
        return is_after_cr(content) ? "bare CR" : NULL;
    bool is_bad =
        is_lf_bare(content) ? content->newlines == NEWLINES_STRICT || after_dot : after_lf_dot;
    return is_bad ? "bare LF" : NULL;
}

void content_finish(struct content *content)
{
    if (content->state == CONTENT_AFTER_CR && content->bad_line_end == NULL)
        content->bad_line_end = "bare CR";
}

/*@ predicate decodable(struct content *content, struct span *input, struct room *output) =
        content_ok(content) && parsable(input) && \valid(output) && writable(*output) &&
        \separated(content, input, output, output->octets + (0 .. output->length - 1)) &&
        \separated(input->octets + (0 .. input->length - 1),
                   output->octets + (0 .. output->length - 1));
    predicate at_text(struct span *input, struct room *output) =
        input->length > 0 && output->length > 0 &&
        input->octets[0] != '\r' && input->octets[0] != '\n'; */
/*@ requires decodable(content, input, output);
    assigns content->size, *input, *output, output->octets[0 .. output->length - 1];
    ensures decodable(content, input, output);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output)); */
static void decode_binary(struct content *content, struct span *input, struct room *output)
{
    size_t length = input->length < output->length ? input->length : output->length;
    room_put(output, span_first(*input, length));
    content->size += length;
    *input = span_after(*input, length);
}

enum { WORD = 8 }; /* octets */

/* A word of octets, the first in its lowest bits. Compilers make one load of it. */
/*@ requires readable_octets(octets, WORD); assigns \nothing; */
static uint64_t word_at(const char *octets)
{
    return (uint64_t)(unsigned char)octets[0] | (uint64_t)(unsigned char)octets[1] << 8 |
           (uint64_t)(unsigned char)octets[2] << 16 | (uint64_t)(unsigned char)octets[3] << 24 |
           (uint64_t)(unsigned char)octets[4] << 32 | (uint64_t)(unsigned char)octets[5] << 40 |
           (uint64_t)(unsigned char)octets[6] << 48 | (uint64_t)(unsigned char)octets[7] << 56;
}

/*
 * Copies octets, eight at a time, up to the first below 16, such as CR and LF; stops up to seven
 * octets early. Bytes past the result are scratch, within `max`.
 */
/*@ requires writable_octets(to, max) && readable_octets(from, max);
    requires \separated(to + (0 .. max - 1), from + (0 .. max - 1));
    assigns to[0 .. max - 1];
    ensures \result <= max; */
static size_t copy_words(char *to, const char *from, size_t max)
{
    const uint64_t ones = UINT64_MAX / 255; /* in each octet 1 */
    const size_t end = max - max % WORD;
    /*@ loop invariant 0 <= length <= end && length % WORD == 0;
        loop assigns length, to[0 .. max - 1];
        loop variant end - length; */
    for (size_t length = 0; length < end; length += WORD) {
        uint64_t word = word_at(from + length);
        memcpy(to + length, from + length, WORD);
        /* No borrow comes to the first octet below. */
        uint64_t below = (word - ones * 16) & ~word & ones * 128;
        if (below != 0)
            return length + (size_t)__builtin_ctzll(below) / 8;
    }
    return end;
}

/* Copies the octets up to the next CR or LF. */
/*@ requires writable_octets(to, max) && readable_octets(from, max);
    requires \separated(to + (0 .. max - 1), from + (0 .. max - 1));
    assigns to[0 .. max - 1];
    ensures \result <= max;
    ensures \result == 0 && max > 0 ==> from[0] == '\r' || from[0] == '\n'; */
static size_t copy_text(char *to, const char *from, size_t max)
{
    size_t length = copy_words(to, from, max);
    /*@ loop invariant 0 <= length <= max;
        loop assigns length, to[0 .. max - 1];
        loop variant max - length; */
    while (length < max && from[length] != '\r' && from[length] != '\n') {
        to[length] = from[length];
        length++;
        length += copy_words(to + length, from + length, max - length);
    }
    return length;
}

/* Decodes text up to the next CR or LF, as far as there is room. */
/*@ requires decodable(content, input, output);
    assigns content->size, *input, *output, output->octets[0 .. output->length - 1];
    ensures decodable(content, input, output);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output));
    ensures \old(at_text(input, output)) ==> input->length < \old(input->length); */
static void decode_line(struct content *content, struct span *input, struct room *output)
{
    size_t max = input->length < output->length ? input->length : output->length;
    size_t length = copy_text(output->octets, input->octets, max);
    *output = (struct room){output->octets + length, output->length - length};
    *input = span_after(*input, length);
    content->size += length;
}

/* A line end in front of text, which no state has anything to do with; false for anything else. */
/*@ requires decodable(content, input, output);
    assigns content->size, *input, *output, output->octets[0 .. output->length - 1];
    ensures decodable(content, input, output);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output));
    ensures \result ==> input->length < \old(input->length); */
static bool decode_inner_line_end(struct content *content, struct span *input, struct room *output)
{
    const char *from = input->octets;
    if (input->length < 3 || output->length < 2 || from[0] != '\r' || from[1] != '\n' ||
        from[2] == '.' || from[2] == '\n')
        return false;
    put_line_end(content, output);
    *input = span_after(*input, 2);
    return true;
}

/*@ requires decodable(content, input, output) && at_text(input, output);
    assigns content->size, content->state, *input, *output,
        output->octets[0 .. output->length - 1];
    ensures decodable(content, input, output);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output));
    ensures input->length < \old(input->length); */
static void decode_text(struct content *content, struct span *input, struct room *output)
{
    /*@ loop invariant decodable(content, input, output);
        loop invariant rest_of(*input, \at(*input, Pre)) && moved_on(*output, \at(*output, Pre));
        loop invariant at_text(input, output) || input->length < \at(input->length, Pre);
        loop assigns content->size, *input, *output,
            \at(output->octets, Pre)[0 .. \at(output->length, Pre) - 1];
        loop variant input->length; */
    do {
        decode_line(content, input, output);
    } while (decode_inner_line_end(content, input, output));
    content->state = CONTENT_WITHIN_LINE;
}

/*@ requires \valid(content) && content->state < CONTENT_ENDED;
    assigns content->bare_lf_count, content->tail[0 .. CONTENT_TAIL - 1]; */
static void count_bare_lf(struct content *content)
{
    content->bare_lf_count++;
    remember_state(content);
    remember(content, '\n');
}

/* An octet that ends a line, may end one, or begins one with a dot. */
/*@ requires decodable(content, input, output) && input->length > 0 && output->length >= 2;
    requires content->state < CONTENT_ENDED && next <= CONTENT_ENDED;
    assigns content->state, content->size, content->bare_lf_count, *input, *output,
        content->tail[0 .. CONTENT_TAIL - 1], output->octets[0 .. output->length - 1];
    ensures decodable(content, input, output);
    ensures rest_of(*input, \old(*input)) && moved_on(*output, \old(*output));
    ensures input->length < \old(input->length); */
static void decode_mark(struct content *content, enum content_state next, struct span *input,
                        struct room *output)
{
    if (next == CONTENT_LINE_START || next == CONTENT_AFTER_LF)
        put_line_end(content, output);
    if (next == CONTENT_AFTER_LF)
        count_bare_lf(content);
    content->state = next;
    *input = span_after(*input, 1);
}

void content_decode(struct content *content, struct span *input, struct room *output)
{
    if (content->encoding == ENCODING_BINARY) {
        decode_binary(content, input, output);
        return;
    }
    /*@ loop invariant decodable(content, input, output);
        loop invariant rest_of(*input, \at(*input, Pre)) && moved_on(*output, \at(*output, Pre));
        loop assigns content->state, content->size, content->bare_lf_count, content->bad_line_end,
            content->smuggled_end, content->tail[0 .. CONTENT_TAIL - 1], *input, *output,
            \at(output->octets, Pre)[0 .. \at(output->length, Pre) - 1];
        loop variant input->length; */
    while (input->length > 0 && output->length >= 2 && content->state != CONTENT_ENDED) {
        char octet = input->octets[0];
        const char *wrong =
            content->bad_line_end == NULL ? find_bad_line_end(content, octet) : NULL;
        if (wrong != NULL) {
            content->bad_line_end = wrong;
            remember_state(content);
        }
        if (content->bad_line_end != NULL) {
            discard_rest(content, input);
            return;
        }
        enum content_state next = next_state(content, octet);
        if (next == CONTENT_WITHIN_LINE)
            decode_text(content, input, output);
        else
            decode_mark(content, next, input, output);
    }
}
