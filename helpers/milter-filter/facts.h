/*
 * What the environment tells of a message, and the macros of a milter that tell it.
 */
#ifndef HELPERS_MILTER_FILTER_FACTS_H
#define HELPERS_MILTER_FILTER_FACTS_H

#include "helpers/milter-filter/answer.h"

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

/*
 * Reads the environment, from which the values borrow; `hostname` is ours. False if there is no
 * sender or no recipient, or a control character is in one.
 */
bool facts_read(struct facts *facts, struct span hostname);

/* Takes the next recipient from the front of `recipients`, and makes it that of the facts. */
bool facts_take_recipient(struct facts *facts, struct span *recipients);

/*
 * Adds to the packet of macros those for the command, or, if the milter has asked for others at its
 * stage, those of them that we know.
 */
void facts_add_macros(const struct facts *facts, char command, const struct agreement *agreement,
                      struct text *packet);

#endif
