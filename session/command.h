/*
 * The commands of RFC 5321 4.1.1, the phases that allow them, and what each does to the session.
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include "../session.h"

/* Carries out one command line: queues its reply, or sets the want that has to be settled first. */
void command_run(struct session *session, struct span line);

/* Queues `reply`; a 5xx counts against the client. */
void command_reply(struct session *session, enum reply reply, struct span detail);

/* Queues `reply`, the last one: nothing more is read. */
void command_leave(struct session *session, enum reply reply);

/* Queues the greeting. */
void command_greet(struct session *session);

/* Forgets all that the client said and proved: it has not greeted, and is nobody. */
void command_begin_anew(struct session *session);

/* Whether a client may call itself so. */
bool command_is_helo(struct span name);

/* The client made a mistake. */
void command_count_error(struct session *session);

/* Forgets the transaction, so that MAIL may begin another. */
void command_forget_transaction(struct session *session);

#endif
