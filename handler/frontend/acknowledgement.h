/*
 * When a client has shown that it read the 250 to a message, so that it does not send it again: for
 * --done-list. Octets show it that come after the reply was written.
 */
#ifndef HANDLER_FRONTEND_ACKNOWLEDGEMENT_H
#define HANDLER_FRONTEND_ACKNOWLEDGEMENT_H

#include "handler/boundary/boundary.h"
#include "handler/frontend/stream.h"

/* All false at first. */
struct acknowledgement {
    bool is_due;            /* an accepted message that the client has not acknowledged */
    bool comes_with_octets; /* whatever the client sends next acknowledges it */
};

/* A message is over, which was `accepted` or not; a reply to it will be written. */
void acknowledgement_after_message(struct acknowledgement *acknowledgement, bool accepted);

/* Replies were written to the client, `all` of them or not. */
void acknowledgement_after_write(struct acknowledgement *acknowledgement, bool all,
                                 const struct stream *stream);

/* Octets came from the client: tells the runner if these acknowledge a message. */
void acknowledgement_after_read(struct acknowledgement *acknowledgement, struct boundary *boundary);

#endif
