/*
 * What --check says of domains and of the list of recipients.
 */
#ifndef HANDLER_VERDICT_RECIPIENTS_CHECK_H
#define HANDLER_VERDICT_RECIPIENTS_CHECK_H

#include "handler/verdict/recipients.h"

/*
 * Adds to `problems` what is wrong with the domains and with each line of the list, if that is
 * open. A list by which nobody would be accepted is wrong; an entry that accepts nobody, or not
 * whom it seems to, is a warning.
 */
void recipients_check(struct recipients *recipients, struct problems *problems);

#endif
