/*
 * The message at hand on its way from the client to the delivery command: what fields of ours and
 * the filters make of it and of its envelope.
 */
#ifndef HANDLER_RUNNER_FILTERED_H
#define HANDLER_RUNNER_FILTERED_H

#include "handler/runner/state.h"

/*
 * Adds header fields for the front of the message, as fields_copy takes them, which the filters see
 * as well. False if it does not take them, or has no room for them.
 */
bool filtered_add_front(struct runner *runner, struct span fields);

/* Puts another message into the place of the one that the filters have. */
void filtered_replace(struct filtered *filtered, const struct stored *made);

/* Ends it: the verdict on the message is that of `delivery`, with its text. */
void filtered_end(struct filtered *filtered, const struct delivery *delivery);

/* Makes `view` the transaction at hand with the sender that filters gave it, and their text. */
void filtered_rename(const struct runner *runner, struct transaction *view);

/*
 * The same, in one delivery for all, without the recipients whom filters or `is_left_out` leave
 * out, and with those whom filters have added, but `with_apart` only if they need a run by
 * themselves.
 */
void filtered_readdress(const struct runner *runner, const bool *is_left_out, bool with_apart,
                        struct transaction *view);

/* Forgets all of it. */
void filtered_clear(struct filtered *filtered);

#endif
