#include "handler/runner/report.h"

#include <stdio.h>

#include "handler/log.h"
#include "handler/verdict/entry.h"
#include "session/text/text.h"

/* Events are in static memory, here and below: pages that are not used cost nothing. */

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

static void add_client(struct log_event *event, const struct transaction *transaction)
{
    const struct connection *connection = transaction->connection;
    log_add(event, "client", span_of(connection->client.text));
    log_add(event, "hostname", span_of(connection->client_hostname));
    log_add(event, "helo", transaction_helo(transaction));
}

/* A null sender is <>, as everywhere. */
static void add_sender(struct log_event *event, const struct transaction *transaction)
{
    struct span sender = mailbox_whole(&transaction->envelope.sender);
    log_add(event, "from", sender.length > 0 ? sender : span_of("<>"));
}

/* The size that the client announced; 0 if unknown. */
static void add_announced(struct log_event *event, uint64_t size)
{
    if (size > 0)
        log_add_number(event, "size", size);
}

/* All recipients, separated by commas. */
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

/* The TLS version and the authenticated user. */
static void add_authentication(struct log_event *event, const struct transaction *transaction)
{
    log_add(event, "tls", transaction_tls(transaction, "SSL_PROTOCOL"));
    log_add(event, "user", transaction_user(transaction));
}

/* The fields of every message, the `result` first. */
static void begin_message(struct log_event *event, struct span result,
                          const struct transaction *transaction, const struct mailbox *recipient,
                          struct span status)
{
    log_begin(event, LOG_LEVEL_INFO, LOG_KIND_MESSAGE);
    log_add(event, "result", result);
    log_add(event, "id", transaction_id(transaction));
    add_client(event, transaction);
    add_sender(event, transaction);
    if (recipient == NULL)
        add_recipients(event, &transaction->envelope);
    else
        log_add(event, "to", mailbox_whole(recipient));
    unsigned count = recipient == NULL ? transaction->envelope.count : 1;
    log_add_number(event, "recipients", count);
    add_authentication(event, transaction);
    log_add_number(event, "size", transaction->size);
    log_add(event, "status", status);
}

/* What was wrong with line ends: `bad_line_end`, or else the bare LFs that became right ones. */
static void add_form(struct log_event *event, uint64_t bare_lf_count, struct span bad_line_end)
{
    bool is_bare_lf = bad_line_end.length == 0 && bare_lf_count > 0;
    if (bare_lf_count > 0)
        log_add_number(event, "bare_lf", bare_lf_count);
    log_add(event, "form", is_bare_lf ? span_of("bare LF") : bad_line_end);
}

static void add_asked(struct log_event *event, const struct report_asked *asked)
{
    log_add(event, "policy", asked->policy);
    if (asked->command != NULL) {
        log_add(event, "command", span_of(asked->command));
        log_add(event, "ended", span_of(asked->ended));
    }
    log_add(event, "reply", asked->reply);
    if (asked->command != NULL)
        log_add_seconds(event, "seconds", asked->milliseconds);
}

void report_address(const struct transaction *transaction, const struct mailbox *recipient,
                    enum verdict verdict, const struct report_asked *asked)
{
    static struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, recipient == NULL ? LOG_KIND_SENDER : LOG_KIND_RECIPIENT);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "id", transaction_id(transaction));
    add_client(&event, transaction);
    add_sender(&event, transaction);
    if (recipient != NULL)
        log_add(&event, "to", mailbox_whole(recipient));
    add_announced(&event, transaction->announced);
    if (verdict != VERDICT_ACCEPTED)
        log_add(&event, "status", reply_verdict_status(verdict, asked->reply));
    add_asked(&event, asked);
    log_send(&event);
}

