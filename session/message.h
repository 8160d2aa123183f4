/*
 * The message between DATA, or its first BDAT (RFC 3030), and its reply: octets are decoded and
 * handed over as they come; when the last is stored the message is delivered, and then answered.
 */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include "session/state.h"

/* DATA: opens the message; what the client sends from here on is content. */
void message_begin_content(struct session *session);

/* BDAT: opens the message unless it is open; the next `size` octets are content. */
void message_begin_chunk(struct session *session, uint64_t size, bool last);

/* A BDAT that is refused: its `size` octets are discarded, then `reply` is queued. */
void message_refuse_chunk(struct session *session, uint64_t size, enum reply reply);

/* Decodes the input that is here and sets the want that follows, if one does. False if octets are
 * missing. */
bool message_read(struct session *session);

/* Settles WANT_STORE. */
void message_stored(struct session *session, bool kept);

#endif
