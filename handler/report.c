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
static void add_parties(struct log_event *event, const struct session *session,
                        const struct connection *connection)
{
    struct span sender = mailbox_whole(&session_envelope(session)->sender);
    log_add(event, "client", span_of(connection->client.text));
    log_add(event, "hostname", span_of(connection->client_hostname));
    log_add(event, "helo", session_helo(session));
    log_add(event, "from", sender.length > 0 ? sender : span_of("<>"));
}

/* All recipients as one value with commas. */
static void add_recipients(struct log_event *event, const struct envelope *envelope)
{
    char octets[LOG_VALUE_MAX];
    struct span all = envelope_lines(&envelope->recipients);
    size_t length = all.length < sizeof octets ? all.length : sizeof octets;
    memcpy(octets, all.octets, length);
    for (size_t i = 0; i < length; i++)
        octets[i] = (char)(octets[i] == '\n' ? ',' : octets[i]);
    log_add(event, "to", (struct span){octets, length});
}

/* How far the client is known, and what it says protected. */
static void add_trust(struct log_event *event, const struct session *session, const struct tls *tls)
{
    log_add(event, "tls", tls_fact(tls, "SSL_PROTOCOL"));
    log_add(event, "user", session_user(session));
}

/* What there is to say of every message. */
static void begin_message(struct log_event *event, const struct session *session,
                          const struct connection *connection, const struct tls *tls,
                          const struct mailbox *recipient, enum verdict verdict)
{
    log_begin(event, LOG_LEVEL_INFO, LOG_KIND_MESSAGE);
    log_add(event, "result", outcome_word(verdict));
    log_add(event, "id", session_id(session));
    add_parties(event, session, connection);
    if (recipient == NULL)
        add_recipients(event, session_envelope(session));
    else
        log_add(event, "to", mailbox_whole(recipient));
    unsigned count = recipient == NULL ? session_envelope(session)->count : 1;
    log_add_number(event, "recipients", count);
    add_trust(event, session, tls);
    log_add_number(event, "size", session_result(session).size);
    log_add(event, "status", span_of(verdict_status(verdict)));
}

void report_address(const struct session *session, const struct connection *connection,
                    const struct mailbox *recipient, enum verdict verdict)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, recipient == NULL ? LOG_KIND_SENDER : LOG_KIND_RECIPIENT);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "id", session_id(session));
    add_parties(&event, session, connection);
    if (recipient != NULL)
        log_add(&event, "to", mailbox_whole(recipient));
    log_add(&event, "status", span_of(verdict_status(verdict)));
    log_send(&event);
}

void report_delivery(const struct session *session, const struct connection *connection,
                     const struct tls *tls, const struct mailbox *recipient, const char *command,
                     const struct delivery *delivery)
{
    struct log_event event;
    begin_message(&event, session, connection, tls, recipient, delivery->verdict);
    log_add(&event, "command", span_of(command));
    log_add(&event, "ended", span_of(delivery->ended));
    log_add(&event, "reply", outputs_text(&delivery->outputs));
    log_add_seconds(&event, "seconds", delivery->milliseconds);
    log_send(&event);
}

void report_refusal(const struct session *session, const struct connection *connection,
                    const struct tls *tls)
{
    struct session_result result = session_result(session);
    struct log_event event;
    begin_message(&event, session, connection, tls, NULL, result.verdict);
    if (result.broken_form != NULL)
        log_add(&event, "form", span_of(result.broken_form));
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

void report_credentials(const struct session *session, const struct connection *connection,
                        enum verdict verdict)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_AUTH);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    log_add(&event, "user", session_credentials(session).user);
    log_send(&event);
}

void report_connection(const struct session *session, const struct connection *connection,
                       const struct tls *tls, const char *how, int64_t milliseconds)
{
    struct session_counts counts = session_counts(session);
    struct log_event event;
    bool greeted = session_helo(session).length > 0;
    bool health_check = !greeted && counts.errors == 0;
    log_begin(&event, health_check ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_KIND_CONNECTION);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    if (connection->is_proxied)
        log_add(&event, "proxy", span_of(connection->proxy.text));
    log_add(&event, "helo", session_helo(session));
    add_trust(&event, session, tls);
    log_add_number(&event, "messages", counts.messages);
    log_add_number(&event, "accepted", counts.accepted);
    log_add_number(&event, "errors", counts.errors);
    if (counts.pipelined_behind != NULL && connection->in_is_socket) /* none waits on a pipe */
        log_add(&event, "pipelined_behind", span_of(counts.pipelined_behind));
    log_add(&event, "ended", span_of(how));
    log_add_seconds(&event, "seconds", milliseconds);
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
