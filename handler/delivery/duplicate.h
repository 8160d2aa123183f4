/*
 * Which recipients have a message already, for --done-list: a sender that lost our reply, or got
 * 4xx for other recipients, retries; the command is not run again for recipients already served.
 *
 * An entry is an empty file, DIRECTORY/12/12ab..., named by the message's key for the recipient. It
 * is made when the command has succeeded, and removed when the client has acknowledged the reply.
 * Who makes an entry now and then cleans its directory. While the command runs, an octet of
 * DIRECTORY/lock, whose place is the key's first 7 octets, is locked, so that a concurrent retry
 * waits.
 */
#ifndef HANDLER_DELIVERY_DUPLICATE_H
#define HANDLER_DELIVERY_DUPLICATE_H

#include "handler/delivery/key.h"
#include "session.h"

enum {
    DUPLICATE_SECONDS_MAX = 7 * 24 * 3600, /* senders give up by then */
    DUPLICATE_ENTRIES_MAX = 390            /* in each of the 256 directories: some 100,000 */
};

/* The caller owns its memory, which is zeros at first. */
struct duplicate {
    const char *directory; /* borrowed; NULL for no list: nothing is a duplicate */
    bool locking;
    int lock; /* the file, if `locking` */
    bool has[ENVELOPE_RECIPIENTS_MAX];
    unsigned acknowledgeable; /* of the keys: of earlier messages */
    unsigned count;
    struct key keys[ENVELOPE_RECIPIENTS_MAX]; /* of entries not acknowledged yet */
};

/* Checks that the list can be used, and makes it if it is missing. 0, or -errno. */
int duplicate_prepare(const char *directory);

/* Whether duplicate_prepare would succeed: 0, or -errno. Leaves nothing behind. */
int duplicate_check(const char *directory);

/*
 * Finds which of the recipients `first` to `end` - 1 have the message; `has` says which. Returns
 * how many, or -errno: -EALREADY if another connection is delivering it to one.
 */
int duplicate_find(struct duplicate *duplicate, const struct key_content *content,
                   const struct envelope *envelope, unsigned first, unsigned end);

/* Adds those recipients, on the disk. 0, or -errno. */
int duplicate_add(struct duplicate *duplicate, const struct key_content *content,
                  const struct envelope *envelope, unsigned first, unsigned end);

/* Ends the message. If it was not delivered `whole`, its entries stay after the acknowledgement. */
void duplicate_close(struct duplicate *duplicate, bool whole);

/* The client has acknowledged all earlier messages, and will not retry them: removes their entries.
 */
void duplicate_forget(struct duplicate *duplicate);

#endif
