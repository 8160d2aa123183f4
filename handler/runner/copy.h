/*
 * A message as one of its recipients gets it. The frontend stores it once, behind trace fields that
 * name no recipient if there are several; who is delivered to alone gets a copy behind fields that
 * name it, written from what the runner knows itself.
 */
#ifndef HANDLER_RUNNER_COPY_H
#define HANDLER_RUNNER_COPY_H

#include "handler/runner/state.h"

enum {
    COPY_HEADER_MAX = 256 * 1024,       /* octets of the header that are looked at */
    COPY_OCTETS_MAX = 256 * 1024 * 1024 /* of all copies of a message, but the first */
};

/*
 * Whether the message was delivered to recipient `index` before, by a Delivered-To that we would
 * add: RFC 5321 6.3. Behind the client's recipients those count whom filters have added. The header
 * is read once a message, for all of them.
 */
bool copy_shows_loop(struct runner *runner, unsigned index, const struct stored *message);

/* Whether one more copy of the message would be more than a client may cost us. */
bool copy_is_too_much(const struct runner *runner);

/*
 * A descriptor to read the copy for `recipient` from its first octet, the caller's to close, and
 * its `length`; or -errno. Its fields name `sender`, too.
 */
int copy_open(struct runner *runner, const struct mailbox *sender, const struct mailbox *recipient,
              const struct stored *message, uint64_t *length);

#endif
