/*
 * Stores a message until it is whole: in memory while it is small, then in a file that has no name
 * from the start, so that nothing is left behind whatever happens. The frontend writes the octets
 * (boundary.h).
 */
#ifndef HANDLER_RUNNER_SPOOL_H
#define HANDLER_RUNNER_SPOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "session/text/span.h"

struct spool {
    const char *directory; /* of the file; borrowed; NULL for the default */
    int descriptor;        /* to write to; -1 while there is no message */
    bool in_file;
    bool is_fixed; /* memory of a fixed size, of which the writer's offset tells what is used */
    bool sealed;
    int error; /* -errno: octets may be lost, for good; 0 if not */
};

/* An empty spool; `directory` NULL means $RUNTIME_DIRECTORY, $TMPDIR or else /var/tmp. */
struct spool spool_new(const char *directory);

/*
 * Whether a file can be created in the directory, whose name, perhaps cut, is put into `place`: 0,
 * or -errno. The file has no name.
 */
int spool_check(const struct spool *spool, char place[PATH_MAX]);

/*
 * Begins a message: in memory, for up to SPOOL_MEMORY_MAX octets, or in a file if there is no
 * memory. 0, or -errno.
 */
int spool_begin(struct spool *spool);

/*
 * The same for a writer that is not the frontend: an empty file, in memory if no more octets than
 * fit there are `expected`.
 */
int spool_begin_empty(struct spool *spool, uint64_t expected);

/* Moves the octets from memory to a file. 0; or -errno, and they stay in memory. */
int spool_move_to_file(struct spool *spool);

/*
 * Seals the message: nobody can change it any more. `may_be_mapped` tells whether its writer can
 * have mapped it, which takes time to rule out. 0; -ETXTBSY or -EBUSY if somebody could still
 * change it; another -errno if octets may be lost.
 */
int spool_seal(struct spool *spool, bool may_be_mapped);

/* The octets written, or -errno. */
int64_t spool_length(const struct spool *spool);

/*
 * A new descriptor to read the sealed message from its first octet: read-only, seekable,
 * close-on-exec, the caller's to close. Or -errno.
 */
int spool_open(const struct spool *spool);

/* The same of a message that such a descriptor reads: another one, with an offset of its own. */
int spool_reopen(int message);

/* A piece of a copy: octets, and behind them those of the message from `from` to `end` - 1. */
struct spool_piece {
    struct span octets;
    off_t from, end;
};

/*
 * A new message, of pieces of `message`: a descriptor to read it, as spool_open gives it, and its
 * `length`. Or -errno.
 */
int spool_copy(const struct spool *spool, int message, const struct spool_piece *pieces,
               size_t count, uint64_t *length);

/* Forgets the message. */
void spool_discard(struct spool *spool);

#endif
