#include "facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A macro and a variable for a fact; NULL where it has none of that sort. */
static const struct {
    enum fact fact;
    const char *macro;
    const char *variable;
} rows[] = {
    {FACT_SENDER, "sender", "SENDER"},
    {FACT_RECIPIENT, "recipient", "RECIPIENT"},
    {FACT_RECIPIENTS, "recipients", "RECIPIENTS"},
    {FACT_LOCAL, "local", "LOCAL"},
    {FACT_DOMAIN, "domain", "DOMAIN"},
    {FACT_DOMAIN, NULL, "HOST"}, /* qmail-command(8) */
    {FACT_EXTENSION, "extension", "EXTENSION"},
    {FACT_EXTENSION, NULL, "EXT"}, /* qmail-command(8) */
    {FACT_CLIENT_ADDRESS, "client_address", "CLIENT_ADDRESS"},
    {FACT_CLIENT_PORT, NULL, "CLIENT_PORT"},
    {FACT_CLIENT_HOSTNAME, NULL, "CLIENT_HOSTNAME"},
    {FACT_HELO, "helo", "CLIENT_HELO"},
    {FACT_PROTOCOL, NULL, "CLIENT_PROTOCOL"},
    {FACT_SASL_USERNAME, NULL, "SASL_USERNAME"},
    {FACT_SASL_METHOD, NULL, "SASL_METHOD"},
    {FACT_TLS_PROTOCOL, NULL, "TLS_PROTOCOL"},
    {FACT_TLS_CIPHER, NULL, "TLS_CIPHER"},
    {FACT_TLS_SERVER_NAME, NULL, "TLS_SERVER_NAME"},
    {FACT_TLS_CLIENT_SUBJECT, NULL, "TLS_CLIENT_SUBJECT"},
    {FACT_TLS_CLIENT_HASH, NULL, "TLS_CLIENT_HASH"},
    {FACT_ENVID, NULL, "ENVID"},
    {FACT_RET, NULL, "RET"},
    {FACT_NOTIFY, NULL, "NOTIFY"},
    {FACT_ORCPT, NULL, "ORCPT"},
    {FACT_TRANSACTION_ID, NULL, "TRANSACTION_ID"},
    {FACT_MESSAGE_SIZE, NULL, "MESSAGE_SIZE"},
    {FACT_DEADLINE, NULL, "DEADLINE"},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* Meant for us; what is told under a name of our own is withheld anyway. */
static const char *const withheld[] = {
    "LISTEN_FDS",    "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID",
    "WATCHDOG_USEC", "UCSPITLS",   "SSLCTLFD",       "SSLREADFD",     "SSLWRITEFD",
};

static struct span known_or(const char *value)
{
    return span_of(value[0] != '\0' ? value : "unknown");
}

static struct span write_number(char text[FACTS_NUMBER_MAX], uint64_t number)
{
    (void)snprintf(text, FACTS_NUMBER_MAX, "%llu", (unsigned long long)number); /* fits */
    return span_of(text);
}

/* What the sender asked for with the parameters of RFC 3461. */
static void gather_dsn(struct span *values, const struct transaction *transaction)
{
    const struct parameters *parameters = &transaction->envelope.parameters;
    values[FACT_ENVID] = (struct span){parameters->envid, parameters->envid_length};
    values[FACT_RET] = span_of(parameters->ret);
    values[FACT_NOTIFY] = transaction_notify(transaction);
    values[FACT_ORCPT] = transaction_orcpt(transaction);
}

/* Who the client is, as far as it has shown. Facts that are not there do not apply. */
static void gather_trust(struct span *values, const struct transaction *transaction,
                         const struct tls *tls)
{
    static const struct {
        enum fact fact;
        const char *name;
    } agreed[] = {
        {FACT_TLS_PROTOCOL, "SSL_PROTOCOL"},
        {FACT_TLS_CIPHER, "SSL_CIPHER"},
        {FACT_TLS_SERVER_NAME, "SSL_TLS_SNI_SERVERNAME"},
        {FACT_TLS_CLIENT_SUBJECT, "SSL_PEER_CERT_SUBJECT"},
        {FACT_TLS_CLIENT_HASH, "SSL_PEER_CERT_HASH"},
    };
    for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++)
        values[agreed[i].fact] = tls_fact(tls, agreed[i].name);
    if (transaction_user(transaction).length > 0) {
        values[FACT_SASL_USERNAME] = transaction_user(transaction);
        values[FACT_SASL_METHOD] = span_of(transaction->mechanism);
    }
}

