#include "handler/verdict/recipient-check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "handler/log.h"

enum { CHECK_SECONDS = 30 };

/* Without what belongs to the message, or to the recipients before this one. */
static void adapt(struct attributes *attributes, uint64_t announced)
{
    static const enum attribute unknown[] = {ATTRIBUTE_NOTIFY, ATTRIBUTE_ORCPT};
    struct span *values = attributes->values;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        values[unknown[i]] = (struct span){NULL, 0};
    values[ATTRIBUTE_MESSAGE_SIZE] = attributes_write_number(attributes->size, announced);
    values[ATTRIBUTE_DEADLINE] = attributes_write_number(attributes->deadline, CHECK_SECONDS);
}

void recipient_check_run(const struct command *program, struct attributes *attributes,
                         uint64_t announced, int rules, struct delivery *check)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) {
        log_trouble("/dev/null: %s; a recipient is deferred", strerror(errno));
        deliver_skip(check, VERDICT_DEFERRED, span_empty());
        return;
    }
    adapt(attributes, announced);
    deliver_run(program, attributes, nothing, (int64_t)CHECK_SECONDS * 1000, rules, check);
    (void)close(nothing); /* nothing is in it */
}
