#include "helpers/milter-filter/answer.h"

/* Takes the version, and the bits of actions and protocol, none of which was not offered. */
/*@ requires \valid(data) && readable(*data) && \valid(protocol) && \separated(protocol, data);
    assigns *data, *protocol;
    ensures rest_of(*data, \old(*data)); */
static bool take_bits(struct span *data, uint32_t *protocol)
{
    uint32_t version, actions;
    return packet_take_number(data, &version) && packet_take_number(data, &actions) &&
           packet_take_number(data, protocol) && version >= PROTOCOL_VERSION_MIN &&
           version <= PROTOCOL_VERSION && (actions & ~(uint32_t)ACTIONS_ALL) == 0 &&
           (*protocol & ~(uint32_t)PROTOCOL_ALL) == 0;
}

/* Takes the names of the macros that are asked for at a stage. */
/*@ requires \valid(data) && readable(*data) && \valid(agreement) && agreement_ok(agreement);
    requires \separated(agreement, data);
    assigns *data, agreement->is_asked[0 .. MACRO_STAGES - 1];
    assigns agreement->asked[0 .. MACRO_STAGES - 1];
    ensures rest_of(*data, \old(*data)) && agreement_ok(agreement);
    ensures \result ==> data->length < \old(data->length); */
static bool take_names(struct span *data, struct agreement *agreement)
{
    uint32_t stage;
    struct span names;
    if (!packet_take_number(data, &stage) || stage >= MACRO_STAGES ||
        !packet_take_string(data, &names))
        return false;
    agreement->is_asked[stage] = true;
    agreement->asked[stage] = names;
    return true;
}

/*@ requires readable(data) && \valid(agreement) && agreement_ok(agreement);
    assigns *agreement;
    ensures agreement_ok(agreement); */
static bool parse_agreement(struct span data, struct agreement *agreement)
{
    if (!take_bits(&data, &agreement->protocol))
        return false;
    /*@ loop invariant readable(data) && rest_of(data, \at(data, Pre)) && agreement_ok(agreement);
        loop assigns data, agreement->is_asked[0 .. MACRO_STAGES - 1];
        loop assigns agreement->asked[0 .. MACRO_STAGES - 1];
        loop variant data.length; */
    while (data.length > 0)
        if (!take_names(&data, agreement))
            return false;
    return true;
}

bool answer_parse_agreement(const struct packet *packet, struct agreement *agreement)
{
    /*@ loop invariant 0 <= i <= MACRO_STAGES;
        loop invariant \forall integer j; 0 <= j < i ==> !agreement->is_asked[j];
        loop assigns i, agreement->is_asked[0 .. MACRO_STAGES - 1];
        loop variant MACRO_STAGES - i; */
    for (size_t i = 0; i < MACRO_STAGES; i++)
        agreement->is_asked[i] = false;
    return packet->command == 'O' && parse_agreement(packet->data, agreement);
}

/* What an answer consists of. */
enum shape { BARE, OCTETS, STRING, STRING_PERHAPS_TWO, TWO_STRINGS, INDEX_TWO_STRINGS };

static const struct {
    char command;
    enum answer_kind kind;
    enum shape shape;
} rows[] = {
    {'c', ANSWER_CONTINUE, BARE},
    {'a', ANSWER_ACCEPT, BARE},
    {'r', ANSWER_REJECT, BARE},
    {'t', ANSWER_DEFER, BARE},
    {'y', ANSWER_REPLY, OCTETS},
    {'d', ANSWER_DISCARD, BARE},
    {'s', ANSWER_SKIP, BARE},
    {'4', ANSWER_CLOSE, BARE},
    {'f', ANSWER_CLOSE, BARE},
    {'p', ANSWER_PROGRESS, BARE},
    {'q', ANSWER_QUARANTINE, OCTETS},
    {'h', ANSWER_APPEND, TWO_STRINGS},
    {'i', ANSWER_INSERT, INDEX_TWO_STRINGS},
    {'m', ANSWER_CHANGE, INDEX_TWO_STRINGS},
    {'b', ANSWER_BODY, OCTETS},
    {'e', ANSWER_SENDER, STRING_PERHAPS_TWO},
    {'+', ANSWER_ADD_RECIPIENT, STRING},
    {'2', ANSWER_ADD_RECIPIENT, STRING_PERHAPS_TWO},
    {'-', ANSWER_DELETE_RECIPIENT, STRING},
};

/*@ requires readable(data) && \valid(answer) && readable(answer->name) && readable(answer->value);
    assigns answer->index, answer->name, answer->value;
    ensures \result ==> readable(answer->name) && readable(answer->value); */
static bool parse_data(struct span data, enum shape shape, struct answer *answer)
{
    if (shape == OCTETS) {
        answer->name = data;
        return true;
    }
    if (shape == INDEX_TWO_STRINGS && !packet_take_number(&data, &answer->index))
        return false;
    if (shape != BARE && !packet_take_string(&data, &answer->name))
        return false;
    if (shape == TWO_STRINGS || shape == INDEX_TWO_STRINGS ||
        (shape == STRING_PERHAPS_TWO && data.length > 0))
        return packet_take_string(&data, &answer->value) && data.length == 0;
    return data.length == 0;
}

bool answer_parse(const struct packet *packet, struct answer *answer)
{
    *answer = (struct answer){.name = span_empty(), .value = span_empty()};
    /*@ loop invariant 0 <= i <= 19;
        loop assigns i;
        loop variant 19 - i; */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].command != packet->command)
            continue;
        answer->kind = rows[i].kind;
        return parse_data(packet->data, rows[i].shape, answer);
    }
    return false;
}

/* Adds the line, in which libmilter doubles "%", with single ones. */
/*@ requires readable(line) && text_ok(text);
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void undouble(struct span line, struct text *text)
{
    /*@ loop invariant 0 <= i <= line.length && text_ok(text);
        loop assigns i, text->length, text->octets[0 .. text->size - 1];
        loop variant line.length - i; */
    for (size_t i = 0; i < line.length; i++) {
        text_add(text, (struct span){line.octets + i, 1});
        if (line.octets[i] == '%' && i + 1 < line.length && line.octets[i + 1] == '%')
            i++;
    }
}

bool answer_parse_reply(struct span lines, struct reply *reply)
{
    char octets[REPLY_LINE_MAX];
    reply_clear(reply);
    lines = span_trim(span_first(lines, span_find(lines, '\0')));
    /*@ loop invariant rest_of(lines, \at(lines, LoopEntry)) && reply_ok(reply);
        loop assigns lines, octets[0 .. REPLY_LINE_MAX - 1], *reply;
        loop variant lines.length; */
    while (lines.length > 0) {
        size_t length = span_find(lines, '\n');
        struct text line = {.octets = octets, .size = sizeof octets};
        undouble(span_trim(span_first(lines, length)), &line);
        if (!reply_add_line(reply, line.octets, line.length))
            return false;
        lines = span_after(lines, length + (length < lines.length));
    }
    return reply->is_complete && (reply->code / 100 == 4 || reply->code / 100 == 5);
}
