/*
 * libFuzzer target: the header of the PROXY protocol. Asserted is that
 *
 * - the header is taken at one length alone, whatever follows it; before, more is wanted;
 * - it is never longer than it may be, nor are its addresses outside of it;
 * - what is wrong stays wrong, and is named.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "session/proxy.h"

static void check_end(const struct proxy_endpoint *end, enum proxy_form form, struct span header)
{
    assert(end->port <= 65535);
    assert(end->address.octets >= header.octets &&
           end->address.octets + end->address.length <= header.octets + header.length);
    assert(form != PROXY_FORM_IPV4 || end->address.length == 4);
    assert(form != PROXY_FORM_IPV6 || end->address.length == 16);
    for (size_t i = 0; form == PROXY_FORM_TEXT && i < end->address.length; i++)
        assert(strchr("0123456789abcdefABCDEF:.", end->address.octets[i]) != NULL);
    assert(form != PROXY_FORM_TEXT || end->address.length > 0);
}

static void check_header(const struct proxy_header *header, struct span input)
{
    assert(header->length > 0 && header->length <= input.length);
    assert(header->length <= PROXY_HEADER_MAX);
    if (header->form == PROXY_FORM_NONE)
        return;
    check_end(&header->source, header->form, span_first(input, header->length));
    check_end(&header->destination, header->form, span_first(input, header->length));
}

/* In memory of its own, so that nothing can be read beyond it. */
static enum proxy_result parse_first(struct span input, size_t length, struct proxy_header *header)
{
    char *octets = malloc(length > 0 ? length : 1);
    assert(octets != NULL);
    if (length > 0)
        memcpy(octets, input.octets, length);
    enum proxy_result result = proxy_parse((struct span){octets, length}, header);
    free(octets);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    struct proxy_header whole, part;
    enum proxy_result result = proxy_parse(input, &whole);
    if (result == PROXY_RESULT_OK)
        check_header(&whole, input);
    assert((result == PROXY_RESULT_BAD) == (whole.reason != NULL));
    assert(result != PROXY_RESULT_MORE || size < PROXY_HEADER_MAX);
    for (size_t length = 0; length < size; length++) {
        enum proxy_result so_far = parse_first(input, length, &part);
        if (so_far == PROXY_RESULT_MORE)
            continue;
        assert(so_far == result);
        assert(result == PROXY_RESULT_BAD || part.length == whole.length);
        assert(result == PROXY_RESULT_BAD || length >= whole.length);
        break;
    }
    return 0;
}
