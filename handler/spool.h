/*
 * Where a message waits until it is whole: in memory while it is small, then in a file that has no
 * name from the start, so that nothing is left behind whatever happens.
 */
#ifndef HANDLER_SPOOL_H
#define HANDLER_SPOOL_H

#include <stdint.h>

#include "../session.h"

enum { SPOOL_MEMORY_MAX = 1024 * 1024 }; /* octets */

struct spool {
    const char *directory; /* of the file; borrowed; NULL for the first that will do */
    int descriptor;        /* -1 while there is no message */
    bool in_file;
    uint64_t length; /* octets kept */
};

/* An empty spool; `directory` NULL means $RUNTIME_DIRECTORY, $TMPDIR or else /var/tmp. */
struct spool spool_of(const char *directory);

/* Whether a file can be made in the directory: 0, or -errno. */
int spool_check(const struct spool *spool);

/* Keeps `octets` behind those kept before. 0, or -errno; then only spool_discard makes sense. */
int spool_append(struct spool *spool, struct span octets);

/*
 * A new descriptor to read the message from its first octet: read-only, seekable, close-on-exec,
 * the caller's to close. Or -errno.
 */
int spool_open(const struct spool *spool);

/* Forgets the message. */
void spool_discard(struct spool *spool);

#endif
