/*
 * The extensions: what the reply to EHLO offers (RFC 5321 4.1.1.1), and what follows from the
 * offer.
 */
#ifndef SESSION_EXTENSION_H
#define SESSION_EXTENSION_H

#include "session/state.h"

/* Queues the reply to EHLO, or LHLO. */
/*@ requires session_ok(session) && replies_fit(&session->replies, 2 * REPLY_ROOM);
    assigns session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && replies_fit(&session->replies, REPLY_LINE_MAX);
    ensures left_to_read(session) == \old(left_to_read(session)); */
void extension_reply(struct session *session);

/* The parameters that MAIL and RCPT may have, sets of enum parameter_set; none without EHLO. */
/*@ requires \valid_read(session);
    assigns \nothing; */
unsigned extension_parameters(const struct session *session);

#endif
