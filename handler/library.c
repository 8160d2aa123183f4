#include "library.h"

#include <dlfcn.h>
#include <string.h>

void *library_load(const char *soname)
{
    return dlopen(soname, RTLD_NOW | RTLD_LOCAL);
}

bool library_find(void *library, const char *name, void *function)
{
    /* dlsym gives an object pointer, which ISO C makes no function of. */
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}
