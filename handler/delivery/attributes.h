/*
 * What a command is told of a message, each attribute under the names that its neighbours
 * have for it: as a macro in an argument, as a variable in the environment.
 */
#ifndef HANDLER_DELIVERY_ATTRIBUTES_H
#define HANDLER_DELIVERY_ATTRIBUTES_H

#include "handler/delivery/key.h"
#include "handler/options/options.h"
#include "handler/strings.h"
#include "handler/transaction.h"
#include "handler/verdict/recipients.h"

enum attribute {
    ATTRIBUTE_SENDER,
    ATTRIBUTE_RECIPIENT,
    ATTRIBUTE_RECIPIENTS,
    ATTRIBUTE_LOCAL,
    ATTRIBUTE_DOMAIN,
    ATTRIBUTE_EXTENSION,
    ATTRIBUTE_USER,
    ATTRIBUTE_ROUTE,
    ATTRIBUTE_KEY,
    ATTRIBUTE_CLIENT_ADDRESS,
    ATTRIBUTE_CLIENT_PORT,
    ATTRIBUTE_CLIENT_HOSTNAME,
    ATTRIBUTE_HELO,
    ATTRIBUTE_PROTOCOL,
    ATTRIBUTE_SASL_USERNAME,
    ATTRIBUTE_SASL_METHOD,
    ATTRIBUTE_TLS_PROTOCOL,
    ATTRIBUTE_TLS_CIPHER,
    ATTRIBUTE_TLS_SERVER_NAME,
    ATTRIBUTE_TLS_CLIENT_SUBJECT,
    ATTRIBUTE_TLS_CLIENT_HASH,
    ATTRIBUTE_TLS_CLIENT_ERROR,
    ATTRIBUTE_ENVID,
    ATTRIBUTE_RET,
    ATTRIBUTE_NOTIFY,
    ATTRIBUTE_ORCPT,
    ATTRIBUTE_TRANSACTION_ID,
    ATTRIBUTE_MESSAGE_SIZE,
    ATTRIBUTE_DEADLINE,
    ATTRIBUTE_TRACE_SIZE, /* of filters alone */
    ATTRIBUTE_QUARANTINE,
    ATTRIBUTE_COUNT
};

enum { ATTRIBUTES_NUMBER_MAX = 24 }; /* octets: 64 bits in decimal, and a NUL */

struct attributes {
    struct span values[ATTRIBUTE_COUNT]; /* octets are NULL if an attribute does not apply */
    struct mailbox recipient;            /* what some of the values borrow from */
    char user[LOCAL_PART_MAX];
    char key[KEY_TEXT_LENGTH + 1];
    char port[ATTRIBUTES_NUMBER_MAX], size[ATTRIBUTES_NUMBER_MAX], deadline[ATTRIBUTES_NUMBER_MAX],
        trace_size[ATTRIBUTES_NUMBER_MAX];
};

/*
 * Gathers the attributes of the transaction; the spans borrow from `transaction` and `attributes`.
 * `recipient` is the only one; NULL if there are several. `route` is the one of them all, or NULL.
 */
void attributes_gather(struct attributes *attributes, const struct transaction *transaction,
                       const struct options *options, const struct mailbox *recipient,
                       const struct route *route);

/*
 * Gathers only the sender, the recipients, the parts of `recipient` and the route; all others are
 * NULL. The spans borrow from `envelope`, `route` and `attributes`.
 */
void attributes_gather_envelope(struct attributes *attributes, const struct envelope *envelope,
                                const struct options *options, const struct mailbox *recipient,
                                const struct route *route);

/* Adds the key of the message with that content and client's sender, for the recipients gathered.
 */
void attributes_add_key(struct attributes *attributes, const struct key_content *content,
                        const struct mailbox *sender);

/* Writes a value; the span borrows from `text`. */
struct span attributes_write_number(char text[ATTRIBUTES_NUMBER_MAX], uint64_t number);

/* Adds what a filter is told beside that, which has so many seconds. */
void attributes_gather_for_filter(struct attributes *attributes, uint64_t trace_size,
                                  uint64_t seconds);

/* The attribute that an argument calls {name}; ATTRIBUTE_COUNT for none. */
enum attribute attributes_find(struct span name);

/* The name of the variable that holds it. */
const char *attributes_variable(enum attribute attribute);

/* Whether a macro or a variable has this name, in letters of either case. */
bool attributes_has_name(struct span name);

/* Whether the attribute is about the one recipient. */
bool attributes_is_of_recipient(enum attribute attribute);

/* Whether `value`, without its quotes, would lead to a file elsewhere, or to a hidden one. */
bool attributes_leads_elsewhere(struct span value);

/*
 * Makes `environment` that of the command: our own without what would be untrue there, and the
 * attributes, but not a {user} that is empty or leads elsewhere. 0, or -E2BIG.
 */
int attributes_export(const struct attributes *attributes, struct strings *environment);

#endif
