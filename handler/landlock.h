/*
 * Gives up the right to read a file, for this process and all that it starts from then on
 * (Landlock). There is no way back.
 */
#ifndef HANDLER_LANDLOCK_H
#define HANDLER_LANDLOCK_H

/*
 * Nothing may be read through `path` any more, nor what is made later in the directories above it;
 * all else that is there may. Only where nobody can gain privileges by executing a program
 * (no_new_privs), since it would be lost to a delivery command otherwise: else -EPERM. 0, or
 * -errno, and nothing is changed.
 */
int landlock_deny(const char *path);

#endif
