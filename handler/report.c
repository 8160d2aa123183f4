#include "report.h"

#include "log.h"

static struct span outcome_word(enum verdict verdict)
{
    static const char *const words[] = {
        [OUTCOME_ACCEPTED] = "accepted",
        [OUTCOME_DEFERRED] = "deferred",
        [OUTCOME_REFUSED] = "refused",
    };
    if (verdict == VERDICT_BROKEN_OFF)
        return span_of("broken-off");
    return span_of(words[verdict_outcome(verdict)]);
}

/* Who it was, and who it was about. A null sender is <>, as everywhere. */
static void add_parties(struct log_event *event, const struct transaction *transaction,
                        const struct connection *connection)
{
    struct span sender = mailbox_whole(&transaction->envelope.sender);
    log_add(event, "client", span_of(connection->client.text));
    log_add(event, "hostname", span_of(connection->client_hostname));
    log_add(event, "helo", transaction_helo(transaction));
    log_add(event, "from", sender.length > 0 ? sender : span_of("<>"));
}

/* All recipients as one value with commas. */
static void add_recipients(struct log_event *event, const struct envelope *envelope)
{
    char octets[LOG_VALUE_MAX];
    struct span all = envelope_lines(&envelope->recipients, envelope->count);
    size_t length = all.length < sizeof octets ? all.length : sizeof octets;
    memcpy(octets, all.octets, length);
    for (size_t i = 0; i < length; i++)
        octets[i] = (char)(octets[i] == '\n' ? ',' : octets[i]);
    log_add(event, "to", (struct span){octets, length});
}

/* How far the client is known, and what it says protected. */
static void add_trust(struct log_event *event, const struct transaction *transaction,
                      const struct tls *tls)
{
    log_add(event, "tls", tls_fact(tls, "SSL_PROTOCOL"));
    log_add(event, "user", transaction_user(transaction));
}

/* What there is to say of every message. */
static void begin_message(struct log_event *event, const struct transaction *transaction,
                          const struct connection *connection, const struct tls *tls,
                          const struct mailbox *recipient, enum verdict verdict)
{
    log_begin(event, LOG_LEVEL_INFO, LOG_KIND_MESSAGE);
    log_add(event, "result", outcome_word(verdict));
    log_add(event, "id", transaction_id(transaction));
    add_parties(event, transaction, connection);
    if (recipient == NULL)
        add_recipients(event, &transaction->envelope);
    else
        log_add(event, "to", mailbox_whole(recipient));
    unsigned count = recipient == NULL ? transaction->envelope.count : 1;
    log_add_number(event, "recipients", count);
    add_trust(event, transaction, tls);
    log_add_number(event, "size", transaction->size);
    log_add(event, "status", span_of(verdict_status(verdict)));
}

void report_address(const struct transaction *transaction, const struct connection *connection,
                    const struct mailbox *recipient, enum verdict verdict)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, recipient == NULL ? LOG_KIND_SENDER : LOG_KIND_RECIPIENT);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "id", transaction_id(transaction));
    add_parties(&event, transaction, connection);
    if (recipient != NULL)
        log_add(&event, "to", mailbox_whole(recipient));
    log_add(&event, "status", span_of(verdict_status(verdict)));
    log_send(&event);
}

void report_delivery(const struct transaction *transaction, const struct connection *connection,
                     const struct tls *tls, const struct mailbox *recipient, const char *command,
                     const struct delivery *delivery)
{
    struct log_event event;
    begin_message(&event, transaction, connection, tls, recipient, delivery->verdict);
    if (delivery->done > 0)
        log_add_number(&event, "done", delivery->done);
    if (delivery->ended[0] != '\0')
        log_add(&event, "command", span_of(command));
    log_add(&event, "ended", span_of(delivery->ended));
    log_add(&event, "reply", outputs_text(&delivery->outputs));
    log_add_seconds(&event, "seconds", delivery->milliseconds);
    log_send(&event);
}

void report_refusal(const struct transaction *transaction, const struct connection *connection,
                    const struct tls *tls, enum verdict verdict, struct span form)
{
    struct log_event event;
    begin_message(&event, transaction, connection, tls, NULL, verdict);
    log_add(&event, "form", form);
    log_send(&event);
}

static void report_text(enum log_kind kind, enum log_level level,
                        const struct connection *connection, const char *text)
{
    struct log_event event;
    log_begin(&event, level, kind);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "text", span_of(text));
    log_send(&event);
}

void report_proxy(const struct connection *connection, bool silent, const char *what)
{
    report_text(LOG_KIND_PROXY, silent ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, connection, what);
}

void report_handshake(const struct connection *connection, const char *why)
{
    report_text(LOG_KIND_HANDSHAKE, LOG_LEVEL_INFO, connection, why);
}

void report_credentials(const struct connection *connection, struct span user, enum verdict verdict)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_AUTH);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    log_add(&event, "user", user);
    log_send(&event);
}

void report_connection(const struct transaction *transaction, const struct connection *connection,
                       const struct tls *tls, const struct report_end *end)
{
    struct log_event event;
    bool health_check = transaction->helo_length == 0 && end->errors == 0;
    log_begin(&event, health_check ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_KIND_CONNECTION);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    if (connection->is_proxied)
        log_add(&event, "proxy", span_of(connection->proxy.text));
    log_add(&event, "helo", transaction_helo(transaction));
    add_trust(&event, transaction, tls);
    log_add_number(&event, "messages", transaction->number);
    log_add_number(&event, "accepted", transaction->accepted);
    log_add_number(&event, "errors", end->errors);
    if (connection->in_is_socket) /* none waits on a pipe */
        log_add(&event, "pipelined_behind", end->pipelined_behind);
    log_add(&event, "unconfined", span_of(end->unconfined));
    log_add(&event, "ended", end->how);
    log_add_seconds(&event, "seconds", end->milliseconds);
    log_send(&event);
}

void report_limit(const struct endpoint *client, const char *limit, unsigned unreported)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_LIMIT);
    log_add(&event, "client", span_of(client->text));
    log_add(&event, "limit", span_of(limit));
    if (unreported > 0)
        log_add_number(&event, "unreported", unreported);
    log_send(&event);
}
