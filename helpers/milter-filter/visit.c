#include "helpers/milter-filter/visit.h"

#include "helpers/milter-filter/macros.h"
#include "helpers/milter-filter/take.h"

static const struct {
    char command;
    uint32_t unwanted, silent; /* bits of the protocol: not sent, not answered */
    const char *name;
} stages[STAGES] = {
    [STAGE_OFFER] = {'O', 0, 0, "negotiation"},
    [STAGE_CONNECT] = {'C', PROTOCOL_NO_CONNECT, PROTOCOL_SILENT_CONNECT, "connection"},
    [STAGE_HELO] = {'H', PROTOCOL_NO_HELO, PROTOCOL_SILENT_HELO, "HELO"},
    [STAGE_MAIL] = {'M', PROTOCOL_NO_MAIL, PROTOCOL_SILENT_MAIL, "MAIL"},
    [STAGE_RCPT] = {'R', PROTOCOL_NO_RCPT, PROTOCOL_SILENT_RCPT, "RCPT"},
    [STAGE_DATA] = {'T', PROTOCOL_NO_DATA, PROTOCOL_SILENT_DATA, "DATA"},
    [STAGE_HEADER] = {'L', PROTOCOL_NO_HEADER, PROTOCOL_SILENT_HEADER, "header"},
    [STAGE_END_OF_HEADER] = {'N', PROTOCOL_NO_END_OF_HEADER, PROTOCOL_SILENT_END_OF_HEADER,
                             "end of header"},
    [STAGE_BODY] = {'B', PROTOCOL_NO_BODY, PROTOCOL_SILENT_BODY, "body"},
    [STAGE_END] = {'E', 0, 0, "end of message"},
};

/* For what goes wrong: what the milter is to answer. */
static void name_step(struct visit *visit)
{
    enum stage stage = take_awaited(visit);
    visit->server.step = stages[stage < STAGES ? stage : STAGE_END].name;
}

/* Waits until octets have come or gone, and takes the answers that have come. */
static void go_on(struct visit *visit)
{
    struct packet packet = {.command = 0};
    name_step(visit);
    if (!server_move(&visit->server))
        visit->outcome = OUTCOME_DOWN;
    while (visit->outcome == OUTCOME_OPEN) {
        name_step(visit);
        if (!server_take(&visit->server, &packet))
            visit->outcome = OUTCOME_DOWN;
        else if (packet.command == 0)
            return;
        else
            take_answer(visit, &packet);
    }
}

/* Waits until all is sent and answered that was said. */
static void await_answers(struct visit *visit)
{
    while (visit->outcome == OUTCOME_OPEN &&
           (server_has_output(&visit->server) || take_awaited(visit) < STAGES))
        go_on(visit);
}

/* Begins a packet; false if there is an outcome already. */
static bool begin(struct visit *visit, char command, struct text *packet)
{
    while (visit->outcome == OUTCOME_OPEN && server_is_full(&visit->server))
        go_on(visit);
    if (visit->outcome != OUTCOME_OPEN)
        return false;
    *packet = packet_begin(server_room(&visit->server), command);
    return true;
}

/* Begins the packet of that stage, if the milter wants it. */
static bool begin_stage(struct visit *visit, enum stage stage, struct text *packet)
{
    return (visit->agreement.protocol & stages[stage].unwanted) == 0 &&
           begin(visit, stages[stage].command, packet);
}

static void end_stage(struct visit *visit, enum stage stage, struct text *packet)
{
    server_add(&visit->server, packet);
    if ((visit->agreement.protocol & stages[stage].silent) == 0)
        visit->unanswered[stage]++;
}

/* They are sent for stages that the milter does not want, too: it may want them later. */
static void say_macros(struct visit *visit, enum stage stage)
{
    struct text packet;
    if (!begin(visit, 'D', &packet))
        return;
    text_add(&packet, (struct span){&stages[stage].command, 1});
    size_t before = packet.length;
    macros_add(&visit->facts, stages[stage].command, &visit->agreement, &packet);
    if (packet.length > before)
        server_add(&visit->server, &packet);
}

static void say_offer(struct visit *visit)
{
    struct text packet;
    if (!begin(visit, stages[STAGE_OFFER].command, &packet))
        return;
    packet_add_number(&packet, PROTOCOL_VERSION, 4);
    packet_add_number(&packet, ACTIONS_ALL, 4);
    packet_add_number(&packet, PROTOCOL_ALL, 4);
    end_stage(visit, STAGE_OFFER, &packet);
}

