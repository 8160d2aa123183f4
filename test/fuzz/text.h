/* What fuzzers want of text. */
#ifndef TEST_FUZZ_TEXT_H
#define TEST_FUZZ_TEXT_H

#include <assert.h>

#include "session/text/utf8.h"

/* Printable ASCII and well-formed characters beyond it. */
static inline void check_text(struct span text)
{
    while (text.length > 0) {
        char c = text.octets[0];
        size_t length = c >= ' ' && c <= '~' ? 1 : utf8_length(text);
        assert(length > 0);
        text = span_after(text, length);
    }
}

#endif
