/*
 * Which recipients are ours: by domain, and by a list if there is one. Case does not matter,
 * not even in local parts, as everywhere in this field.
 */
#ifndef HANDLER_VERDICT_RECIPIENTS_H
#define HANDLER_VERDICT_RECIPIENTS_H

#include "handler/options/options.h"
#include "handler/transaction.h"
#include "handler/verdict/idn.h"
#include "handler/verdict/recipient-list.h"

struct recipients {
    const struct options *options;
    const char *hostname;       /* ours */
    const char *local_address;  /* of our endpoint; "" if unknown */
    struct recipient_list list; /* if options->recipients says that there is one */
    bool list_reported;         /* to the log, that it cannot be read */
    bool entry_reported;        /* that an entry of it is wrong */
    bool is_looked_through;     /* for lines whose address is malformed, of which there is one */
    bool is_malformed;
    bool library_reported; /* that libidn2 is missing */
};

/*
 * Opens the list. All pointers are borrowed for as long as `recipients` is used. False, with
 * `problem` filled in, if the list cannot be read.
 */
bool recipients_open(struct recipients *recipients, const struct options *options,
                     const char *hostname, const char *local_address, struct problem *problem);

/* Whether mail for the domain is ours. */
bool recipients_is_ours(const struct recipients *recipients, const struct idn_forms *domain);

/* What becomes of a recipient; spans are borrowed for as long as `recipients` is used. */
struct recipients_answer {
    enum verdict verdict;
    struct span text;   /* of the reply; empty for the usual one */
    struct route route; /* by the list */
};

/* Deferred, and logged once, if it cannot be known, or if the list is wrong. */
struct recipients_answer recipients_ask(struct recipients *recipients,
                                        const struct mailbox *mailbox);

/* Logs, once, that an entry of the list, empty for one that is missing, is wrong, and why. */
void recipients_report(struct recipients *recipients, struct span entry, const char *fault);

/* The first postmaster that the list, which has been read, names; empty for none. */
struct span recipients_any_postmaster(const struct recipients *recipients);

/* Whether it is known to be VERDICT_ACCEPTED, without a file or a library. */
bool recipients_known(const struct recipients *recipients, const struct mailbox *mailbox);

/*
 * The user of a recipient with that local part, in `octets`: without extension and quotes; in the
 * spelling of the route's last entry if that names a mailbox, else with small letters of ASCII.
 */
struct span recipients_user(const struct route *route, struct span local, char delimiter,
                            char octets[LOCAL_PART_MAX]);

#endif
