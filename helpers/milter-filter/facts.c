#include "helpers/milter-filter/facts.h"

#include <stdlib.h>

#include "session/text/text.h"

enum { ADDRESS_MAX = 1000 }; /* octets; the handler's have up to 512 */

static const struct {
    enum fact fact;
    bool may_be_unknown; /* "unknown" means that it is; elsewhere it is what a client said */
    const char *name;
} variables[] = {
    {FACT_CLIENT_NAME, true, "CLIENT_HOSTNAME"}, {FACT_CLIENT_ADDRESS, true, "CLIENT_ADDRESS"},
    {FACT_CLIENT_PORT, true, "CLIENT_PORT"},     {FACT_HELO, false, "CLIENT_HELO"},
    {FACT_PROTOCOL, false, "CLIENT_PROTOCOL"},   {FACT_TLS_PROTOCOL, false, "TLS_PROTOCOL"},
    {FACT_TLS_CIPHER, false, "TLS_CIPHER"},      {FACT_TLS_SUBJECT, false, "TLS_CLIENT_SUBJECT"},
    {FACT_USER, false, "SASL_USERNAME"},         {FACT_MECHANISM, false, "SASL_METHOD"},
    {FACT_ID, false, "TRANSACTION_ID"},          {FACT_SENDER, false, "SENDER"},
    {FACT_RECIPIENTS, false, "RECIPIENTS"},
};

/* Empty, or lines of addresses. */
static bool is_sound(struct span addresses)
{
    while (addresses.length > 0) {
        size_t length = span_find(addresses, '\n');
        if (length == 0 || length > ADDRESS_MAX || span_has_controls(span_first(addresses, length)))
            return false;
        addresses = span_after(addresses, length + (length < addresses.length));
    }
    return true;
}

/* As Sendmail has it. */
static void describe_client(struct facts *facts)
{
    struct text text = {.octets = facts->client, .size = sizeof facts->client};
    struct span address = facts->values[FACT_CLIENT_ADDRESS];
    if (address.length == 0)
        return;
    text_add(&text, facts->values[FACT_CLIENT_NAME]);
    text_add_string(&text, text.length > 0 ? " [" : "[");
    text_add_string(&text, span_find(address, ':') < address.length ? "IPv6:" : "");
    text_add(&text, address);
    text_add_string(&text, "]");
    facts->values[FACT_CLIENT] = text_span(&text);
}

bool facts_read(struct facts *facts, struct span hostname)
{
    struct span *values = facts->values;
    for (size_t i = 0; i < FACTS; i++)
        values[i] = span_empty();
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i].name);
        bool is_said =
            value != NULL && !(variables[i].may_be_unknown && strcmp(value, "unknown") == 0);
        values[variables[i].fact] = is_said ? span_of(value) : span_empty();
    }
    if (getenv("RECIPIENTS") == NULL && getenv("RECIPIENT") != NULL)
        values[FACT_RECIPIENTS] = span_of(getenv("RECIPIENT"));
    values[FACT_HOSTNAME] = hostname;
    values[FACT_PROGRAM] = span_of("smtp-handler " VERSION);
    values[FACT_RECIPIENT_MAILER] = span_of("local");
    describe_client(facts);
    return getenv("SENDER") != NULL && !span_has_controls(values[FACT_SENDER]) &&
           is_sound(values[FACT_SENDER]) && values[FACT_RECIPIENTS].length > 0 &&
           is_sound(values[FACT_RECIPIENTS]);
}

bool facts_take_recipient(struct facts *facts, struct span *recipients)
{
    size_t length = span_find(*recipients, '\n');
    struct span recipient = span_first(*recipients, length);
    size_t host = length;
    if (recipients->length == 0)
        return false;
    while (host > 0 && recipient.octets[host - 1] != '@')
        host--;
    facts->values[FACT_RECIPIENT] = recipient;
    facts->values[FACT_RECIPIENT_HOST] = host > 0 ? span_after(recipient, host) : span_empty();
    *recipients = span_after(*recipients, length + (length < recipients->length));
    return true;
}
