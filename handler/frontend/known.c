#include "handler/frontend/known.h"

#include "handler/delivery/filters.h"
#include "handler/delivery/template.h"

bool known_takes_time(const struct options *options)
{
    return options->policy != NULL || options->recipient_check.words[0] != NULL;
}

bool known_accepted(const struct options *options, const struct recipients *recipients,
                    const struct envelope *envelope, const struct mailbox *recipient)
{
    static struct attributes attributes;
    if (recipient != NULL &&
        (known_takes_time(options) || !recipients_known(recipients, recipient)))
        return false;
    attributes_gather_envelope(&attributes, envelope, options, recipient, NULL);
    bool is_judged_later = options->recipients != NULL; /* by the command of each recipient */
    return (is_judged_later || !template_is_unsafe(options->command, &attributes)) &&
           !template_is_unsafe(options->recipient_check.words, &attributes) &&
           !filters_are_unsafe(options, &attributes);
}
