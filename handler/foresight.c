#include "foresight.h"

#include "facts.h"
#include "template.h"

bool foresight_accepts(const struct options *options, const struct recipients *recipients,
                       const struct envelope *envelope, const struct mailbox *recipient)
{
    static struct facts facts;
    if (recipient != NULL && !recipients_accept_surely(recipients, recipient))
        return false;
    facts_gather_envelope(&facts, envelope, options, recipient);
    return !template_makes_option(options->command, &facts);
}
