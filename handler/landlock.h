/*
 * Rules that take from a process, and all that it starts, the right to read some files (Landlock).
 * There is no way back.
 */
#ifndef HANDLER_LANDLOCK_H
#define HANDLER_LANDLOCK_H

#include <limits.h>
#include <stddef.h>

enum { LANDLOCK_DENIED_MAX = 32 };

/* Files, by paths without links; as many as there may be keys, and words of a program. */
struct landlock_denied {
    size_t count;
    char paths[LANDLOCK_DENIED_MAX][PATH_MAX];
};

/*
 * Makes rules under which these files cannot be read, by no path that they have in any mount, nor
 * what is made later in the directories above them; all else that is there can. Only if nobody can
 * gain privileges by executing a program (no_new_privs), which the rules would take away: otherwise
 * -EPERM. A descriptor, which is closed in programs that are executed, or -errno: -ENOSYS or
 * -EOPNOTSUPP if the kernel has no such rules, -EMLINK if a file has hard links.
 */
int landlock_deny(const struct landlock_denied *denied);

/* Puts such rules in force for this process. 0, or -1 with errno. Calls the kernel and no more. */
int landlock_enforce(int rules);

#endif
