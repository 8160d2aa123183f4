/*
 * What a delivery command is told of a message, each fact under the names that its neighbours have
 * for it: as a macro in an argument, as a variable in the environment.
 */
#ifndef HANDLER_FACTS_H
#define HANDLER_FACTS_H

#include "connection.h"
#include "options.h"
#include "recipients.h"
#include "tls.h"
#include "transaction.h"

enum fact {
    FACT_SENDER,
    FACT_RECIPIENT,
    FACT_RECIPIENTS,
    FACT_LOCAL,
    FACT_DOMAIN,
    FACT_EXTENSION,
    FACT_CLIENT_ADDRESS,
    FACT_CLIENT_PORT,
    FACT_CLIENT_HOSTNAME,
    FACT_HELO,
    FACT_PROTOCOL,
    FACT_SASL_USERNAME,
    FACT_SASL_METHOD,
    FACT_TLS_PROTOCOL,
    FACT_TLS_CIPHER,
    FACT_TLS_SERVER_NAME,
    FACT_TLS_CLIENT_SUBJECT,
    FACT_TLS_CLIENT_HASH,
    FACT_ENVID,
    FACT_RET,
    FACT_NOTIFY,
    FACT_ORCPT,
    FACT_TRANSACTION_ID,
    FACT_MESSAGE_SIZE,
    FACT_DEADLINE,
    FACT_COUNT
};

enum { FACTS_NUMBER_MAX = 24 }; /* octets: 64 bits in decimal, and a NUL */

struct facts {
    struct span values[FACT_COUNT]; /* octets are NULL where a fact does not apply */
    struct mailbox recipient;       /* what some of the values borrow from */
    char port[FACTS_NUMBER_MAX], size[FACTS_NUMBER_MAX], deadline[FACTS_NUMBER_MAX];
};

/*
 * The facts of the transaction; the spans borrow from `transaction`, `connection`, `tls` and
 * `facts`. `recipient` is the only one, or NULL where there are several; `size` is in octets.
 */
void facts_gather(struct facts *facts, const struct transaction *transaction,
                  const struct connection *connection, const struct tls *tls,
                  const struct options *options, const struct mailbox *recipient, uint64_t size);

/*
 * Of these the sender, the recipients and, where it is the only one, the recipient: all others are
 * NULL. The spans borrow from `envelope` and `facts`.
 */
void facts_gather_envelope(struct facts *facts, const struct envelope *envelope,
                           const struct options *options, const struct mailbox *recipient);

/* The fact that an argument calls {name}; FACT_COUNT for none. */
enum fact facts_find(struct span name);

/* Whether a fact is one of the one recipient. */
bool facts_is_of_recipient(enum fact fact);

enum {
    FACTS_VARIABLES_MAX = 4096,                        /* ours and the inherited ones */
    FACTS_ENVIRONMENT_OCTETS = 4 * ENVELOPE_OCTETS_MAX /* three lists, and all the rest */
};

/* An environment for execve(2), kept here. */
struct facts_environment {
    char *variables[FACTS_VARIABLES_MAX];
    size_t count;
    size_t used;
    char octets[FACTS_ENVIRONMENT_OCTETS];
};

/*
 * Makes the environment of the command: our own without what would be untrue there, and the
 * facts. 0, or -E2BIG.
 */
int facts_export(const struct facts *facts, struct facts_environment *environment);

#endif
