/*
 * MAIL, RCPT, DATA and BDAT: the commands by which a client hands a message over (RFC 5321 3.3).
 */
#ifndef SESSION_TRANSACTION_H
#define SESSION_TRANSACTION_H

#include "session/state.h"

void transaction_run_mail(struct session *session, struct span argument);
void transaction_run_rcpt(struct session *session, struct span argument);
void transaction_run_data(struct session *session, struct span argument);

/* RFC 3030 2: the octets follow even if the line is refused, so its reply waits for their end. */
void transaction_run_bdat(struct session *session, struct span argument);

/* A BDAT without a size: an unknown number of octets follow that must not be parsed as commands. */
void transaction_refuse_unsized(struct session *session);

#endif
