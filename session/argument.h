/*
 * The argument of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): "FROM:" or "TO:", the path, and
 * parameters.
 */
#ifndef SESSION_ARGUMENT_H
#define SESSION_ARGUMENT_H

#include "session/address.h"

/* `text` without the blanks that it begins with. */
/*@ requires readable(text);
    assigns \nothing;
    ensures readable(\result) && rest_of(\result, text); */
struct span argument_trim(struct span text);

/*
 * Moves `argument` behind "FROM:" or "TO:", by the kind of its path, and behind the blanks that
 * many clients send there; false if it begins otherwise.
 */
/*@ requires parsable(argument);
    assigns *argument;
    ensures parsable(argument) && rest_of(*argument, \old(*argument)); */
bool argument_skip_prefix(struct span *argument, enum path_kind kind);

/*
 * Parses prefix and path into `mailbox`, and moves `argument` behind them: to its end, or to a
 * blank.
 */
/*@ requires parsable(argument) && \valid(mailbox);
    requires \separated(mailbox, argument, argument->octets + (0 .. argument->length - 1));
    assigns *argument, mailbox->length, mailbox->local_length,
            mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures parsable(argument) && rest_of(*argument, \old(*argument));
    ensures \result == PATH_RESULT_OK || \old(mailbox_ok(mailbox)) ==> mailbox_ok(mailbox); */
enum path_result argument_parse_path(struct span *argument, enum path_kind kind,
                                     struct mailbox *mailbox);

#endif
