#include "handler/verdict/idn.h"

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>

#ifdef IDN2_IS_LINKED

static const struct {
    __typeof__(idn2_to_ascii_8z) *to_ascii;
    __typeof__(idn2_to_unicode_8z8z) *to_unicode;
} library = {idn2_to_ascii_8z, idn2_to_unicode_8z8z};

static bool load(void)
{
    return true;
}

#else

#include "handler/library.h"

#define SONAME "libidn2.so.0"

LIBRARY_NOTE note = {LIBRARY_NOTE_OF,
                     "[{\"feature\":\"idn\",\"description\":\"Non-ASCII domain names\","
                     "\"priority\":\"suggested\",\"soname\":[\"" SONAME "\"]}]"};

static struct {
    __typeof__(idn2_to_ascii_8z) *to_ascii;
    __typeof__(idn2_to_unicode_8z8z) *to_unicode;
} library;

static bool load(void)
{
    static enum library_state state;
    static const struct library_function functions[] = {
        {"idn2_to_ascii_8z", &library.to_ascii},
        {"idn2_to_unicode_8z8z", &library.to_unicode},
    };
    return library_load_once(&state, SONAME, functions, sizeof functions / sizeof *functions);
}

#endif

/* Converts to A-labels or to U-labels; false if IDNA2008 does not allow the name. */
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

static bool has_a_label(struct span name)
{
    static const char mark[] = "xn--";
    for (; name.length >= sizeof mark - 1; name = span_after(name, 1))
        if (span_equal(span_first(name, sizeof mark - 1), span_of(mark)))
            return true;
    return false;
}

bool idn_has_one_form(struct span name)
{
    return span_is_ascii(name) && !has_a_label(name);
}

void idn_list_forms(struct span name, struct idn_forms *forms)
{
    forms->count = 1;
    forms->names[0] = name;
    bool international = !idn_has_one_form(name);
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

bool idn_is_below(const struct idn_forms *forms, struct span name)
{
    for (unsigned i = 0; i < forms->count; i++) {
        struct span form = forms->names[i];
        if (form.length <= name.length + 1)
            continue;
        struct span end = span_after(form, form.length - name.length);
        if (end.octets[-1] == '.' && span_equal(end, name))
            return true;
    }
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
