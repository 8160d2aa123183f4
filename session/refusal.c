#include "session/refusal.h"

#include "session/argument.h"
#include "session/parameter.h"
#include "session/text/text.h"

/* The size that stands among the parameters, as far as they are right. */
static uint64_t find_size(struct span parameters)
{
    struct parameters parsed;
    struct span offender;
    (void)parameters_parse(parameters, PARAMETER_SETS_OF_MAIL, &parsed, &offender);
    return parsed.size;
}

void refusal_describe(struct refusal *refusal, enum subject subject, struct span argument)
{
    enum path_kind kind = subject == SUBJECT_SENDER ? PATH_KIND_REVERSE : PATH_KIND_FORWARD;
    struct text text = {refusal->octets, 0, sizeof refusal->octets};
    struct span rest = argument, said = argument;
    struct mailbox mailbox;
    refusal->subject = subject;
    refusal->size = 0;
    refusal->length = 0;
    if (subject == SUBJECT_AUTH)
        return;
    if (argument_parse_path(&rest, kind, &mailbox) == PATH_RESULT_OK) {
        said = mailbox.length > 0 ? mailbox_whole(&mailbox) : span_of("<>");
        refusal->size = subject == SUBJECT_SENDER ? find_size(rest) : 0;
    } else {
        (void)argument_skip_prefix(&said, kind); /* or all of it is told */
    }
    text_add_harmless(&text, said);
    refusal->length = text.length;
}

struct span refusal_text(const struct refusal *refusal)
{
    return (struct span){refusal->octets, refusal->length};
}
