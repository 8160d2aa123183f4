#include "transaction.h"

#include <stdio.h>

void transaction_begin(struct transaction *transaction, const char *session_id)
{
    transaction->number++;
    (void)snprintf(transaction->id, sizeof transaction->id, "%s-%u", session_id,
                   transaction->number); /* fits */
    envelope_clear(&transaction->envelope);
    transaction->each = false;
    transaction->recipient = 0;
    transaction->size = 0;
}

void transaction_forget_client(struct transaction *transaction)
{
    transaction->helo_length = transaction->user_length = 0;
    transaction->id[0] = '\0';
    envelope_clear(&transaction->envelope);
}

void transaction_know_user(struct transaction *transaction, struct span user, const char *mechanism)
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
    return (struct span){transaction->helo, transaction->helo_length};
}

struct span transaction_user(const struct transaction *transaction)
{
    return (struct span){transaction->user, transaction->user_length};
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

void transaction_leave_out(const struct transaction *transaction, const bool *done,
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
        if (done[i])
            continue;
        parameters_clear(&parameters);
        memcpy(parameters.notify, notify.octets, parameters.notify_length = notify.length);
        memcpy(parameters.orcpt, orcpt.octets, parameters.orcpt_length = orcpt.length);
        (void)envelope_add(&rest->envelope, &mailbox, &parameters); /* there is room for all */
    }
}
