#include "session/envelope.h"

#include <assert.h>

void envelope_clear(struct envelope *envelope)
{
    envelope->sender.length = envelope->sender.local_length = 0;
    envelope->count = 0;
    parameters_clear(&envelope->parameters);
}

/*@ logic integer next_start(struct envelope_list *list, integer index) =
        index > 0 ? list->starts[index - 1] + list->lengths[index - 1] + 1 : 0; */
/* The index at which line `index` starts: behind the line feed of the one before. */
/*@ requires \valid_read(list) && index <= ENVELOPE_RECIPIENTS_MAX;
    assigns \nothing;
    ensures \result == next_start(list, index); */
static size_t start_of(const struct envelope_list *list, unsigned index)
{
    return index > 0 ? (size_t)list->starts[index - 1] + list->lengths[index - 1] + 1 : 0;
}

/*@ requires \valid_read(list) && index <= ENVELOPE_RECIPIENTS_MAX && length <= UINT16_MAX;
    assigns \nothing;
    ensures \result <==> next_start(list, index) + length <= ENVELOPE_OCTETS_MAX; */
static bool has_room(const struct envelope_list *list, unsigned index, size_t length)
{
    return start_of(list, index) + length <= sizeof list->octets;
}

/* Adds line `index`, the next. */
/*@ requires \valid(list) && index < ENVELOPE_RECIPIENTS_MAX && readable(text);
    requires text.length <= UINT16_MAX;
    requires next_start(list, index) + text.length <= ENVELOPE_OCTETS_MAX;
    requires \separated(list, text.octets + (0 .. text.length - 1));
    assigns list->octets[0 .. ENVELOPE_OCTETS_MAX - 1], list->starts[index], list->lengths[index];
    ensures list->lengths[index] == text.length && is_within(list, index, text.length); */
static void add(struct envelope_list *list, unsigned index, struct span text)
{
    size_t start = start_of(list, index);
    if (index > 0)
        list->octets[start - 1] = '\n';
    memcpy(list->octets + start, text.octets, text.length);
    list->starts[index] = (uint32_t)start;
    list->lengths[index] = (uint16_t)text.length;
}

bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox,
                  const struct parameters *parameters)
{
    unsigned index = envelope->count;
    struct span notify = {parameters->notify, parameters->notify_length};
    struct span orcpt = {parameters->orcpt, parameters->orcpt_length};
    if (index == ENVELOPE_RECIPIENTS_MAX ||
        !has_room(&envelope->recipients, index, mailbox->length) ||
        !has_room(&envelope->notify, index, notify.length) ||
        !has_room(&envelope->orcpt, index, orcpt.length))
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

struct span envelope_lines(const struct envelope_list *list, unsigned count)
{
    size_t length = count > 0 ? (size_t)list->starts[count - 1] + list->lengths[count - 1] : 0;
    return (struct span){list->octets, length};
}

struct span envelope_line(const struct envelope_list *list, unsigned index)
{
    return (struct span){list->octets + list->starts[index], list->lengths[index]};
}