void report_refused(const struct transaction *transaction, const struct refusal *refusal)
{
    static const struct {
        enum log_kind kind;
        const char *name; /* of the text */
    } subjects[] = {
        [SUBJECT_SENDER] = {LOG_KIND_SENDER, "from"},
        [SUBJECT_RECIPIENT] = {LOG_KIND_RECIPIENT, "to"},
        [SUBJECT_AUTH] = {LOG_KIND_AUTH, "user"},
    };
    static struct log_event event;
    bool deferred = reply_class(refusal->reply) == '4';
    bool of_sender = refusal->subject == SUBJECT_SENDER;
    bool of_transaction = refusal->in_transaction && refusal->subject == SUBJECT_RECIPIENT;
    log_begin(&event, LOG_LEVEL_INFO, subjects[refusal->subject].kind);
    log_add(&event, "result", span_of(deferred ? "deferred" : "refused"));
    if (of_transaction)
        log_add(&event, "id", transaction_id(transaction));
    add_client(&event, transaction);
    if (of_transaction)
        add_sender(&event, transaction);
    log_add(&event, subjects[refusal->subject].name, refusal_text(refusal));
    if (of_sender)
        add_announced(&event, refusal->size);
    else if (of_transaction)
        add_announced(&event, transaction->announced);
    log_add(&event, "status", span_of(reply_status(refusal->reply)));
    log_send(&event);
}

void report_dropped(const struct transaction *transaction, const struct mailbox *recipient,
                    struct span parameter)
{
    static struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_RECIPIENT);
    log_add(&event, "result", outcome_word(VERDICT_ACCEPTED));
    log_add(&event, "id", transaction_id(transaction));
    add_client(&event, transaction);
    add_sender(&event, transaction);
    log_add(&event, "to", mailbox_whole(recipient));
    log_add(&event, "dropped", parameter);
    log_send(&event);
}

/*
 * The status that the client gets. If one reply combines what several runs came to, it has the text
 * of none of them.
 */
static struct span find_status(const struct transaction *transaction,
                               const struct delivery *delivery)
{
    const struct envelope *envelope = &transaction->envelope;
    bool combines = transaction->each && envelope->count > 1 && !transaction->lmtp &&
                    !envelope->parameters.prdr;
    return reply_verdict_status(delivery->verdict,
                                combines ? span_empty() : outputs_text(&delivery->outputs));
}

void report_delivery(const struct transaction *transaction, const char *command,
                     const struct delivery *delivery)
{
    static struct log_event event;
    struct mailbox mailbox;
    bool is_one = transaction_recipient(transaction, &mailbox);
    begin_message(&event,
                  delivery->discarded ? span_of("discarded") : outcome_word(delivery->verdict),
                  transaction, is_one ? &mailbox : NULL, find_status(transaction, delivery));
    if (delivery->left_out > 0)
        log_add_number(&event, "done", delivery->left_out);
    add_form(&event, transaction->bare_lf_count, span_empty());
    if (transaction_has_one_route(transaction))
        log_add(&event, "route", entry_address(transaction_route(transaction)->last));
    if (delivery->ended[0] != '\0')
        log_add(&event, "command", span_of(command));
    log_add(&event, "ended", span_of(delivery->ended));
    if (delivery->left)
        log_add_number(&event, "left", 1);
    if (delivery->outputs.lines > 0)
        log_add_number(&event, "stderr", delivery->outputs.lines);
    log_add(&event, "reply", outputs_text(&delivery->outputs));
    log_add_seconds(&event, "seconds", delivery->milliseconds);
    log_send(&event);
}

/* What the filter changed, in words, and what of the envelope became what. */
static void add_changes(struct log_event *event, const struct report_changes *changes,
                        const struct edits *edits)
{
    static const char *const names[] = {"header,", "message,", "sender,", "recipients,",
                                        "quarantine,"};
    const bool are[] = {changes->header, changes->message, (changes->touched & EDIT_SENDER) != 0,
                        (changes->touched & EDIT_RECIPIENTS) != 0,
                        (changes->touched & EDIT_QUARANTINE) != 0};
    char octets[64]; /* all of them fit */
    struct text words = {octets, 0, sizeof octets};
    struct span sender = mailbox_whole(&edits->sender);
    for (size_t i = 0; i < sizeof are / sizeof *are; i++)
        text_add_string(&words, are[i] ? names[i] : "");
    log_add(event, "changed", (struct span){octets, words.length > 0 ? words.length - 1 : 0});
    if (are[2])
        log_add(event, "from", sender.length > 0 ? sender : span_of("<>"));
    if (are[3]) {
        log_add_number(event, "added", edits->added);
        log_add_number(event, "removed", edits->removed);
    }
    if (are[4])
        log_add(event, "quarantine", (struct span){edits->quarantine, edits->quarantine_length});
}

