#include "handler/verdict/policy-answer.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { FIELD_MAX = 998 /* octets of a line: RFC 5322 2.1.1 */ };

static const char action_name[] = "action=";

/* Splits a line off `*text`. */
static struct span take_line(struct span *text)
{
    struct span line = span_first(*text, span_find(*text, '\n'));
    *text = span_after(*text, line.length + (line.length < text->length ? 1 : 0));
    return line;
}

/* The value of the first action; octets are NULL if there is none. */
static struct span find_action(struct span octets)
{
    const size_t length = strlen(action_name);
    while (octets.length > 0) {
        struct span line = take_line(&octets);
        if (line.length >= length && memcmp(line.octets, action_name, length) == 0)
            return span_trim(span_after(line, length));
    }
    return (struct span){NULL, 0};
}

int policy_answer_find_end(struct span octets)
{
    const char *end = memmem(octets.octets, octets.length, "\n\n", 2);
    if (memchr(octets.octets, '\0', octets.length) != NULL ||
        (octets.length > 0 && octets.octets[0] == '\n'))
        return -EBADMSG;
    if (end == NULL)
        return 0;
    size_t length = (size_t)(end - octets.octets) + 2;
    bool has_action = find_action(span_first(octets, length)).octets != NULL;
    return has_action && length <= INT_MAX ? (int)length : -EBADMSG;
}

/* What a word of Postfix's access(5) makes of a recipient. */
static const struct {
    const char *word;
    enum verdict verdict;
    enum policy_effect effect;
} rows[] = {
    {"DUNNO", VERDICT_ACCEPTED, POLICY_EFFECT_NONE},
    {"OK", VERDICT_ACCEPTED, POLICY_EFFECT_NONE},
    {"REJECT", VERDICT_REJECTED, POLICY_EFFECT_NONE},
    {"DEFER", VERDICT_POSTPONED, POLICY_EFFECT_NONE},
    {"DEFER_IF_PERMIT", VERDICT_POSTPONED, POLICY_EFFECT_NONE},
    {"DEFER_IF_REJECT", VERDICT_ACCEPTED, POLICY_EFFECT_DEFER_IF_REFUSED},
    {"PREPEND", VERDICT_ACCEPTED, POLICY_EFFECT_PREPEND},
    {"DISCARD", VERDICT_ACCEPTED, POLICY_EFFECT_DISCARD},
    {"WARN", VERDICT_ACCEPTED, POLICY_EFFECT_LOG},
    {"INFO", VERDICT_ACCEPTED, POLICY_EFFECT_LOG},
};

/* Whether it is a reply code, 4NN or 5NN. */
static bool is_code(struct span word)
{
    uint64_t number;
    return word.length == 3 && span_number(word, &number) && number >= 400 && number < 600;
}

static bool begins_with(struct span word, const char *beginning)
{
    size_t length = strlen(beginning);
    return word.length >= length && span_equal(span_first(word, length), span_of(beginning));
}

/* Fills in what the first word means; a name that begins with PERMIT and a number accept. */
static void find_meaning(struct span word, struct policy_answer *answer)
{
    uint64_t number;
    answer->effect = POLICY_EFFECT_NONE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (span_equal(word, span_of(rows[i].word))) {
            answer->verdict = rows[i].verdict;
            answer->effect = rows[i].effect;
            return;
        }
    }
    if (is_code(word))
        answer->verdict = word.octets[0] == '5' ? VERDICT_REJECTED : VERDICT_POSTPONED;
    else if (word.length == 0 || span_number(word, &number) || begins_with(word, "PERMIT"))
        answer->verdict = VERDICT_ACCEPTED;
    else
        answer->verdict = VERDICT_MISCONFIGURED;
}

void policy_answer_parse(struct span octets, struct policy_answer *answer)
{
    struct span action = find_action(octets);
    size_t end = 0;
    while (end < action.length && !span_is_blank(action.octets[end]))
        end++;
    find_meaning(span_first(action, end), answer);
    answer->action = action;
    answer->text = span_trim(span_after(action, end));
    bool has_text = answer->verdict == VERDICT_REJECTED || answer->verdict == VERDICT_POSTPONED ||
                    answer->effect != POLICY_EFFECT_NONE;
    if (answer->effect == POLICY_EFFECT_PREPEND &&
        (answer->text.length == 0 || answer->text.length > FIELD_MAX))
        *answer =
            (struct policy_answer){VERDICT_MISCONFIGURED, POLICY_EFFECT_NONE, action, span_empty()};
    else if (!has_text)
        answer->text = span_empty();
}
