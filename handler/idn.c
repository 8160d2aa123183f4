#include "idn.h"

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>

#include "library.h"

#define SONAME "libidn2.so.0"

LIBRARY_NOTE note = {LIBRARY_NOTE_OF,
                     "[{\"feature\":\"idn\",\"description\":\"Domain names beyond ASCII\","
                     "\"priority\":\"suggested\",\"soname\":[\"" SONAME "\"]}]"};

static struct {
    __typeof__(idn2_to_ascii_8z) *to_ascii;
    __typeof__(idn2_to_unicode_8z8z) *to_unicode;
} library;

static bool load(void)
{
    static bool tried, loaded;
    if (tried)
        return loaded;
    tried = true;
    void *handle = library_load(SONAME);
    loaded = handle != NULL && library_find(handle, "idn2_to_ascii_8z", &library.to_ascii) &&
             library_find(handle, "idn2_to_unicode_8z8z", &library.to_unicode);
    return loaded;
}

/* Converts to A-labels or to U-labels; false where IDNA2008 knows no such name. */
static bool convert(int (*conversion)(const char *name, char **converted, int flags),
                    struct span name, char converted[DOMAIN_MAX + 1])
{
    char text[DOMAIN_MAX + 1];
    char *found = NULL;
    if (name.length > DOMAIN_MAX)
        return false;
    memcpy(text, name.octets, name.length);
    text[name.length] = '\0';
    /* Without the mappings of UTS 46: a U-label has one spelling, RFC 6531 3.3 wants no other. */
    bool valid = conversion(text, &found, IDN2_NO_TR46) == IDN2_OK && strlen(found) <= DOMAIN_MAX;
    if (valid)
        memcpy(converted, found, strlen(found) + 1);
    free(found);
    return valid;
}

static bool holds_a_label(struct span name)
{
    static const char mark[] = "xn--";
    for (; name.length >= sizeof mark - 1; name = span_after(name, 1))
        if (span_equal(span_first(name, sizeof mark - 1), span_of(mark)))
            return true;
    return false;
}

bool idn_is_plain(struct span name)
{
    return span_is_ascii(name) && !holds_a_label(name);
}

void idn_find_forms(struct span name, struct idn_forms *forms)
{
    forms->count = 1;
    forms->names[0] = name;
    bool international = !idn_is_plain(name);
    forms->unknown = international && !load();
    if (!international || forms->unknown || !convert(library.to_ascii, name, forms->ascii))
        return;
    forms->names[forms->count++] = span_of(forms->ascii);
    if (convert(library.to_unicode, span_of(forms->ascii), forms->unicode))
        forms->names[forms->count++] = span_of(forms->unicode);
}

bool idn_is_form(const struct idn_forms *forms, struct span name)
{
    for (unsigned i = 0; i < forms->count; i++)
        if (span_equal(forms->names[i], name))
            return true;
    return false;
}

int idn_check(struct span name)
{
    char ascii[DOMAIN_MAX + 1];
    if (span_is_ascii(name))
        return 0;
    if (!load())
        return -ENOSYS;
    return convert(library.to_ascii, name, ascii) ? 0 : -EINVAL;
}
