/*
 * Where a message waits until it is whole: in memory while it is small, then in a file that has no
 * name from the start, so that nothing is left behind whatever happens. Its octets are written by
 * the session process (boundary.h); here is where they go and come from.
 */
#ifndef HANDLER_SPOOL_H
#define HANDLER_SPOOL_H

#include <stdint.h>

#include "../session.h"

enum { SPOOL_MEMORY_MAX = 1024 * 1024 }; /* octets */

struct spool {
    const char *directory; /* of the file; borrowed; NULL for the first that will do */
    int descriptor;        /* -1 while there is no message; to write to, from its first octet on */
    bool in_file;
    bool ended;
};

/* An empty spool; `directory` NULL means $RUNTIME_DIRECTORY, $TMPDIR or else /var/tmp. */
struct spool spool_of(const char *directory);

/* Whether a file can be made in the directory: 0, or -errno. */
int spool_check(const struct spool *spool);

/*
 * Begins a message: in memory, up to SPOOL_MEMORY_MAX octets, or in a file where there is none to
 * be had. 0, or -errno.
 */
int spool_begin(struct spool *spool);

/* Moves what was written from memory to a file. 0, or -errno, and it stays where it is. */
int spool_move_to_file(struct spool *spool);

/*
 * From now on nobody can change the message. `may_be_mapped` tells whether who wrote it can have it
 * in their memory, which takes a while to rule out. 0; -ETXTBSY or -EBUSY where somebody still
 * could change it; or -errno.
 */
int spool_end(struct spool *spool, bool may_be_mapped);

/* Octets written. Or -errno. */
int64_t spool_length(const struct spool *spool);

/*
 * A new descriptor to read the message, which has ended, from its first octet: read-only, seekable,
 * close-on-exec, the caller's to close. Or -errno.
 */
int spool_open(const struct spool *spool);

/* Forgets the message. */
void spool_discard(struct spool *spool);

#endif
