/*
 * Gives up the right to read certain files, for this process and all that it starts from then on
 * (Landlock). There is no way back.
 */
#ifndef HANDLER_LANDLOCK_H
#define HANDLER_LANDLOCK_H

#include <stddef.h>

/*
 * Nothing may be read through `paths`, `count` of them, any more, nor what is made in the
 * directories above them later; all else that is there may. Only where nobody can gain privileges
 * by executing a program (no_new_privs), since it would be lost to a delivery command otherwise,
 * and where the kernel knows Landlock: 0, or -errno, and nothing is changed.
 */
int landlock_deny(const char *const *paths, size_t count);

#endif
