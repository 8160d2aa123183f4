/*
 * What the environment tells of a message.
 */
#ifndef HELPERS_MILTER_FILTER_FACTS_H
#define HELPERS_MILTER_FILTER_FACTS_H

#include "session/text/span.h"

enum fact {
    FACT_HOSTNAME, /* ours */
    FACT_PROGRAM,
    FACT_CLIENT, /* "name [address]"; empty if the address is unknown */
    FACT_CLIENT_NAME,
    FACT_CLIENT_ADDRESS,
    FACT_CLIENT_PORT,
    FACT_HELO,
    FACT_PROTOCOL,
    FACT_TLS_PROTOCOL,
    FACT_TLS_CIPHER,
    FACT_TLS_SUBJECT,
    FACT_USER,
    FACT_MECHANISM,
    FACT_ID,
    FACT_SENDER,
    FACT_RECIPIENTS, /* one a line */
    FACT_RECIPIENT,  /* the one that is told now */
    FACT_RECIPIENT_MAILER,
    FACT_RECIPIENT_HOST,
    FACTS
};

struct facts {
    struct span values[FACTS]; /* empty if unknown */
    char client[1024];
};

/*@ predicate facts_ok(struct facts *facts) = \valid_read(facts) &&
        \forall integer i; 0 <= i < FACTS ==> readable(facts->values[i]); */

/*
 * Reads the environment, from which the values borrow; `hostname` is ours. False if there is no
 * sender or no recipient, or a control character is in one.
 */
bool facts_read(struct facts *facts, struct span hostname);

/* Takes the next recipient from the front of `recipients`, and makes it that of the facts. */
bool facts_take_recipient(struct facts *facts, struct span *recipients);

#endif
