/*
 * What the replies of an LMTP server mean for the exit status. Reads and writes nothing.
 */
#ifndef HELPERS_LMTP_DELIVER_VERDICT_H
#define HELPERS_LMTP_DELIVER_VERDICT_H

#include "helpers/reply.h"

/* What becomes of a message, for one or more recipients. All zero before the first reply. */
struct verdict {
    unsigned replies;
    int status; /* to exit with: 0, one that refuses, or EX_TEMPFAIL */
    char enhanced[REPLY_ENHANCED_MAX + 1];
    char text[REPLY_TEXT_MAX + 1];
};

/*
 * Adds a complete reply, to RCPT if `is_of_recipient`, else to MAIL, DATA or the message. The
 * message counts as accepted if all replies accept it, as refused if all refuse it; otherwise it is
 * deferred.
 */
void verdict_add(struct verdict *verdict, const struct reply *reply, bool is_of_recipient);

#endif