void facts_gather_envelope(struct facts *facts, const struct envelope *envelope,
                           const struct options *options, const struct mailbox *recipient)
{
    struct span *values = facts->values;
    memset(facts->values, 0, sizeof facts->values);
    values[FACT_SENDER] = mailbox_whole(&envelope->sender);
    values[FACT_RECIPIENTS] = envelope_lines(&envelope->recipients, envelope->count);
    if (recipient != NULL) {
        facts->recipient = *recipient;
        values[FACT_RECIPIENT] = mailbox_whole(&facts->recipient);
        values[FACT_RECIPIENTS] = values[FACT_RECIPIENT];
        values[FACT_LOCAL] = mailbox_local(&facts->recipient);
        values[FACT_DOMAIN] = mailbox_domain(&facts->recipient);
        values[FACT_EXTENSION] =
            recipients_split(values[FACT_LOCAL], options->recipient_delimiter).extension;
    }
}

void facts_gather(struct facts *facts, const struct transaction *transaction,
                  const struct connection *connection, const struct tls *tls,
                  const struct options *options, const struct mailbox *recipient, uint64_t size)
{
    struct span *values = facts->values;
    facts_gather_envelope(facts, &transaction->envelope, options, recipient);
    values[FACT_CLIENT_ADDRESS] = known_or(connection->client.text);
    values[FACT_CLIENT_HOSTNAME] = known_or(connection->client_hostname);
    values[FACT_CLIENT_PORT] = connection->client.port > 0
                                   ? write_number(facts->port, connection->client.port)
                                   : span_of("unknown");
    values[FACT_HELO] = transaction_helo(transaction);
    values[FACT_PROTOCOL] = transaction_protocol(transaction);
    gather_trust(values, transaction, tls);
    if (options->dsn)
        gather_dsn(values, transaction);
    values[FACT_TRANSACTION_ID] = transaction_id(transaction);
    values[FACT_MESSAGE_SIZE] = write_number(facts->size, size);
    values[FACT_DEADLINE] = write_number(facts->deadline, options->delivery_timeout);
}

enum fact facts_find(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].macro != NULL && strlen(rows[i].macro) == name.length &&
            memcmp(rows[i].macro, name.octets, name.length) == 0)
            return rows[i].fact;
    return FACT_COUNT;
}

bool facts_is_of_recipient(enum fact fact)
{
    return fact == FACT_RECIPIENT || fact == FACT_LOCAL || fact == FACT_DOMAIN ||
           fact == FACT_EXTENSION;
}

/* Whether the variable "NAME=..." has that name; hardly any shares more with it than an octet. */
static bool is_called(const char *variable, const char *name)
{
    while (*name != '\0' && *variable == *name) {
        variable++;
        name++;
    }
    return *name == '\0' && (*variable == '=' || *variable == '\0');
}

static bool is_withheld(const char *variable)
{
    for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++)
        if (is_called(variable, withheld[i]))
            return true;
    for (size_t i = 0; i < ROWS; i++)
        if (is_called(variable, rows[i].variable))
            return true;
    return false;
}

static bool add(struct facts_environment *environment, char *variable)
{
    if (environment->count + 1 == sizeof environment->variables / sizeof *environment->variables)
        return false;
    environment->variables[environment->count++] = variable;
    environment->variables[environment->count] = NULL;
    return true;
}

static bool add_fact(struct facts_environment *environment, const char *name, struct span value)
{
    char *variable = environment->octets + environment->used;
    size_t room = sizeof environment->octets - environment->used;
    size_t name_length = strlen(name);
    if (name_length + 1 + value.length + 1 > room)
        return false;
    memcpy(variable, name, name_length);
    variable[name_length] = '=';
    memcpy(variable + name_length + 1, value.octets, value.length);
    variable[name_length + 1 + value.length] = '\0';
    environment->used += name_length + 1 + value.length + 1;
    return add(environment, variable);
}

int facts_export(const struct facts *facts, struct facts_environment *environment)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    environment->count = environment->used = 0;
    for (char **variable = environ; *variable != NULL; variable++)
        if (!is_withheld(*variable) && !add(environment, *variable))
            return -E2BIG;
    if (getenv("PATH") == NULL && !add(environment, path))
        return -E2BIG;
    for (size_t i = 0; i < ROWS; i++) {
        struct span value = facts->values[rows[i].fact];
        if (value.octets != NULL && !add_fact(environment, rows[i].variable, value))
            return -E2BIG;
    }
    return 0;
}
