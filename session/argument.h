/*
 * The argument of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): "FROM:" or "TO:", the path, and
 * parameters.
 */
#ifndef SESSION_ARGUMENT_H
#define SESSION_ARGUMENT_H

#include "session/address.h"

/* `text` without the blanks that it begins with. */
struct span argument_trim(struct span text);

/*
 * Moves `argument` behind "FROM:" or "TO:", by the kind of its path, and behind the blanks that
 * many clients send there; false if it begins otherwise.
 */
bool argument_skip_prefix(struct span *argument, enum path_kind kind);

/*
 * Parses prefix and path into `mailbox`, and moves `argument` behind them: to its end, or to a
 * blank.
 */
enum path_result argument_parse_path(struct span *argument, enum path_kind kind,
                                     struct mailbox *mailbox);

#endif
