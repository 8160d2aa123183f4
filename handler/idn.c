#include "idn.h"

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>

#include "library.h"

#define SONAME "libidn2.so.0"
#define NOTE                                                                                       \
    "[{\"feature\":\"idn\",\"description\":\"Domain names beyond ASCII\","                         \
    "\"priority\":\"suggested\",\"soname\":[\"" SONAME "\"]}]"

/* Names the library to those who build packages (ELF dlopen note). */
__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
    uint32_t name_size;
    uint32_t text_size;
    uint32_t type;
    char name[sizeof "FDO"];
    char text[sizeof NOTE];
} note = {sizeof "FDO", sizeof NOTE, 0x407c0c0a, "FDO", NOTE};

static __typeof__(idn2_to_ascii_8z) *to_ascii;

static bool load(void)
{
    static bool tried;
    void *library = tried ? NULL : library_load(SONAME);
    tried = true;
    if (library != NULL && !library_find(library, "idn2_to_ascii_8z", &to_ascii))
        to_ascii = NULL;
    return to_ascii != NULL;
}

int idn_to_ascii(struct span name, char ascii[DOMAIN_MAX + 1])
{
    char text[DOMAIN_MAX + 1];
    char *found = NULL;
    if (name.length > DOMAIN_MAX)
        return -EINVAL;
    memcpy(text, name.octets, name.length);
    text[name.length] = '\0';
    if (!load())
        return -ENOSYS;
    bool valid = to_ascii(text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
                 strlen(found) <= DOMAIN_MAX;
    if (valid)
        memcpy(ascii, found, strlen(found) + 1);
    free(found);
    return valid ? 0 : -EINVAL;
}

/* A name in ASCII is that of one beyond ASCII only if it says so. */
static bool holds_a_label(struct span name)
{
    static const char mark[] = "xn--";
    for (; name.length >= sizeof mark - 1; name = span_after(name, 1))
        if (span_equal(span_first(name, sizeof mark - 1), span_of(mark)))
            return true;
    return false;
}

int idn_equal(struct span a, struct span b)
{
    char ascii_a[DOMAIN_MAX + 1], ascii_b[DOMAIN_MAX + 1];
    bool beyond_a = !span_is_ascii(a), beyond_b = !span_is_ascii(b);
    if (span_equal(a, b))
        return 1;
    if ((!beyond_a && !holds_a_label(a)) || (!beyond_b && !holds_a_label(b)) ||
        (!beyond_a && !beyond_b))
        return 0;
    int result = idn_to_ascii(a, ascii_a);
    if (result == 0)
        result = idn_to_ascii(b, ascii_b);
    if (result == -EINVAL)
        return 0;
    return result < 0 ? result : span_equal(span_of(ascii_a), span_of(ascii_b));
}
