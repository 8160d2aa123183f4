#include "handler/runner/request.h"

#include <string.h>

#include "session/text/text.h"

/* The text's octets, if it has as many as it says. */
/*@ requires \valid(span) && \valid_read(text) && \separated(span, text);
    assigns *span;
    ensures span->octets == &text->octets[0];
    ensures \result ==> span->length <= RECORD_TEXT_MAX && readable(*span); */
static bool copy_text(struct span *span, const struct record_text *text)
{
    *span = record_span(text);
    return text->length <= RECORD_TEXT_MAX;
}

bool request_copy_words(struct span *words, const struct record_text *text)
{
    return copy_text(words, text) && span_is_printable(*words);
}

bool request_copy_harmless(struct span *words, const struct record_text *text)
{
    return copy_text(words, text) && text_is_harmless(*words);
}

bool request_copy_helo(struct transaction *transaction, const struct record_text *text)
{
    struct span said;
    helo_clear(&transaction->helo);
    if (!request_copy_words(&said, text) || said.length > HELO_MAX)
        return false;
    if (said.length > 0)
        helo_copy(&transaction->helo, said);
    return true;
}

/*@ requires \valid(endpoint) && \valid_read(record) && \separated(endpoint, record);
    assigns *endpoint; */
static bool copy_endpoint(struct endpoint *endpoint, const struct record_endpoint *record)
{
    struct span address;
    endpoint->port = record->port;
    return copy_text(&address, &record->address) &&
           (address.length == 0 || endpoint_parse(endpoint, address));
}

bool request_copy_client(struct connection *connection, struct span *user,
                         const struct request *request, bool by_xclient)
{
    struct endpoint client = {.port = 0}, local = {.port = 0};
    struct span name;
    if (!copy_endpoint(&client, &request->client.client) ||
        !copy_endpoint(&local, &request->client.local) ||
        !copy_text(&name, &request->client.hostname) || !copy_text(user, &request->client.user))
        return false;
    bool is_somebody = user->length > 0, is_named = name.length > 0;
    if (by_xclient ? (is_named && !xclient_is_name(name)) || (is_somebody && !auth_is_name(*user))
                   : is_named || is_somebody)
        return false;
    connection_set_proxied(connection, &client, &local, name);
    return true;
}

bool request_copy_credentials(struct credentials *credentials, const struct request *request)
{
    credentials->mechanism = span_of(request->credentials.login != 0 ? "LOGIN" : "PLAIN");
    return request->credentials.extended != 0 &&
           copy_text(&credentials->user, &request->credentials.user) &&
           copy_text(&credentials->password, &request->credentials.password) &&
           auth_is_name(credentials->user) && auth_is_password(credentials->password);
}

/* A mailbox in its canonical form: it is parsed here once more. Empty is the null sender. */
/*@ requires \valid(mailbox) && \valid_read(text) && \separated(mailbox, text);
    assigns *mailbox;
    ensures \result ==> mailbox_ok(mailbox); */
static bool copy_mailbox(struct mailbox *mailbox, enum path_kind kind,
                         const struct record_text *text, bool utf8)
{
    struct span whole;
    if (!copy_text(&whole, text) || !(utf8 || span_is_ascii(whole)))
        return false;
    struct span path = whole.length > 0 ? whole : span_of("<>");
    return path_parse(&path, kind, mailbox) == PATH_RESULT_OK && path.length == 0 &&
           mailbox->length == whole.length &&
           memcmp(mailbox->octets, whole.octets, whole.length) == 0;
}

/* A sender is null or has a domain: the session has given it ours. */
/*@ requires \valid(mailbox) && \valid_read(text) && \separated(mailbox, text);
    assigns *mailbox;
    ensures \result ==> mailbox_ok(mailbox); */
static bool copy_sender(struct mailbox *mailbox, const struct record_text *text, bool utf8)
{
    return copy_mailbox(mailbox, PATH_KIND_REVERSE, text, utf8) &&
           (mailbox->length == 0 || mailbox_domain(mailbox).length > 0);
}

/* The value of a parameter, as in struct parameters; empty unless it `may_be`. */
/*@ requires writable(room) && \valid(length) && \valid_read(text);
    requires \separated(length, text, room.octets + (0 .. room.length - 1));
    requires is_valid \in {&parameter_is_envid, &parameter_is_notify, &parameter_is_orcpt,
        &parameter_is_dropped};
    assigns *length, room.octets[0 .. room.length - 1];
    ensures *length <= room.length; */
