/*
 * A line of the list of recipients: an address, and behind it what becomes of its mail. It is read
 * here, and obeyed elsewhere.
 */
#ifndef HANDLER_VERDICT_ENTRY_H
#define HANDLER_VERDICT_ENTRY_H

#include "session.h"

enum entry_kind {
    ENTRY_DEFAULT, /* nothing: the command of the options */
    ENTRY_COMMAND,
    ENTRY_ALIAS,  /* "= ADDRESS" */
    ENTRY_REFUSAL /* "! TEXT" */
};

/* Borrowed from the line. */
struct entry {
    struct span address;
    enum entry_kind kind;
    struct span text; /* of the kind: words, ADDRESS, TEXT; without a comment and blanks around */
};

/* The address that `line`, without blanks around it, begins with; as it stands. */
struct span entry_address(struct span line);

struct entry entry_parse(struct span line);

/*
 * What is wrong with the entry's address, alias or refusal, in words; NULL for nothing. Of a
 * command only that it must be of text is looked at.
 */
const char *entry_find_fault(const struct entry *entry);

/* Whether `line`, which may be empty, names one mailbox, not a domain. */
bool entry_names_mailbox(struct span line);

/* Whether the address is postmaster's, at whatever domain. */
bool entry_is_of_postmaster(struct span address);

/* Whether the address may accept somebody: local@domain, @domain or @*.domain. */
bool entry_is_address(struct span address);

/*
 * The same, faster for many: `*domain` is one that is known to be valid, empty at first, and
 * becomes that of the address if it is.
 */
bool entry_is_address_at(struct span address, struct span *domain);

/* Whether the address, which is not empty, is a mailbox, by the grammar of SMTP. */
bool entry_parse_mailbox(struct span address, struct mailbox *mailbox);

/* The domain of an address, after its @; empty for none. */
struct span entry_domain(struct span address);

/* A domain without the "*." that means all below it. */
struct span entry_domain_name(struct span domain);

#endif
