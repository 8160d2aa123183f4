/*
 * Shared libraries that are loaded when they are wanted, and not before: a connection that wants
 * none maps nothing but libc.
 */
#ifndef HANDLER_LIBRARY_H
#define HANDLER_LIBRARY_H

#include <stdbool.h>

/* The library; NULL, with its reason in dlerror(3), where it is not there. It stays loaded. */
void *library_load(const char *soname);

/* Sets the function pointer that `function` points to; false where the library has none such. */
bool library_find(void *library, const char *name, void *function);

#endif
