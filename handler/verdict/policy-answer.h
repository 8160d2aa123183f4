/*
 * What a server of Postfix's policy protocol may answer, and what each answer means to a server
 * without a queue. It knows no socket.
 */
#ifndef HANDLER_VERDICT_POLICY_ANSWER_H
#define HANDLER_VERDICT_POLICY_ANSWER_H

#include "session.h"

/* What an answer does beside its verdict. */
enum policy_effect {
    POLICY_EFFECT_NONE,
    POLICY_EFFECT_LOG,             /* only the log is told */
    POLICY_EFFECT_PREPEND,         /* `text` is a header field for the front of the message */
    POLICY_EFFECT_DISCARD,         /* the message is accepted, and delivered to nobody */
    POLICY_EFFECT_DEFER_IF_REFUSED /* who would be refused by another is deferred with `text` */
};

struct policy_answer {
    enum verdict verdict;
    enum policy_effect effect;
    struct span action; /* all of it, for the log */
    struct span text;   /* of the reply, if that is not empty */
};

/*
 * Finds the end of an answer, behind its empty line, in the octets that have come so far. 0 if it
 * has not come, -EBADMSG if they are no such answer: without an action, or with a NUL.
 */
int policy_answer_find_end(struct span octets);

/* Parses an answer up to its end; what it says is borrowed from `octets`. */
void policy_answer_parse(struct span octets, struct policy_answer *answer);

#endif
