/*
 * Counts a client's errors since its last accepted message: too many end its session. Those of RCPT
 * are set aside once a recipient is accepted, so that a message to many, of whom some are unknown,
 * is delivered; they count when the transaction is over. A transaction may have --max-recipients
 * RCPT commands, which bounds them.
 */
#ifndef SESSION_ERRORS_H
#define SESSION_ERRORS_H

#include <stdbool.h>

struct errors {
    unsigned count;
    unsigned set_aside;
    unsigned recipients; /* RCPT commands in the transaction, refused ones included */
};

/*@ requires \valid(errors);
    assigns errors->count, errors->set_aside; */
static inline void errors_add(struct errors *errors, bool aside)
{
    if (aside)
        errors->set_aside++;
    else
        errors->count++;
}

/* The transaction is over, or a new one begins. */
/*@ requires \valid(errors);
    assigns errors->count, errors->set_aside, errors->recipients; */
static inline void errors_settle(struct errors *errors)
{
    errors->count += errors->set_aside;
    errors->set_aside = errors->recipients = 0;
}

/* A message was accepted. */
/*@ requires \valid(errors);
    assigns errors->count, errors->set_aside; */
static inline void errors_forgive(struct errors *errors)
{
    errors->count = errors->set_aside = 0;
}

#endif
