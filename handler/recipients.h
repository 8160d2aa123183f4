/*
 * Which recipients are ours: by domain, and by a list where there is one. Letters of either case
 * are the same, in local parts too, as everywhere in this field.
 */
#ifndef HANDLER_RECIPIENTS_H
#define HANDLER_RECIPIENTS_H

#include <stdio.h>

#include "options.h"

struct recipients {
    const struct options *options;
    const char *hostname;      /* ours */
    const char *local_address; /* of our end of the connection; "" where unknown */
    FILE *list;                /* NULL where all at our domains are welcome */
};

/*
 * Opens the list. All pointers are borrowed for as long as `recipients` is used. False, with
 * `problem` filled in, where the list cannot be read.
 */
bool recipients_open(struct recipients *recipients, const struct options *options,
                     const char *hostname, const char *local_address, struct problem *problem);

/* Checks the domains and every line of the list; false, with `problem` filled in, at the first
 * wrong one. */
bool recipients_check(const struct recipients *recipients, struct problem *problem);

/* The verdict on one recipient. Deferred, with a line in the log, where it cannot be known. */
enum verdict recipients_judge(const struct recipients *recipients, const struct mailbox *mailbox);

/* Whether that can be told to be VERDICT_ACCEPTED without a file or a library. */
bool recipients_accept_surely(const struct recipients *recipients, const struct mailbox *mailbox);

/* A local part as its user and extension, either side of the first delimiter; borrowed. */
struct local_parts {
    struct span user;
    struct span extension; /* empty where there is none */
};

/* A quoted local part, and one that begins with the delimiter, is all user. */
struct local_parts recipients_split(struct span local, char delimiter);

#endif
