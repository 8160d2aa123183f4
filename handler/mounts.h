/* The other paths of a file: in other mounts of its file system, or of a part of it. */
#ifndef HANDLER_MOUNTS_H
#define HANDLER_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* A file by its path in its file system, which no mount changes. */
struct mounts_place {
    char device[24];
    char path[PATH_MAX]; /* from the root of the file system; "" for that itself */
};

/* Reads what is mounted. A string, the caller's to free; NULL, with errno set, if that fails. */
char *mounts_read(void);

/*
 * Finds the place of the file at `path`, without links, in the mount `id` of statx(2). 0, or -errno
 * if there is no such mount.
 */
int mounts_find(const char *mounts, uint64_t id, const char *path, struct mounts_place *place);

/*
 * Writes the next path that the place may have, `path` of mounts_find among them: another mount may
 * hide it. `*mounts` moves on; false at its end.
 */
bool mounts_next_path(const char **mounts, const struct mounts_place *place, char path[PATH_MAX]);

#endif