static void say_connect(struct visit *visit)
{
    const struct span *values = visit->facts.values;
    struct span address = values[FACT_CLIENT_ADDRESS], name = values[FACT_CLIENT_NAME];
    struct text packet;
    uint64_t port = 0;
    say_macros(visit, STAGE_CONNECT);
    if (!begin_stage(visit, STAGE_CONNECT, &packet))
        return;
    packet_add_string(&packet, name.length > 0 ? name : span_of("unknown"));
    if (address.length > 0) {
        (void)span_number(values[FACT_CLIENT_PORT], &port); /* 0 if unknown */
        text_add_string(&packet, span_find(address, ':') < address.length ? "6" : "4");
        packet_add_number(&packet, (uint32_t)port, 2);
        packet_add_string(&packet, address);
    } else
        text_add_string(&packet, "U");
    end_stage(visit, STAGE_CONNECT, &packet);
}

static void say_helo(struct visit *visit)
{
    struct span helo = visit->facts.values[FACT_HELO];
    struct text packet;
    say_macros(visit, STAGE_HELO);
    if (helo.length == 0 || !begin_stage(visit, STAGE_HELO, &packet))
        return;
    packet_add_string(&packet, helo);
    end_stage(visit, STAGE_HELO, &packet);
}

static void add_path(struct text *packet, struct span address)
{
    text_add_string(packet, "<");
    text_add(packet, address);
    packet_add_string(packet, span_of(">"));
}

static void say_envelope(struct visit *visit)
{
    struct facts *facts = &visit->facts;
    struct span left = facts->values[FACT_RECIPIENTS];
    struct span protocol = facts->values[FACT_PROTOCOL];
    struct text packet;
    say_macros(visit, STAGE_MAIL);
    if (begin_stage(visit, STAGE_MAIL, &packet)) {
        add_path(&packet, facts->values[FACT_SENDER]);
        if (protocol.length > 4 && span_equal(span_first(protocol, 4), span_of("UTF8")))
            packet_add_string(&packet, span_of("SMTPUTF8"));
        end_stage(visit, STAGE_MAIL, &packet);
    }
    while (visit->outcome == OUTCOME_OPEN && facts_take_recipient(facts, &left)) {
        say_macros(visit, STAGE_RCPT);
        if (!begin_stage(visit, STAGE_RCPT, &packet))
            continue;
        add_path(&packet, facts->values[FACT_RECIPIENT]);
        end_stage(visit, STAGE_RCPT, &packet);
    }
}

static void say_bare(struct visit *visit, enum stage stage)
{
    struct text packet;
    say_macros(visit, stage);
    if (begin_stage(visit, stage, &packet))
        end_stage(visit, stage, &packet);
}

static void say_field(struct visit *visit, const struct field *field)
{
    struct span value = fields_value(field);
    struct text packet;
    bool is_verbatim = (visit->agreement.protocol & PROTOCOL_LEADING_SPACE) != 0;
    if (!begin_stage(visit, STAGE_HEADER, &packet))
        return;
    if (!is_verbatim && value.length > 0 && value.octets[0] == ' ')
        value = span_after(value, 1);
    packet_add_string(&packet, fields_name(field));
    packet_add_string(&packet, value);
    end_stage(visit, STAGE_HEADER, &packet);
}

static void say_body(struct visit *visit)
{
    struct span body = fields_body(&visit->message.fields);
    struct text packet;
    while (body.length > 0 && !visit->is_sated && begin_stage(visit, STAGE_BODY, &packet)) {
        body = wire_encode(body, visit->message.is_text, &packet);
        end_stage(visit, STAGE_BODY, &packet);
        if (body.length > 0 && visit->unanswered[STAGE_BODY] > 0)
            await_answers(visit);
    }
}

/* All but what is large, and only written. */
static void begin_state(struct visit *visit)
{
    memset(&visit->agreement, 0, sizeof visit->agreement);
    memset(visit->unanswered, 0, sizeof visit->unanswered);
    visit->is_sated = visit->is_quarantined = false;
    visit->edits.recipients = visit->facts.values[FACT_RECIPIENTS];
    visit->edits.length = 0;
    visit->outcome = OUTCOME_OPEN;
}

void visit_make(struct visit *visit)
{
    const struct fields *fields = &visit->message.fields;
    begin_state(visit);
    say_offer(visit);
    await_answers(visit);
    say_connect(visit);
    say_helo(visit);
    say_envelope(visit);
    say_bare(visit, STAGE_DATA);
    for (size_t i = 0; i < fields->count && visit->outcome == OUTCOME_OPEN; i++)
        if (!fields->list[i].is_ours)
            say_field(visit, &fields->list[i]);
    say_bare(visit, STAGE_END_OF_HEADER);
    say_body(visit);
    say_bare(visit, STAGE_END);
    await_answers(visit);
}
