/*
 * Shared libraries that are loaded on first use: a connection that uses none maps nothing but libc.
 */
#ifndef HANDLER_LIBRARY_H
#define HANDLER_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIBRARY_NOTE_MAX = 256 }; /* octets */

/*
 * Names a library to packaging tools, in an ELF dlopen note, as systemd's own programs do: define a
 * variable of this type as LIBRARY_NOTE, with LIBRARY_NOTE_OF and the JSON text.
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

/* A function of a library, and the pointer to it that is set. */
struct library_function {
    const char *name;
    void *pointer;
};

enum library_state { LIBRARY_UNTRIED, LIBRARY_MISSING, LIBRARY_LOADED };

/*
 * Loads the library on the first call, for good, and sets its `functions`. False, with the reason
 * in dlerror(3), if it is not there or lacks one of them.
 */
bool library_load_once(enum library_state *state, const char *soname,
                       const struct library_function *functions, size_t count);

#endif
