#include "helpers/milter-filter/macros.h"

/* The commands that a milter may ask macros for, by the number of their stage. */
static const char stages[MACRO_STAGES + 1] = "CHMRTEN";

struct macro {
    char name[16];
    enum fact fact;
    char command;
};

static const struct macro macros[] = {
    {"j", FACT_HOSTNAME, 'C'},
    {"{daemon_name}", FACT_HOSTNAME, 'C'}, /* what rspamd calls itself in Authentication-Results */
    {"v", FACT_PROGRAM, 'C'},
    {"_", FACT_CLIENT, 'C'},
    {"{client_addr}", FACT_CLIENT_ADDRESS, 'C'},
    {"{client_name}", FACT_CLIENT_NAME, 'C'},
    {"{client_port}", FACT_CLIENT_PORT, 'C'},
    {"{client_ptr}", FACT_CLIENT_NAME, 'C'},
    {"{tls_version}", FACT_TLS_PROTOCOL, 'H'},
    {"{cipher}", FACT_TLS_CIPHER, 'H'},
    {"{cert_subject}", FACT_TLS_SUBJECT, 'H'},
    {"i", FACT_ID, 'M'},
    {"{mail_addr}", FACT_SENDER, 'M'},
    {"{auth_authen}", FACT_USER, 'M'},
    {"{auth_type}", FACT_MECHANISM, 'M'},
    {"i", FACT_ID, 'R'},
    {"{rcpt_addr}", FACT_RECIPIENT, 'R'},
    {"{rcpt_mailer}", FACT_RECIPIENT_MAILER, 'R'},
    {"{rcpt_host}", FACT_RECIPIENT_HOST, 'R'},
    {"i", FACT_ID, 'T'},
    {"i", FACT_ID, 'N'},
    {"i", FACT_ID, 'E'},
};

enum { MACROS = sizeof macros / sizeof *macros };

/*@ requires row < MACROS;
    assigns \nothing;
    ensures \valid_read(\result) && \result->fact < FACTS; */
static const struct macro *macro_of(size_t row)
{
    return &macros[row];
}

/*@ requires facts_ok(facts) && row < MACROS && text_ok(packet) && \separated(packet, facts);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet); */
static void add_macro(const struct facts *facts, size_t row, struct text *packet)
{
    const struct macro *macro = macro_of(row);
    struct span name = span_of(macro->name), value = facts->values[macro->fact];
    if (value.length == 0 || packet->size - packet->length < name.length + value.length + 4)
        return;
    packet_add_string(packet, name);
    packet_add_string(packet, value);
}

/* Adds the macro of that name, with or without braces. */
/*@ requires facts_ok(facts) && readable(name) && text_ok(packet) && \separated(packet, facts);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet); */
static void add_asked(const struct facts *facts, struct span name, struct text *packet)
{
    /*@ loop invariant 0 <= i <= MACROS;
        loop assigns i;
        loop variant MACROS - i; */
    for (size_t i = 0; i < MACROS; i++) {
        struct span known = span_of(macro_of(i)->name);
        if (known.length == name.length && memcmp(known.octets, name.octets, name.length) == 0) {
            add_macro(facts, i, packet);
            return;
        }
    }
}

void macros_add(const struct facts *facts, char command, const struct agreement *agreement,
                struct text *packet)
{
    size_t stage = span_find((struct span){stages, MACRO_STAGES}, command);
    if (stage == MACRO_STAGES || !agreement->is_asked[stage]) {
        /*@ loop invariant 0 <= i <= MACROS && text_ok(packet);
            loop assigns i, packet->length, packet->octets[0 .. packet->size - 1];
            loop variant MACROS - i; */
        for (size_t i = 0; i < MACROS; i++)
            if (macros[i].command == command)
                add_macro(facts, i, packet);
        return;
    }
    struct span names = span_trim(agreement->asked[stage]);
    /*@ loop invariant text_ok(packet) && readable(names);
        loop invariant names.length > 0 ==> names.octets[0] != ' ';
        loop assigns names, packet->length, packet->octets[0 .. packet->size - 1];
        loop variant names.length; */
    while (names.length > 0) {
        size_t length = span_find(names, ' ');
        add_asked(facts, span_first(names, length), packet);
        names = span_trim(span_after(names, length));
    }
}
