/*
 * AUTH and XCLIENT: the commands by which a client proves, or a proxy tells, who the client is.
 */
#ifndef SESSION_IDENTITY_H
#define SESSION_IDENTITY_H

#include "session/state.h"

void identity_run_auth(struct session *session, struct span argument);

/* The client's next line of the exchange; if it `is_too_long`, a part of it. */
void identity_continue_auth(struct session *session, struct span line, bool is_too_long);

/* Settles WANT_CREDENTIALS. */
void identity_answer_auth(struct session *session, enum outcome outcome);

void identity_run_xclient(struct session *session, struct span argument);

/* Settles WANT_XCLIENT: the client's identity was replaced, or could not be. */
void identity_answer_xclient(struct session *session, bool replaced);

#endif
