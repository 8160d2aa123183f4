#include "handler/library.h"

#include <dlfcn.h>
#include <string.h>

bool library_load_once(enum library_state *state, const char *soname,
                       const struct library_function *functions, size_t count)
{
    if (*state != LIBRARY_UNTRIED)
        return *state == LIBRARY_LOADED;
    *state = LIBRARY_MISSING;
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        /* dlsym gives an object pointer, which ISO C makes no function of. */
        void *symbol = dlsym(library, functions[i].name);
        memcpy(functions[i].pointer, &symbol, sizeof symbol);
        if (symbol == NULL)
            return false;
    }
    *state = LIBRARY_LOADED;
    return true;
}
