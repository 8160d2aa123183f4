/*
 * What a process that was taken over, any of ours, asks the kernel for.
 */
#ifndef TEST_DRILL_KERNEL_H
#define TEST_DRILL_KERNEL_H

#include <stdbool.h>

/* What `name` says: it returns whether it was had. NULL if there is no such attack. */
bool (*kernel_attack(const char *name))(void);

#endif
