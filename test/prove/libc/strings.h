/*
 * What is believed of the C library.
 */
#ifndef STRINGS_H
#define STRINGS_H

#include <stddef.h>

/*@ requires \valid_read(a + (0 .. count - 1)) && \valid_read(b + (0 .. count - 1));
    assigns \result \from a[0 .. count - 1], b[0 .. count - 1]; */
int strncasecmp(const char *a, const char *b, size_t count);

#endif
