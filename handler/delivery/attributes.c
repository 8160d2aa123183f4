#include "handler/delivery/attributes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/verdict/entry.h"
#include "handler/verdict/recipient-route.h"

/* The macro and the variable of an attribute; NULL if it has no such. */
static const struct {
    enum attribute attribute;
    const char *macro;
    const char *variable;
} rows[] = {
    {ATTRIBUTE_SENDER, "sender", "SENDER"},
    {ATTRIBUTE_RECIPIENT, "recipient", "RECIPIENT"},
    {ATTRIBUTE_RECIPIENTS, "recipients", "RECIPIENTS"},
    {ATTRIBUTE_LOCAL, "local", "LOCAL"},
    {ATTRIBUTE_DOMAIN, "domain", "DOMAIN"},
    {ATTRIBUTE_DOMAIN, NULL, "HOST"}, /* qmail-command(8) */
    {ATTRIBUTE_EXTENSION, "extension", "EXTENSION"},
    {ATTRIBUTE_EXTENSION, NULL, "EXT"}, /* qmail-command(8) */
    {ATTRIBUTE_USER, "user", "RECIPIENT_USER"},
    {ATTRIBUTE_ROUTE, NULL, "ROUTE"},
    {ATTRIBUTE_KEY, "key", "MESSAGE_KEY"},
    {ATTRIBUTE_CLIENT_ADDRESS, "client_address", "CLIENT_ADDRESS"},
    {ATTRIBUTE_CLIENT_PORT, NULL, "CLIENT_PORT"},
    {ATTRIBUTE_CLIENT_HOSTNAME, NULL, "CLIENT_HOSTNAME"},
    {ATTRIBUTE_HELO, "helo", "CLIENT_HELO"},
    {ATTRIBUTE_PROTOCOL, NULL, "CLIENT_PROTOCOL"},
    {ATTRIBUTE_SASL_USERNAME, NULL, "SASL_USERNAME"},
    {ATTRIBUTE_SASL_METHOD, NULL, "SASL_METHOD"},
    {ATTRIBUTE_TLS_PROTOCOL, NULL, "TLS_PROTOCOL"},
    {ATTRIBUTE_TLS_CIPHER, NULL, "TLS_CIPHER"},
    {ATTRIBUTE_TLS_SERVER_NAME, NULL, "TLS_SERVER_NAME"},
    {ATTRIBUTE_TLS_CLIENT_SUBJECT, NULL, "TLS_CLIENT_SUBJECT"},
    {ATTRIBUTE_TLS_CLIENT_HASH, NULL, "TLS_CLIENT_HASH"},
    {ATTRIBUTE_TLS_CLIENT_ERROR, NULL, "TLS_CLIENT_ERROR"},
    {ATTRIBUTE_ENVID, NULL, "ENVID"},
    {ATTRIBUTE_RET, NULL, "RET"},
    {ATTRIBUTE_NOTIFY, NULL, "NOTIFY"},
    {ATTRIBUTE_ORCPT, NULL, "ORCPT"},
    {ATTRIBUTE_TRANSACTION_ID, NULL, "TRANSACTION_ID"},
    {ATTRIBUTE_MESSAGE_SIZE, NULL, "MESSAGE_SIZE"},
    {ATTRIBUTE_DEADLINE, NULL, "DEADLINE"},
    {ATTRIBUTE_TRACE_SIZE, NULL, "TRACE_SIZE"},
    {ATTRIBUTE_QUARANTINE, NULL, "QUARANTINE"},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* Meant for us. Variables named as attributes are withheld, too. */
static const char *const withheld[] = {
    "LISTEN_FDS",           "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID",
    "WATCHDOG_USEC",        "UCSPITLS",   "SSLCTLFD",       "SSLREADFD",     "SSLWRITEFD",
    "SMTP_HANDLER_SANDBOX",
};

static struct span known_or(const char *value)
{
    return span_of(value[0] != '\0' ? value : "unknown");
}

struct span attributes_write_number(char text[ATTRIBUTES_NUMBER_MAX], uint64_t number)
{
    (void)snprintf(text, ATTRIBUTES_NUMBER_MAX, "%llu", (unsigned long long)number); /* fits */
    return span_of(text);
}

/* What the sender asked for with the parameters of RFC 3461. */
static void gather_dsn(struct span *values, const struct transaction *transaction)
{
    const struct parameters *parameters = &transaction->envelope.parameters;
    values[ATTRIBUTE_ENVID] = (struct span){parameters->envid, parameters->envid_length};
    values[ATTRIBUTE_RET] = span_of(parameters->ret);
    values[ATTRIBUTE_NOTIFY] = transaction_notify(transaction);
    values[ATTRIBUTE_ORCPT] = transaction_orcpt(transaction);
}

/* Who the client is, by TLS and AUTH. */
static void gather_authentication(struct span *values, const struct transaction *transaction)
{
    static const struct {
        enum attribute attribute;
        const char *name;
    } agreed[] = {
        {ATTRIBUTE_TLS_PROTOCOL, "SSL_PROTOCOL"},
        {ATTRIBUTE_TLS_CIPHER, "SSL_CIPHER"},
        {ATTRIBUTE_TLS_SERVER_NAME, "SSL_TLS_SNI_SERVERNAME"},
        {ATTRIBUTE_TLS_CLIENT_SUBJECT, "SSL_PEER_CERT_SUBJECT"},
        {ATTRIBUTE_TLS_CLIENT_HASH, "SSL_PEER_CERT_HASH"},
        {ATTRIBUTE_TLS_CLIENT_ERROR, "SSL_PEER_CERT_ERROR"},
    };
    for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++)
        values[agreed[i].attribute] = transaction_tls(transaction, agreed[i].name);
    if (transaction_user(transaction).length > 0) {
        values[ATTRIBUTE_SASL_USERNAME] = transaction_user(transaction);
        values[ATTRIBUTE_SASL_METHOD] = span_of(transaction->mechanism);
    }
}

