/*
 * The extensions: what the reply to EHLO offers (RFC 5321 4.1.1.1), and what follows from the
 * offer.
 */
#ifndef SESSION_EXTENSION_H
#define SESSION_EXTENSION_H

#include "session/state.h"

/* Queues the reply to EHLO, or LHLO. */
void extension_reply(struct session *session);

/* The parameters that MAIL and RCPT may have, sets of enum parameter_set; none without EHLO. */
unsigned extension_parameters(const struct session *session);

#endif
