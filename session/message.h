/*
 * The message between DATA and its reply: octets are decoded and handed over as they come; only
 * when the last is stored is the message delivered, and only then answered.
 */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include "../session.h"

/* Opens the message: what the client sends from here on is content. */
void message_begin(struct session *session);

/* Decodes what input there is and sets the want that follows, if one does. */
void message_read(struct session *session);

/* The octets handed over are stored, or could not be. */
void message_stored(struct session *session, bool kept);

/* Queues the reply to the whole message; it is forgotten next. */
void message_answer(struct session *session, enum verdict verdict, struct span text);

#endif
