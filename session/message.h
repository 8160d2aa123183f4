/*
 * The message between DATA, or its first BDAT (RFC 3030), and its reply: octets are decoded and
 * handed over as they come; only when the last is stored is the message delivered, and only then
 * answered.
 */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include "../session.h"

/* DATA: opens the message; what the client sends from here on is content. */
void message_begin_content(struct session *session);

/* BDAT: opens the message if it is not; the next `size` octets are content. */
void message_begin_chunk(struct session *session, uint64_t size, bool last);

/* The next `size` octets belong to a BDAT that makes no sense: `reply` is queued behind them. */
void message_refuse_chunk(struct session *session, uint64_t size, enum reply reply);

/* The client wants no more of the open message: it is forgotten next. */
void message_abandon(struct session *session);

/*
 * Decodes what input there is and sets the want that follows, if one does. False where octets are
 * missing.
 */
bool message_read(struct session *session);

/* The octets handed over are stored, or could not be. */
void message_stored(struct session *session, bool kept);

/* In PHASE_DELIVERY: goes on with the recipient whose turn it is, or ends. Always true. */
bool message_next_recipient(struct session *session);

/*
 * Queues the reply to the whole message, which is forgotten next; in PHASE_DELIVERY that to the
 * recipient whose turn it is.
 */
void message_answer(struct session *session, enum verdict verdict, struct span text);

#endif
