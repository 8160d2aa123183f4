/*
 * The trace fields in front of a message: Return-Path and Received (RFC 5321 4.4), and Delivered-To
 * as qmail and Postfix have it, to know a message again that comes back. Clocks and names are
 * handed in.
 */
#ifndef SESSION_TRACE_H
#define SESSION_TRACE_H

#include <stdint.h>

#include "address.h"
#include "content.h"

/*
 * Octets; the longest path three times, three domains and a literal, a user's name with each octet
 * quoted, and what stands between them.
 */
enum { TRACE_MAX = 3072 };

struct trace {
    const struct mailbox *sender;
    const struct mailbox *recipient; /* NULL where there is not just one */
    bool delivered_to;               /* write Delivered-To, where there is just one */
    struct span helo;
    struct span client_hostname; /* empty where unknown */
    struct span client_address;  /* IPv4 or IPv6 in text; empty where unknown */
    struct span user;            /* who proved to be that with AUTH; empty for nobody */
    struct span hostname;        /* ours */
    struct span protocol;        /* RFC 3848, RFC 6531 4.3 */
    struct span id;
    int64_t time; /* seconds since 1970, UTC */
};

/* Writes the fields to the front of `output`, which has TRACE_MAX octets of room, and moves it. */
void trace_write(const struct trace *trace, enum line_ending line_ending, struct room *output);

#endif