void report_filter(const struct transaction *transaction, const char *filter,
                   const struct delivery *delivery, const struct report_changes *changes,
                   const struct edits *edits)
{
    static struct log_event event;
    bool goes_on = delivery->verdict == VERDICT_ACCEPTED && !delivery->discarded;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_FILTER);
    log_add(&event, "result",
            delivery->discarded ? span_of("discarded") : outcome_word(delivery->verdict));
    log_add(&event, "id", transaction_id(transaction));
    log_add(&event, "filter", span_of(filter));
    log_add(&event, "ended", span_of(delivery->ended));
    log_add(&event, "fault", span_of(changes->fault));
    if (goes_on)
        add_changes(&event, changes, edits);
    if (delivery->left)
        log_add_number(&event, "left", 1);
    if (delivery->outputs.lines > 0)
        log_add_number(&event, "stderr", delivery->outputs.lines);
    if (!goes_on)
        log_add(&event, "reply", outputs_text(&delivery->outputs));
    log_add_seconds(&event, "seconds", delivery->milliseconds);
    log_send(&event);
}

void report_refusal(const struct transaction *transaction, enum verdict verdict,
                    struct span bad_line_end)
{
    static struct log_event event;
    bool is_answered = verdict != VERDICT_BROKEN_OFF;
    begin_message(&event, outcome_word(verdict), transaction, NULL,
                  is_answered ? span_of(verdict_status(verdict)) : span_empty());
    add_form(&event, transaction->bare_lf_count, bad_line_end);
    log_send(&event);
}

static void report_text(enum log_kind kind, enum log_level level,
                        const struct connection *connection, const char *text)
{
    static struct log_event event;
    log_begin(&event, level, kind);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "text", span_of(text));
    log_send(&event);
}

void report_proxy(const struct connection *connection, bool silent, const char *reason)
{
    report_text(LOG_KIND_PROXY, silent ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, connection, reason);
}

void report_handshake(const struct connection *connection, const char *reason)
{
    report_text(LOG_KIND_HANDSHAKE, LOG_LEVEL_INFO, connection, reason);
}

void report_certificate(const struct transaction *transaction)
{
    struct span error = transaction_tls(transaction, "SSL_PEER_CERT_ERROR");
    char text[160];
    if (error.length == 0)
        return;
    (void)snprintf(text, sizeof text, "the client's certificate: %.*s", (int)error.length,
                   error.octets); /* what does not fit is cut */
    report_text(LOG_KIND_HANDSHAKE, LOG_LEVEL_INFO, transaction->connection, text);
}

void report_credentials(const struct connection *connection, struct span user, enum verdict verdict)
{
    static struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_AUTH);
    log_add(&event, "result", outcome_word(verdict));
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    log_add(&event, "user", user);
    log_add(&event, "status", span_of(reply_status(auth_reply(verdict_outcome(verdict)))));
    log_send(&event);
}

void report_abuse(const struct connection *connection, struct span protocol)
{
    struct log_event event;
    log_begin(&event, LOG_LEVEL_INFO, LOG_KIND_ABUSE);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    log_add(&event, "form", protocol);
    log_send(&event);
}

void report_connection(const struct transaction *transaction, const struct report_end *end)
{
    static struct log_event event;
    const struct connection *connection = transaction->connection;
    bool health_check = transaction_helo(transaction).length == 0 && !end->spoke;
    log_begin(&event, health_check ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, LOG_KIND_CONNECTION);
    log_add(&event, "client", span_of(connection->client.text));
    log_add(&event, "hostname", span_of(connection->client_hostname));
    if (connection->is_proxied)
        log_add(&event, "proxy", span_of(connection->proxy.text));
    log_add(&event, "helo", transaction_helo(transaction));
    add_authentication(&event, transaction);
    log_add_number(&event, "messages", transaction->number);
    log_add_number(&event, "accepted", transaction->accepted);
    log_add_number(&event, "errors", end->errors);
    if (end->unreported > 0)
        log_add_number(&event, "unreported", end->unreported);
    log_add(&event, "unexpected", end->unexpected);
    log_add(&event, "form", span_of(end->stopped_at_lf ? "bare LF" : ""));
    if (connection->in_is_socket) /* on a pipe nobody waits for replies */
        log_add(&event, "pipelined_behind", end->pipelined_behind);
    log_add(&event, "unconfined", span_of(end->unconfined));
    log_add(&event, "ended", end->reason);
    log_add_seconds(&event, "seconds", end->milliseconds);
    log_send(&event);
}