void attributes_gather_envelope(struct attributes *attributes, const struct envelope *envelope,
                                const struct options *options, const struct mailbox *recipient,
                                const struct route *route)
{
    const char delimiter = options->recipient_delimiter;
    struct span *values = attributes->values;
    memset(attributes->values, 0, sizeof attributes->values);
    values[ATTRIBUTE_SENDER] = mailbox_whole(&envelope->sender);
    values[ATTRIBUTE_RECIPIENTS] = envelope_lines(&envelope->recipients, envelope->count);
    if (recipient != NULL) {
        attributes->recipient = *recipient;
        values[ATTRIBUTE_RECIPIENT] = mailbox_whole(&attributes->recipient);
        values[ATTRIBUTE_RECIPIENTS] = values[ATTRIBUTE_RECIPIENT];
        values[ATTRIBUTE_LOCAL] = mailbox_local(&attributes->recipient);
        values[ATTRIBUTE_DOMAIN] = mailbox_domain(&attributes->recipient);
        values[ATTRIBUTE_EXTENSION] =
            recipient_route_split(values[ATTRIBUTE_LOCAL], delimiter).extension;
        values[ATTRIBUTE_USER] =
            recipients_user(route == NULL ? &route_none : route, values[ATTRIBUTE_LOCAL], delimiter,
                            attributes->user);
    }
    if (route != NULL && route->last.length > 0)
        values[ATTRIBUTE_ROUTE] = entry_address(route->last);
}

