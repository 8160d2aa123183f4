#include "handler/frontend/acknowledgement.h"

void acknowledgement_after_message(struct acknowledgement *acknowledgement, bool accepted)
{
    acknowledgement->is_due |= accepted;
    acknowledgement->comes_with_octets = false;
}

void acknowledgement_after_write(struct acknowledgement *acknowledgement, bool all,
                                 const struct stream *stream)
{
    /* Input that already arrived cannot be an answer to this reply. */
    acknowledgement->comes_with_octets =
        acknowledgement->is_due && all && !stream_has_input(stream);
}

void acknowledgement_after_read(struct acknowledgement *acknowledgement, struct boundary *boundary)
{
    if (!acknowledgement->comes_with_octets)
        return;
    boundary_acknowledge(boundary);
    *acknowledgement = (struct acknowledgement){.is_due = false};
}
