#include "session/refusal.h"

#include "session/argument.h"
#include "session/parameter.h"
#include "session/text/text.h"

/* The size that stands among the parameters, as far as they are right. */
/*@ requires readable(parameters);
    assigns \nothing; */
static uint64_t find_size(struct span parameters)
{
    struct parameters parsed;
    struct span offender;
    (void)parameters_parse(parameters, PARAMETER_SETS_OF_MAIL, &parsed, &offender);
    return parsed.size;
}

/*@ requires \valid(refusal) && readable(said);
    assigns refusal->length, refusal->octets[0 .. REFUSAL_TEXT_MAX - 1];
    ensures refusal_ok(refusal); */
static void copy_harmless(struct refusal *refusal, struct span said)
{
    struct text text = {refusal->octets, 0, sizeof refusal->octets};
    text_add_harmless(&text, said);
    refusal->length = text.length;
}

void refusal_describe(struct refusal *refusal, enum subject subject, struct span argument)
{
    enum path_kind kind = subject == SUBJECT_SENDER ? PATH_KIND_REVERSE : PATH_KIND_FORWARD;
    struct span rest = argument, said = argument;
    struct mailbox mailbox;
    refusal->subject = subject;
    refusal->size = 0;
    refusal->length = 0;
    if (subject == SUBJECT_AUTH)
        return;
    if (argument_parse_path(&rest, kind, &mailbox) == PATH_RESULT_OK) {
        refusal->size = subject == SUBJECT_SENDER ? find_size(rest) : 0;
        copy_harmless(refusal, mailbox.length > 0 ? mailbox_whole(&mailbox) : span_of("<>"));
    } else {
        (void)argument_skip_prefix(&said, kind); /* or all of it is told */
        copy_harmless(refusal, said);
    }
}

struct span refusal_text(const struct refusal *refusal)
{
    return (struct span){refusal->octets, refusal->length};
}
