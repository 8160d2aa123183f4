#include "envelope.h"

#include <assert.h>

void envelope_clear(struct envelope *envelope)
{
    envelope->sender.length = envelope->sender.local_length = 0;
    envelope->count = 0;
    envelope->recipients.used = envelope->notify.used = envelope->orcpt.used = 0;
    parameters_clear(&envelope->parameters);
}

/* Whether another line fits, with what parts it from the one before. */
static bool has_room(const struct envelope_list *list, size_t length)
{
    return length + 1 <= sizeof list->octets - list->used;
}

/* Adds line `index`, the next. */
static void add(struct envelope_list *list, unsigned index, struct span text)
{
    if (index > 0)
        list->octets[list->used++] = '\n';
    memcpy(list->octets + list->used, text.octets, text.length);
    list->used += text.length;
    list->ends[index] = (uint32_t)list->used;
}

bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox,
                  const struct parameters *parameters)
{
    unsigned index = envelope->count;
    struct span notify = {parameters->notify, parameters->notify_length};
    struct span orcpt = {parameters->orcpt, parameters->orcpt_length};
    if (index == ENVELOPE_RECIPIENTS_MAX || !has_room(&envelope->recipients, mailbox->length) ||
        !has_room(&envelope->notify, notify.length) || !has_room(&envelope->orcpt, orcpt.length))
        return false;
    add(&envelope->recipients, index, mailbox_whole(mailbox));
    add(&envelope->notify, index, notify);
    add(&envelope->orcpt, index, orcpt);
    envelope->local_lengths[index] = (uint16_t)mailbox->local_length;
    envelope->count++;
    return true;
}

struct mailbox envelope_recipient(const struct envelope *envelope, unsigned index)
{
    assert(index < envelope->count);
    struct span text = envelope_line(&envelope->recipients, index);
    struct mailbox mailbox = {.length = text.length,
                              .local_length = envelope->local_lengths[index]};
    memcpy(mailbox.octets, text.octets, text.length);
    return mailbox;
}

struct span envelope_lines(const struct envelope_list *list)
{
    return (struct span){list->octets, list->used};
}

struct span envelope_line(const struct envelope_list *list, unsigned index)
{
    size_t start = index > 0 ? list->ends[index - 1] + 1 : 0;
    return (struct span){list->octets + start, list->ends[index] - start};
}
