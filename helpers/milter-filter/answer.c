#include "helpers/milter-filter/answer.h"

bool answer_parse_agreement(const struct packet *packet, struct agreement *agreement)
{
    struct span data = packet->data;
    uint32_t version, actions, stage;
    memset(agreement, 0, sizeof *agreement);
    if (packet->command != 'O' || !packet_take_number(&data, &version) ||
        !packet_take_number(&data, &actions) || !packet_take_number(&data, &agreement->protocol))
        return false;
    if (version < PROTOCOL_VERSION_MIN || version > PROTOCOL_VERSION ||
        (actions & ~(uint32_t)ACTIONS_ALL) != 0 ||
        (agreement->protocol & ~(uint32_t)PROTOCOL_ALL) != 0)
        return false;
    while (data.length > 0) {
        struct span names;
        if (!packet_take_number(&data, &stage) || stage >= MACRO_STAGES ||
            !packet_take_string(&data, &names))
            return false;
        agreement->is_asked[stage] = true;
        agreement->asked[stage] = names;
    }
    return true;
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
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].command != packet->command)
            continue;
        answer->kind = rows[i].kind;
        return parse_data(packet->data, rows[i].shape, answer);
    }
    return false;
}

/* Adds the line, in which libmilter doubles "%", with single ones. */
static void undouble(struct span line, struct text *text)
{
    for (size_t i = 0; i < line.length; i++) {
        text_add(text, (struct span){line.octets + i, 1});
        if (line.octets[i] == '%' && i + 1 < line.length && line.octets[i + 1] == '%')
            i++;
    }
}

bool answer_parse_reply(struct span lines, struct reply *reply)
{
    char octets[REPLY_LINE_MAX];
    memset(reply, 0, sizeof *reply);
    lines = span_trim(span_first(lines, span_find(lines, '\0')));
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
