/*
 * Memory that a listener shares with its sessions: whether most connections are taken, and which
 * networks sent wrong passwords recently. The listener makes it, and hands each session its
 * descriptor, which a variable of the environment names; no command gets either. Only the listener
 * writes the first; only runners see the second, which has room for some thousand networks. A
 * session without a listener has an empty ledger: no connection is taken, nobody fails.
 */
#ifndef HANDLER_LEDGER_H
#define HANDLER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/endpoint.h"

struct ledger_page;
struct ledger_failures;

/* The caller owns its memory and reads none of its fields but the first. */
struct ledger {
    int descriptor; /* -1 if there is none */
    struct ledger_page *page;
    struct ledger_failures *failures;
};

enum { LEDGER_DESCRIPTOR = 3 }; /* its number in a session, at first */

/* The variable for the environment of such a session. */
extern char ledger_variable[];

/* Makes one. 0, or -errno; it is empty then. */
int ledger_make(struct ledger *ledger);

/* For the listener: sets whether most connections are taken. */
void ledger_set_crowded(struct ledger *ledger, bool crowded);

/* Takes the one that a listener handed over, if any, and its variable out of the environment. */
struct ledger ledger_take(void);

/* For a runner, before ledger_close: maps the failures. */
void ledger_open_failures(struct ledger *ledger);

/* Closes the descriptor; what is mapped stays. */
void ledger_close(struct ledger *ledger);

bool ledger_is_there(const struct ledger *ledger);

/* Whether most connections are taken. */
bool ledger_is_crowded(const struct ledger *ledger);

/*
 * How many wrong passwords came from the IPv4 address of `client`, or its IPv6 network of 64 bits,
 * up to 15, with no more than ten minutes between two; 0 if nobody counts.
 */
unsigned ledger_count_failures(struct ledger *ledger, const struct endpoint *client);

/* Counts a wrong password; returns the same, including this one. */
unsigned ledger_add_failure(struct ledger *ledger, const struct endpoint *client);

#endif
