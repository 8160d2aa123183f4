#include "helpers/milter-filter/take.h"

enum stage take_awaited(const struct visit *visit)
{
    unsigned stage = 0;
    while (stage < STAGES && visit->unanswered[stage] == 0)
        stage++;
    return (enum stage)stage;
}

static void fail(struct visit *visit, enum outcome outcome, const char *what)
{
    (void)server_complain(&visit->server, what); /* the outcome tells */
    visit->outcome = outcome;
}

static void take_agreement(struct visit *visit, const struct packet *packet)
{
    struct packet kept = *packet;
    if (kept.data.length <= sizeof visit->asked) {
        memcpy(visit->asked, kept.data.octets, kept.data.length);
        kept.data.octets = visit->asked;
    } else
        kept.command = 0; /* no milter names so many macros */
    visit->unanswered[STAGE_OFFER] = 0;
    if (!answer_parse_agreement(&kept, &visit->agreement))
        fail(visit, OUTCOME_DOWN, "the milter does not agree on the protocol");
}

static void quarantine(struct visit *visit, struct span reason)
{
    struct text text = {.octets = visit->reason, .size = ENVELOPE_REASON_MAX};
    text_add_printable(&text, span_trim(span_first(reason, span_find(reason, '\0'))));
    visit->reason[text.length] = '\0';
    visit->is_quarantined = true;
}

/* Does the edit; false if that cannot be done. */
static bool edit(struct visit *visit, const struct answer *answer)
{
    struct fields *fields = &visit->message.fields;
    bool is_verbatim = (visit->agreement.protocol & PROTOCOL_LEADING_SPACE) != 0;
    const struct field_made made = {answer->name, answer->value, is_verbatim};
    bool has_parameters = answer->value.length > 0;
    switch (answer->kind) {
    case ANSWER_APPEND:
        return fields_append(fields, &made);
    case ANSWER_INSERT:
        return fields_insert(fields, answer->index, &made);
    case ANSWER_CHANGE:
        return fields_change(fields, answer->index, &made);
    case ANSWER_BODY:
        if (!message_add_body(&visit->message, answer->name))
            visit->outcome = OUTCOME_TROUBLE; /* which has been said */
        return true;
    case ANSWER_SENDER:
        return !has_parameters && envelope_set_sender(&visit->edits, answer->name);
    case ANSWER_ADD_RECIPIENT:
        return !has_parameters && envelope_add_recipient(&visit->edits, answer->name);
    case ANSWER_DELETE_RECIPIENT:
        return envelope_delete_recipient(&visit->edits, answer->name);
    case ANSWER_QUARANTINE:
        quarantine(visit, answer->name);
        return true;
    default:
        return false;
    }
}

static void refuse(struct visit *visit, struct span lines)
{
    visit->outcome = OUTCOME_REFUSED;
    if (!answer_parse_reply(lines, &visit->reply))
        fail(visit, OUTCOME_DOWN, "the milter sent no reply of SMTP");
}

/* A command of the stage is answered, without a verdict. */
static void settle(struct visit *visit, enum stage stage)
{
    visit->unanswered[stage]--;
    if (stage == STAGE_END)
        visit->outcome = OUTCOME_ACCEPTED;
}

static void decide(struct visit *visit, enum stage stage, const struct answer *answer)
{
    switch (answer->kind) {
    case ANSWER_ACCEPT:
        visit->outcome = OUTCOME_ACCEPTED;
        break;
    case ANSWER_REJECT:
        refuse(visit, span_of("550 5.7.1 Message refused"));
        break;
    case ANSWER_DEFER:
    case ANSWER_CLOSE:
        refuse(visit, span_of("451 4.7.1 Try again later"));
        break;
    case ANSWER_REPLY:
        refuse(visit, answer->name);
        break;
    case ANSWER_DISCARD:
        if (stage > STAGE_HELO) /* there is no message to discard before, as Postfix says */
            visit->outcome = OUTCOME_DISCARDED;
        else
            settle(visit, stage);
        break;
    case ANSWER_SKIP:
        visit->is_sated = visit->is_sated || stage == STAGE_BODY;
        settle(visit, stage);
        break;
    default:
        settle(visit, stage);
        break;
    }
}

void take_answer(struct visit *visit, const struct packet *packet)
{
    enum stage stage = take_awaited(visit);
    struct answer answer;
    if (stage == STAGE_OFFER)
        take_agreement(visit, packet);
    else if (!answer_parse(packet, &answer))
        fail(visit, OUTCOME_DOWN, "the milter sent no answer of the protocol");
    else if (answer.kind == ANSWER_PROGRESS)
        return;
    else if (stage == STAGES || (answer.kind >= ANSWER_QUARANTINE && stage != STAGE_END))
        fail(visit, OUTCOME_DOWN, "the milter answers what was not said");
    else if (answer.kind < ANSWER_QUARANTINE)
        decide(visit, stage, &answer);
    else if (!edit(visit, &answer))
        fail(visit, OUTCOME_TROUBLE, "the milter asks for a change that cannot be made");
}
