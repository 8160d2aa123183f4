/*
 * Makes another message of a stored one: with header fields in front, with another sender in
 * Return-Path, or of octets that a filter wrote. Each is sealed as the first was, and its parts
 * that are ours are found again.
 */
#ifndef HANDLER_RUNNER_REWRITE_H
#define HANDLER_RUNNER_REWRITE_H

#include "handler/runner/copy.h"

/*
 * Finds the parts of a message that are ours in what the frontend says is our trace, so that
 * something can stand between them. If it is no trace, nothing is ours: nobody hides the fields of
 * a filter in a body.
 */
void rewrite_part(const struct runner *runner, struct stored *message);

/*
 * Both put the new message into the place of the old, whose descriptor stays open and is the
 * caller's, as the new one is. 0; or -errno, and nothing changed.
 */

/*
 * Puts `fields`, which fields_copy has made, behind our Return-Path and Delivered-To, and names
 * `sender`, unless it is NULL, in that Return-Path.
 */
int rewrite_front(const struct runner *runner, struct stored *message, struct span fields,
                  const struct mailbox *sender);

/* Takes what was written to `spool`; -ETXTBSY or -EBUSY if somebody could still change it. */
int rewrite_take(struct stored *message, struct spool *spool);

/* The octets in front that are ours alone: TRACE_SIZE. */
uint32_t rewrite_trace_size(const struct stored *message);

#endif