void attributes_gather(struct attributes *attributes, const struct transaction *transaction,
                       const struct options *options, const struct mailbox *recipient,
                       const struct route *route)
{
    const struct connection *connection = transaction->connection;
    struct span *values = attributes->values;
    attributes_gather_envelope(attributes, &transaction->envelope, options, recipient, route);
    values[ATTRIBUTE_CLIENT_ADDRESS] = known_or(connection->client.text);
    values[ATTRIBUTE_CLIENT_HOSTNAME] = known_or(connection->client_hostname);
    values[ATTRIBUTE_CLIENT_PORT] =
        connection->client.port > 0
            ? attributes_write_number(attributes->port, connection->client.port)
            : span_of("unknown");
    values[ATTRIBUTE_HELO] = helo_name(&transaction->helo);
    values[ATTRIBUTE_PROTOCOL] = transaction_protocol(transaction);
    gather_authentication(values, transaction);
    if (options->dsn)
        gather_dsn(values, transaction);
    values[ATTRIBUTE_TRANSACTION_ID] = transaction_id(transaction);
    values[ATTRIBUTE_MESSAGE_SIZE] = attributes_write_number(attributes->size, transaction->stored);
    values[ATTRIBUTE_DEADLINE] =
        attributes_write_number(attributes->deadline, options->delivery_timeout);
    if (transaction->quarantine.length > 0)
        values[ATTRIBUTE_QUARANTINE] = transaction->quarantine;
}

void attributes_gather_for_filter(struct attributes *attributes, uint64_t trace_size,
                                  uint64_t seconds)
{
    struct span *values = attributes->values;
    values[ATTRIBUTE_TRACE_SIZE] = attributes_write_number(attributes->trace_size, trace_size);
    values[ATTRIBUTE_DEADLINE] = attributes_write_number(attributes->deadline, seconds);
}

void attributes_add_key(struct attributes *attributes, const struct key_content *content,
                        const struct mailbox *sender)
{
    struct span *values = attributes->values;
    struct key key = key_make(content, mailbox_whole(sender), values[ATTRIBUTE_RECIPIENTS]);
    key_write(attributes->key, &key);
    values[ATTRIBUTE_KEY] = span_of(attributes->key);
}

enum attribute attributes_find(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].macro != NULL && strlen(rows[i].macro) == name.length &&
            memcmp(rows[i].macro, name.octets, name.length) == 0)
            return rows[i].attribute;
    return ATTRIBUTE_COUNT;
}

const char *attributes_variable(enum attribute attribute)
{
    size_t i = 0;
    while (rows[i].attribute != attribute)
        i++;
    return rows[i].variable;
}

bool attributes_has_name(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (span_equal(name, span_of(rows[i].variable)) ||
            (rows[i].macro != NULL && span_equal(name, span_of(rows[i].macro))))
            return true;
    return false;
}

bool attributes_is_of_recipient(enum attribute attribute)
{
    return attribute == ATTRIBUTE_RECIPIENT || attribute == ATTRIBUTE_LOCAL ||
           attribute == ATTRIBUTE_DOMAIN || attribute == ATTRIBUTE_EXTENSION ||
           attribute == ATTRIBUTE_USER;
}

bool attributes_leads_elsewhere(struct span value)
{
    size_t first = value.length > 0 && value.octets[0] == '"' ? 1 : 0;
    return span_find(value, '/') < value.length ||
           (first < value.length && value.octets[first] == '.');
}

/* Whether the variable would be told; that of {user} is made for file names. */
static bool is_told(enum attribute attribute, struct span value)
{
    bool is_name = value.length > 0 && !attributes_leads_elsewhere(value);
    return value.octets != NULL && (attribute != ATTRIBUTE_USER || is_name);
}

/* Whether the variable "NAME=..." has that name; most names differ in their first octet. */
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

int attributes_export(const struct attributes *attributes, struct strings *environment)
{
    strings_clear(environment);
    for (char **variable = environ; *variable != NULL; variable++)
        if (!is_withheld(*variable))
            strings_borrow(environment, *variable);
    if (getenv("PATH") == NULL)
        strings_add(environment, span_of("PATH=/usr/local/bin:/usr/bin:/bin"));
    for (size_t i = 0; i < ROWS; i++) {
        struct span value = attributes->values[rows[i].attribute];
        if (!is_told(rows[i].attribute, value))
            continue;
        strings_add(environment, span_of(rows[i].variable));
        strings_append(environment, span_of("="));
        strings_append(environment, value);
    }
    return environment->full ? -E2BIG : 0;
}
