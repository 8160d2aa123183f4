#include "handler/transaction.h"

#include <stdio.h>

#include "session/trace.h"

const struct route route_none = {{"", 0}, {"", 0}, {"", 0}};

void transaction_begin(struct transaction *transaction, const char *session_id)
{
    transaction->number++;
    (void)snprintf(transaction->id, sizeof transaction->id, "%s-%u", session_id,
                   transaction->number); /* fits */
    envelope_clear(&transaction->envelope);
    transaction->each = transaction->apart = false;
    transaction->recipient = 0;
    transaction->size = transaction->stored = 0;
}

void transaction_forget_client(struct transaction *transaction)
{
    helo_clear(&transaction->helo);
    transaction->user_length = 0;
    transaction->id[0] = '\0';
    envelope_clear(&transaction->envelope);
}

void transaction_set_user(struct transaction *transaction, struct span user, const char *mechanism)
{
    memcpy(transaction->user, user.octets, user.length);
    transaction->user_length = user.length;
    transaction->mechanism = mechanism;
}

struct span transaction_id(const struct transaction *transaction)
{
    return span_of(transaction->id);
}

struct span transaction_helo(const struct transaction *transaction)
{
    return helo_text(&transaction->helo);
}

struct span transaction_user(const struct transaction *transaction)
{
    return (struct span){transaction->user, transaction->user_length};
}

struct span transaction_tls(const struct transaction *transaction, const char *name)
{
    size_t name_length = strlen(name);
    struct span rest = transaction->tls;
    while (rest.length > 0) {
        const char *parameter = rest.octets;
        if (strncmp(parameter, name, name_length) == 0 && parameter[name_length] == '=')
            return span_of(parameter + name_length + 1);
        rest = span_after(rest, strlen(parameter) + 1);
    }
    return (struct span){NULL, 0};
}

struct span transaction_protocol(const struct transaction *transaction)
{
    return protocol_name((struct protocol){
        .extended = transaction->extended,
        .lmtp = transaction->lmtp,
        .utf8 = transaction->envelope.parameters.utf8,
        .secured = transaction->secured,
        .authenticated = transaction->user_length > 0,
    });
}

bool transaction_recipient(const struct transaction *transaction, struct mailbox *recipient)
{
    if (!transaction->each && transaction->envelope.count != 1)
        return false;
    *recipient = envelope_recipient(&transaction->envelope, transaction->recipient);
    return true;
}

bool transaction_add(struct transaction *transaction, const struct mailbox *recipient,
                     const struct parameters *parameters, const struct route *route,
                     unsigned same_as)
{
    unsigned index = transaction->envelope.count;
    if (!envelope_add(&transaction->envelope, recipient, parameters))
        return false;
    transaction->routes[index] = *route;
    transaction->same_as[index] = (uint16_t)same_as;
    return true;
}

bool transaction_is_repeated(const struct transaction *transaction, unsigned index)
{
    return transaction->same_as[index] != index;
}

const struct route *transaction_route(const struct transaction *transaction)
{
    return &transaction->routes[transaction->recipient];
}

bool transaction_has_one_route(const struct transaction *transaction)
{
    const char *last = transaction->routes[0].last.octets;
    unsigned i = 1;
    while (i < transaction->envelope.count && transaction->routes[i].last.octets == last)
        i++;
    return transaction->each || i >= transaction->envelope.count;
}

static struct span lines_at_hand(const struct transaction *transaction,
                                 const struct envelope_list *list)
{
    return transaction->each ? envelope_line(list, transaction->recipient)
                             : envelope_lines(list, transaction->envelope.count);
}

struct span transaction_notify(const struct transaction *transaction)
{
    return lines_at_hand(transaction, &transaction->envelope.notify);
}

struct span transaction_orcpt(const struct transaction *transaction)
{
    return lines_at_hand(transaction, &transaction->envelope.orcpt);
}

void transaction_leave_out(const struct transaction *transaction, const bool *left_out,
                           struct transaction *rest)
{
    const struct envelope *envelope = &transaction->envelope;
    *rest = *transaction;
    envelope_clear(&rest->envelope);
    rest->envelope.sender = envelope->sender;
    rest->envelope.parameters = envelope->parameters;
    for (unsigned i = 0; i < envelope->count; i++) {
        struct mailbox mailbox = envelope_recipient(envelope, i);
        struct parameters parameters;
        struct span notify = envelope_line(&envelope->notify, i);
        struct span orcpt = envelope_line(&envelope->orcpt, i);
        if (left_out[i])
            continue;
        parameters_clear(&parameters);
        memcpy(parameters.notify, notify.octets, parameters.notify_length = notify.length);
        memcpy(parameters.orcpt, orcpt.octets, parameters.orcpt_length = orcpt.length);
        (void)transaction_add(rest, &mailbox, &parameters, &transaction->routes[i],
                              rest->envelope.count); /* there is room for all */
    }
}
