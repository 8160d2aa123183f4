/*
 * What a server of Postfix's policy protocol is asked about a recipient: all attributes that
 * Postfix 3.9 has, but for its version; those that do not apply are empty.
 */
#ifndef HANDLER_VERDICT_POLICY_QUESTION_H
#define HANDLER_VERDICT_POLICY_QUESTION_H

#include "handler/transaction.h"
#include "session/text/text.h"

enum { POLICY_QUESTION_MAX = 8 * 1024 }; /* octets: three addresses, and names up to 255 each */

/* Writes the question, whole, into `question`, which has POLICY_QUESTION_MAX octets of room. */
void policy_question_write(const struct transaction *transaction, const struct mailbox *recipient,
                           struct text *question);

#endif
