/*
 * Who is answered how once a message is here: one reply to the whole; one for each recipient (LMTP,
 * PRDR); or one that combines what each recipient's delivery came to.
 */
#ifndef SESSION_ANSWERS_H
#define SESSION_ANSWERS_H

#include "session/state.h"

/* The message is here, and stored unless it is refused: delivers or answers it. */
void answers_begin(struct session *session);

/* In PHASE_DELIVERY: delivers to the next recipient, or ends. */
void answers_continue(struct session *session);

/*
 * Queues the reply to the whole message, which is discarded next; in PHASE_DELIVERY that to the
 * recipient whose turn it is. `text` replaces the reply's text if it is not empty.
 */
void answers_give(struct session *session, enum verdict verdict, struct span text);

#endif
