/*
 * libFuzzer target: a path, as MAIL and RCPT have it, and the parameters behind it. Asserted is
 * that
 *
 * - a mailbox that was parsed is canonical: it parses again, to itself, with angle brackets and
 *   without;
 * - the null reverse-path is "<>" alone;
 * - nothing that was parsed or decoded holds a control character, or is longer than it may be;
 * - what stands behind the path is left where it is.
 */
#include <assert.h>

#include "session/address.h"
#include "session/parameter.h"
#include "test/fuzz/text.h"

static void check_same(struct span path, const struct mailbox *mailbox, enum path_kind kind)
{
    struct mailbox again;
    assert(path_parse(&path, kind, &again) == PATH_RESULT_OK && path.length == 0);
    assert(again.length == mailbox->length && again.local_length == mailbox->local_length);
    assert(memcmp(again.octets, mailbox->octets, mailbox->length) == 0);
}

static void check_mailbox(struct mailbox *mailbox, enum path_kind kind)
{
    char octets[MAILBOX_MAX + 2];
    check_text(mailbox_whole(mailbox));
    assert(mailbox->length <= MAILBOX_MAX);
    assert(mailbox_local(mailbox).length <= LOCAL_PART_MAX);
    assert(mailbox_domain(mailbox).length <= DOMAIN_MAX);
    octets[0] = '<';
    memcpy(octets + 1, mailbox->octets, mailbox->length);
    octets[mailbox->length + 1] = '>';
    check_same((struct span){octets, mailbox->length + 2}, mailbox, kind);
    if (mailbox->length == 0)
        return;
    check_same(mailbox_whole(mailbox), mailbox, kind);
    mailbox_add_domain(mailbox, span_of("mx.test"));
    assert(mailbox_domain(mailbox).length > 0);
    check_same(mailbox_whole(mailbox), mailbox, kind);
}

static void check_parameters(struct span input, unsigned allowed)
{
    struct parameters parameters;
    struct span offender = span_empty();
    enum parameter_result result = parameters_parse(input, allowed, &parameters, &offender);
    if (result != PARAMETER_OK) {
        assert(offender.length > 0 && offender.octets >= input.octets &&
               offender.octets + offender.length <= input.octets + input.length);
        return;
    }
    assert(parameters.envid_length <= ENVID_MAX && parameters.orcpt_length <= ORCPT_MAX);
    assert(parameter_is_dropped((struct span){parameters.dropped, parameters.dropped_length}));
    assert(parameters.dropped_length == 0 || parameters.orcpt_length == 0);
    check_text((struct span){parameters.envid, parameters.envid_length});
    check_text((struct span){parameters.notify, parameters.notify_length});
    check_text((struct span){parameters.orcpt, parameters.orcpt_length});
    assert(span_is_ascii((struct span){parameters.envid, parameters.envid_length}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int kind = PATH_KIND_REVERSE; kind <= PATH_KIND_FORWARD; kind++) {
        struct span input = {(const char *)data, size};
        struct mailbox mailbox;
        if (path_parse(&input, (enum path_kind)kind, &mailbox) != PATH_RESULT_OK)
            continue;
        assert(input.length < size && input.octets + input.length == (const char *)data + size);
        assert(mailbox.length > 0 || memcmp(data, "<>", 2) == 0);
        check_mailbox(&mailbox, (enum path_kind)kind);
        check_parameters(input,
                         kind == PATH_KIND_REVERSE
                             ? PARAMETER_SET_MAIL | PARAMETER_SET_PRDR | PARAMETER_SET_DSN_MAIL
                             : PARAMETER_SET_DSN_RCPT);
    }
    return 0;
}
