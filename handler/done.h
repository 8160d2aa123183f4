/*
 * Who has a message already, for --done-list: a sender that has not heard our answer, or heard that
 * others of its recipients must wait, tries again, and then these are left out.
 *
 * An entry is an empty file, DIRECTORY/12/12ab..., named by the SHA-256, in hexadecimal digits, of
 * sender, NUL, recipient, NUL, and the SHA-256 of the message without our trace fields. It is made
 * when the command has succeeded, and taken away when the client has heard so. The rest is cleaned
 * by whoever makes an entry beside it. While the command runs an octet of DIRECTORY/lock is locked,
 * where the name says, so that a retry that comes meanwhile waits.
 */
#ifndef HANDLER_DONE_H
#define HANDLER_DONE_H

#include "../session.h"
#include "sha256.h"

enum {
    DONE_SECONDS_MAX = 7 * 24 * 3600, /* by then senders give up */
    DONE_ENTRIES_MAX = 390            /* in each of the 256 directories: some 100,000 */
};

struct done_key {
    unsigned char octets[SHA256_OCTETS];
};

/* The caller owns its memory, zeros at first. */
struct done {
    const char *directory; /* borrowed; NULL for no list: nobody has anything then */
    bool locking;
    int lock; /* then: the file that has the locks */
    bool digested;
    struct done_key message;
    bool has[ENVELOPE_RECIPIENTS_MAX];
    unsigned settled; /* of the keys: those of messages before */
    unsigned count;
    struct done_key keys[ENVELOPE_RECIPIENTS_MAX]; /* of entries that nobody heard of yet */
};

/* Whether the list can be used; made where it is missing. 0, or -errno. */
int done_check(const char *directory);

/*
 * Looks for recipients `first` to `end` - 1 of what is read from `message`, behind `trace` octets
 * of ours. How many of them have it already, as done_has says of each; or -errno: -EALREADY where
 * another connection is about to deliver it to one.
 */
int done_look(struct done *done, int message, size_t trace, const struct envelope *envelope,
              unsigned first, unsigned end);
bool done_has(const struct done *done, unsigned recipient);

/* They all have it now, and it stays known if the machine stops. 0, or -errno. */
int done_add(struct done *done, const struct envelope *envelope, unsigned first, unsigned end);

/* This was all of the message. Its entries stay for their time unless it was delivered `whole`. */
void done_settle(struct done *done, bool whole);

/* The client has heard the answers to all messages before: it does not try them again. */
void done_forget(struct done *done);

#endif