static bool copy_parameter(struct room room, size_t *length, const struct record_text *text,
                           bool may_be, bool (*is_valid)(struct span text))
{
    struct span value;
    bool is_right;
    *length = 0;
    if (!copy_text(&value, text) || value.length > room.length)
        return false;
    if (value.length == 0)
        return true;
    /*@ calls parameter_is_envid, parameter_is_notify, parameter_is_orcpt, parameter_is_dropped; */
    is_right = is_valid(value);
    if (!may_be || !is_right)
        return false;
    memcpy(room.octets, value.octets, value.length);
    *length = value.length;
    return true;
}

/* The value of RET=, "" for none. */
/*@ requires \valid(ret) && \valid_read(text) && \separated(ret, text);
    requires \valid_read(*ret);
    assigns *ret;
    ensures \valid_read(*ret); */
static bool copy_ret(const char **ret, const struct record_text *text, bool may_be)
{
    static const char *const words[] = {"", "FULL", "HDRS"};
    struct span said;
    if (!copy_text(&said, text))
        return false;
    /*@ loop invariant 0 <= i <= 3;
        loop assigns i;
        loop variant 3 - i; */
    for (size_t i = 0; i < (may_be ? sizeof words / sizeof *words : 1); i++) {
        if (!span_equal(said, span_of(words[i])))
            continue;
        *ret = words[i];
        return true;
    }
    return false;
}

/* Whether the parameters agree with HELO, EHLO or LHLO. */
/*@ requires \valid_read(request) && \valid_read(transaction) && \valid_read(options);
    requires helo_ok(&transaction->helo);
    assigns \nothing; */
static bool fits_greeting(const struct request *request, const struct transaction *transaction,
                          const struct options *options)
{
    bool extended = request->sender.extended != 0;
    return transaction_helo(transaction).length > 0 && (extended || !options->lmtp) &&
           (extended || (request->sender.utf8 == 0 && request->sender.prdr == 0 &&
                         request->sender.binary == 0));
}

bool request_copy_sender(struct transaction *transaction, const struct request *request,
                         const struct options *options)
{
    struct parameters *parameters = &transaction->envelope.parameters;
    bool dsn = options->dsn && request->sender.extended != 0;
    transaction->extended = request->sender.extended != 0;
    transaction->announced = request->sender.size;
    parameters->utf8 = request->sender.utf8 != 0;
    parameters->prdr = request->sender.prdr != 0;
    parameters->binary = request->sender.binary != 0;
    return request_copy_helo(transaction, &request->sender.helo) &&
           fits_greeting(request, transaction, options) &&
           copy_sender(&transaction->envelope.sender, &request->sender.mailbox, parameters->utf8) &&
           copy_ret(&parameters->ret, &request->sender.ret, dsn) &&
           copy_parameter((struct room){parameters->envid, ENVID_MAX}, &parameters->envid_length,
                          &request->sender.envid, dsn, parameter_is_envid);
}

bool request_copy_refusal(struct refusal *refusal, const struct request *request)
{
    struct span text;
    uint32_t subject = request->refused.subject, reply = request->refused.reply;
    if (subject == SUBJECT_OTHER || subject >= SUBJECTS || reply == REPLY_NONE ||
        reply >= REPLIES || reply_class((enum reply)reply) < '4' ||
        !request_copy_harmless(&text, &request->refused.text) ||
        text.length > sizeof refusal->octets)
        return false;
    refusal->subject = (enum subject)subject;
    refusal->reply = (enum reply)reply;
    refusal->in_transaction = request->refused.in_transaction != 0;
    refusal->size = request->refused.size;
    memcpy(refusal->octets, text.octets, text.length);
    refusal->length = text.length;
    return true;
}

bool request_copy_recipient(struct mailbox *mailbox, struct parameters *parameters,
                            const struct request *request, const struct transaction *transaction,
                            const struct options *options)
{
    bool utf8 = transaction->envelope.parameters.utf8;
    bool dsn = options->dsn && transaction->extended;
    parameters_clear(parameters);
    return copy_mailbox(mailbox, PATH_KIND_FORWARD, &request->recipient.mailbox, utf8) &&
           copy_parameter((struct room){parameters->notify, NOTIFY_MAX}, &parameters->notify_length,
                          &request->recipient.notify, dsn, parameter_is_notify) &&
           copy_parameter((struct room){parameters->orcpt, ORCPT_MAX}, &parameters->orcpt_length,
                          &request->recipient.orcpt, dsn, parameter_is_orcpt) &&
           copy_parameter((struct room){parameters->dropped, DROPPED_MAX},
                          &parameters->dropped_length, &request->recipient.dropped, dsn,
                          parameter_is_dropped);
}
