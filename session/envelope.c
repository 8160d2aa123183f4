#include "envelope.h"

#include <assert.h>

void envelope_clear(struct envelope *envelope)
{
    envelope->sender.length = envelope->sender.local_length = 0;
    envelope->count = 0;
    envelope->used = 0;
}

bool envelope_add(struct envelope *envelope, const struct mailbox *mailbox)
{
    size_t separator = envelope->count > 0 ? 1 : 0;
    if (envelope->count == ENVELOPE_RECIPIENTS_MAX ||
        mailbox->length + separator > sizeof envelope->octets - envelope->used)
        return false;
    if (separator > 0)
        envelope->octets[envelope->used++] = '\n';
    envelope->places[envelope->count++] = (struct recipient_place){
        .start = (uint32_t)envelope->used,
        .length = (uint16_t)mailbox->length,
        .local_length = (uint16_t)mailbox->local_length,
    };
    memcpy(envelope->octets + envelope->used, mailbox->octets, mailbox->length);
    envelope->used += mailbox->length;
    return true;
}

struct mailbox envelope_recipient(const struct envelope *envelope, unsigned index)
{
    assert(index < envelope->count);
    struct recipient_place place = envelope->places[index];
    struct mailbox mailbox = {.length = place.length, .local_length = place.local_length};
    memcpy(mailbox.octets, envelope->octets + place.start, place.length);
    return mailbox;
}

struct span envelope_recipients(const struct envelope *envelope)
{
    return (struct span){envelope->octets, envelope->used};
}
