/*
 * How requests and answers travel between frontend and runner: as records of one size, one at a
 * time, over a pair of sockets, with descriptors beside them. A record holds no pointer; the runner
 * believes nothing in it (handler/runner/request.c).
 */
#ifndef HANDLER_BOUNDARY_RECORD_H
#define HANDLER_BOUNDARY_RECORD_H

#include <stdint.h>

#include "session.h"

enum {
    RECORD_TEXT_MAX = 512,         /* octets: ORCPT_MAX, MAILBOX_MAX and REPLY_LINE_MAX fit */
    SPOOL_MEMORY_MAX = 1024 * 1024 /* octets of a message; a larger one is stored in a file */
};

/* The contracts are in boundary.h. */
enum operation {
    OPERATION_UNCONFINED,
    OPERATION_PROXY,
    OPERATION_NO_PROXY,
    OPERATION_RESOLVE,
    OPERATION_TLS,
    OPERATION_HANDSHAKE,
    OPERATION_XCLIENT,
    OPERATION_CREDENTIALS,
    OPERATION_SENDER,
    OPERATION_RECIPIENT,
    OPERATION_SPOOL,
    OPERATION_SPOOL_FILE,
    OPERATION_DELIVERY,
    OPERATION_DISCARD,
    OPERATION_ACKNOWLEDGED,
    OPERATION_REFUSED,
    OPERATION_END,
    OPERATIONS
};

/* Octets with their length. */
struct record_text {
    uint16_t length;
    char octets[RECORD_TEXT_MAX];
};

struct record_endpoint {
    uint16_t port;
    struct record_text address;
};

/* Truth values are 0 or 1. */
struct request {
    uint32_t operation;
    uint8_t known; /* the sender or recipient is known to be accepted: no answer is sent */
    union {
        struct {
            uint32_t missing; /* as sandbox_enter has it */
        } unconfined;
        struct {
            uint8_t named; /* a proxy names the following */
            struct record_endpoint client, local;
            struct record_text hostname, user;
        } client;
        struct {
            uint8_t silent; /* the proxy said nothing */
            struct record_text reason;
        } no_proxy;
        struct {
            uint8_t login;    /* by LOGIN, not PLAIN */
            uint8_t extended; /* greeted with EHLO or LHLO */
            struct record_text user, password;
        } credentials;
        struct {
            uint8_t extended, utf8, prdr, binary;
            uint64_t size; /* that the client announced; 0 if unknown */
            struct record_text helo, envid, ret;
            struct record_text mailbox;
        } sender;
        struct {
            struct record_text notify, orcpt, dropped;
            struct record_text mailbox;
        } recipient;
        struct {
            uint8_t each;    /* to the next recipient only */
            uint32_t trace;  /* octets of our trace fields in front, */
            uint32_t added;  /* and behind them of what keeps the client's apart */
            uint64_t stored; /* octets */
            uint64_t size;   /* octets, as RFC 1870 counts them */
            uint64_t bare_lf_count;
        } delivery;
        struct {
            uint32_t verdict;
            int32_t error; /* of writing to the spool, -errno; 0 for none */
            uint64_t size;
            uint64_t bare_lf_count;
            struct record_text bad_line_end;
        } discard;
        struct {
            uint32_t subject, reply;
            uint8_t in_transaction;
            uint64_t size;
            struct record_text helo, text;
        } refused;
        struct {
            uint32_t errors, unreported;
            uint8_t spoke, stopped_at_lf;
            struct record_text helo, reason, pipelined_behind, abuse, unexpected;
        } end;
    };
};

/* Descriptors may come beside it. */
struct answer {
    uint32_t verdict;
    uint8_t are_sockets;    /* the descriptors */
    uint8_t message_closed; /* the runner has forgotten the message */
    struct record_text text;
};

/* `text`, cut to fit. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result.length <= RECORD_TEXT_MAX; */
struct record_text record_text(struct span text);

/* Borrowed from `text`, with the length that it claims, which may exceed its octets. */
/*@ requires \valid_read(text);
    assigns \nothing;
    ensures \result.octets == &text->octets[0] && \result.length == text->length; */
struct span record_span(const struct record_text *text);

#endif
