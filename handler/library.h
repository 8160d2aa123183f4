/*
 * Shared libraries that are loaded when they are wanted, and not before: a connection that wants
 * none maps nothing but libc.
 */
#ifndef HANDLER_LIBRARY_H
#define HANDLER_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

enum { LIBRARY_NOTE_MAX = 256 }; /* octets */

/*
 * Names a library to those who build packages, as systemd's own programs do (ELF dlopen note):
 * define a variable of this type as LIBRARY_NOTE, with LIBRARY_NOTE_OF and the JSON text.
 */
struct library_note {
    uint32_t name_size;
    uint32_t text_size;
    uint32_t type;
    char name[sizeof "FDO"];
    char text[LIBRARY_NOTE_MAX];
};

#define LIBRARY_NOTE                                                                               \
    __attribute__((used, section(".note.dlopen"), aligned(4))) static const struct library_note
#define LIBRARY_NOTE_OF sizeof "FDO", LIBRARY_NOTE_MAX, 0x407c0c0a, "FDO"

/* The library; NULL, with its reason in dlerror(3), where it is not there. It stays loaded. */
void *library_load(const char *soname);

/* Sets the function pointer that `function` points to; false where the library has none such. */
bool library_find(void *library, const char *name, void *function);

#endif
