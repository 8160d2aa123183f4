#include "session/argument.h"

struct span argument_trim(struct span text)
{
    /*@ loop invariant rest_of(text, \at(text, Pre));
        loop assigns text;
        loop variant text.length; */
    while (text.length > 0 && text.octets[0] == ' ')
        text = span_after(text, 1);
    return text;
}

bool argument_skip_prefix(struct span *argument, enum path_kind kind)
{
    struct span prefix = span_of(kind == PATH_KIND_REVERSE ? "FROM:" : "TO:");
    if (argument->length < prefix.length ||
        !span_equal(span_first(*argument, prefix.length), prefix))
        return false;
    *argument = argument_trim(span_after(*argument, prefix.length));
    return true;
}

enum path_result argument_parse_path(struct span *argument, enum path_kind kind,
                                     struct mailbox *mailbox)
{
    if (!argument_skip_prefix(argument, kind))
        return PATH_RESULT_MALFORMED;
    enum path_result result = path_parse(argument, kind, mailbox);
    if (result == PATH_RESULT_OK && argument->length > 0 && argument->octets[0] != ' ')
        return PATH_RESULT_MALFORMED;
    return result;
}
