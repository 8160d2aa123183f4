#include "helpers/milter-filter/take.h"

enum stage take_awaited(const struct visit *visit)
{
    unsigned stage = 0;
    /*@ loop invariant stage <= STAGES;
        loop assigns stage;
        loop variant STAGES - stage; */
    while (stage < STAGES && visit->unanswered[stage] == 0)
        stage++;
    return (enum stage)stage;
}

/*@ requires visit_ok(visit) && \valid_read(what);
    assigns visit->outcome;
    ensures visit_ok(visit); */
static void fail(struct visit *visit, enum outcome outcome, const char *what)
{
    (void)server_complain(&visit->server, what); /* the outcome tells */
    visit->outcome = outcome;
}

/*@ requires visit_ok(visit) && readable(packet.data);
    requires \separated(visit->asked + (0 .. VISIT_ASKED_MAX - 1),
        packet.data.octets + (0 .. packet.data.length - 1));
    assigns visit->asked[0 .. VISIT_ASKED_MAX - 1], visit->unanswered[STAGE_OFFER];
    assigns visit->agreement, visit->outcome;
    ensures visit_ok(visit); */
static void take_agreement(struct visit *visit, struct packet packet)
{
    if (packet.data.length <= sizeof visit->asked) {
        memcpy(visit->asked, packet.data.octets, packet.data.length);
        packet.data.octets = visit->asked;
    } else
        packet.command = 0; /* no milter names so many macros */
    visit->unanswered[STAGE_OFFER] = 0;
    if (!answer_parse_agreement(&packet, &visit->agreement))
        fail(visit, OUTCOME_DOWN, "the milter does not agree on the protocol");
}

/*@ requires visit_ok(visit) && readable(reason);
    assigns visit->reason[0 .. ENVELOPE_REASON_MAX], visit->is_quarantined;
    ensures visit_ok(visit); */
static void quarantine(struct visit *visit, struct span reason)
{
    struct text text = {.octets = visit->reason, .size = ENVELOPE_REASON_MAX};
    text_add_printable(&text, span_trim(span_first(reason, span_find(reason, '\0'))));
    visit->reason[text.length] = '\0';
    visit->is_quarantined = true;
}

/* Does the edit; false if that cannot be done. */
/*@ requires visit_ok(visit) && \valid_read(answer) && \separated(visit, answer);
    requires readable(answer->name) && readable(answer->value);
    assigns visit->message, visit->edits.length, visit->edits.lines[0 .. ENVELOPE_LINES_MAX - 1];
    assigns visit->reason[0 .. ENVELOPE_REASON_MAX], visit->is_quarantined, visit->outcome;
    ensures visit_ok(visit); */
static bool edit(struct visit *visit, const struct answer *answer)
{
    struct fields *fields = &visit->message.fields;
    bool is_verbatim = (visit->agreement.protocol & PROTOCOL_LEADING_SPACE) != 0;
    const struct field_made made = {answer->name, answer->value, is_verbatim};
    bool has_parameters = answer->value.length > 0;
    switch (answer->kind) {
    case ANSWER_APPEND:
        return fields_append(fields, made);
    case ANSWER_INSERT:
        return fields_insert(fields, answer->index, made);
    case ANSWER_CHANGE:
        return fields_change(fields, answer->index, made);
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

/*@ requires visit_ok(visit) && readable(lines);
    assigns visit->outcome, visit->reply;
    ensures visit_ok(visit); */
static void refuse(struct visit *visit, struct span lines)
{
    visit->outcome = OUTCOME_REFUSED;
    if (!answer_parse_reply(lines, &visit->reply))
        fail(visit, OUTCOME_DOWN, "the milter sent no reply of SMTP");
}

/* A command of the stage is answered, without a verdict. */
/*@ requires visit_ok(visit) && stage < STAGES;
    assigns visit->unanswered[0 .. STAGES - 1], visit->outcome;
    ensures visit_ok(visit); */
static void settle(struct visit *visit, enum stage stage)
{
    visit->unanswered[stage]--;
    if (stage == STAGE_END)
        visit->outcome = OUTCOME_ACCEPTED;
}

/*@ requires visit_ok(visit) && stage < STAGES;
    requires \valid_read(answer) && \separated(visit, answer) && readable(answer->name);
    assigns visit->unanswered[0 .. STAGES - 1], visit->outcome, visit->reply, visit->is_sated;
    ensures visit_ok(visit); */
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
        take_agreement(visit, *packet);
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
