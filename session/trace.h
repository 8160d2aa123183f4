/*
 * The trace fields in front of a message: Return-Path and Received (RFC 5321 4.4), and Delivered-To
 * as qmail and Postfix have it, which reveals a loop. Time and names are handed in.
 */
#ifndef SESSION_TRACE_H
#define SESSION_TRACE_H

#include <stdint.h>

#include "session/address.h"
#include "session/content.h"
#include "session/header.h"

/*
 * Octets of the fields: the longest mailbox three times, three domains and a literal, a user's name
 * with each octet quoted, and what stands between them; and with what closes them off behind.
 */
enum { TRACE_FIELDS_MAX = 3200, TRACE_MAX = TRACE_FIELDS_MAX + HEADER_ADDED_MAX };

struct trace {
    struct span sender;
    struct span recipient; /* empty unless there is only one */
    bool delivered_to;     /* write Delivered-To if there is only one */
    struct span helo;
    struct span client_hostname; /* empty if unknown */
    struct span client_address;  /* IPv4 or IPv6 in text; empty if unknown */
    struct span user;            /* by AUTH; empty if unauthenticated */
    struct span hostname;        /* ours */
    struct span protocol;        /* RFC 3848, RFC 6531 4.3 */
    struct span id;
    int64_t time; /* seconds since 1970, UTC */
};

/*@ predicate trace_ok(struct trace *trace) = \valid_read(trace) && readable(trace->sender) &&
        readable(trace->recipient) && readable(trace->helo) &&
        readable(trace->client_hostname) && readable(trace->client_address) &&
        readable(trace->user) && readable(trace->hostname) && readable(trace->protocol) &&
        readable(trace->id); */

/* The protocol by its name in RFC 3848 and RFC 6531 4.3 ("ESMTP", "LMTP", "UTF8SMTPSA"). */
struct protocol {
    bool extended, lmtp, utf8, secured, authenticated;
};
/*@ assigns \nothing;
    ensures readable(\result); */
struct span protocol_name(struct protocol protocol);

/*
 * Writes the fields to the front of `output`, which has TRACE_FIELDS_MAX octets of room, and moves
 * it.
 */
/*@ requires trace_ok(trace) && \valid(output) && writable(*output);
    requires output->length >= TRACE_FIELDS_MAX;
    requires \separated(output, output->octets + (0 .. output->length - 1));
    assigns *output, output->octets[0 .. output->length - 1];
    ensures moved_on(*output, \old(*output));
    ensures output->length >= \old(output->length) - TRACE_FIELDS_MAX; */
void trace_write(const struct trace *trace, enum line_ending line_ending, struct room *output);

/* Writes the first of them alone; room for a mailbox and 20 octets is enough. */
/*@ requires mailbox_ok(sender) && \valid(output) && writable(*output);
    requires \separated(output, output->octets + (0 .. output->length - 1));
    assigns *output, output->octets[0 .. output->length - 1];
    ensures moved_on(*output, \old(*output)); */
void trace_write_return_path(const struct mailbox *sender, enum line_ending line_ending,
                             struct room *output);

/* At which octet of such fields Received begins; their length if it is not there. */
/*@ requires readable(fields);
    assigns \nothing;
    ensures \result <= fields.length; */
size_t trace_find_received(struct span fields);

#endif
