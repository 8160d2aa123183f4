/*
 * What the session process and the runner tell each other: records of one size, one at a time,
 * over a pair of sockets, with descriptors beside them. Nothing in a record is a pointer, and
 * nothing of it may be believed by the runner that reads it: see operation.c.
 */
#ifndef HANDLER_RECORD_H
#define HANDLER_RECORD_H

#include <stdint.h>

#include "../session.h"

enum {
    RECORD_TEXT_MAX = 512, /* octets: more than ORCPT_MAX, and REPLY_LINE_MAX */
    RECORD_DESCRIPTORS_MAX = 2
};

/* The contracts are in boundary.h. */
enum operation {
    OPERATION_UNCONFINED,
    OPERATION_STATUS,
    OPERATION_PROXY,
    OPERATION_NO_PROXY,
    OPERATION_TLS,
    OPERATION_HANDSHAKE,
    OPERATION_CLIENT,
    OPERATION_CREDENTIALS,
    OPERATION_SENDER,
    OPERATION_RECIPIENT,
    OPERATION_SPOOL,
    OPERATION_SPOOL_FILE,
    OPERATION_DELIVERY,
    OPERATION_DISCARD,
    OPERATION_HEARD,
    OPERATION_END,
    OPERATIONS
};

/* Octets with their length. */
struct record_text {
    uint16_t length;
    char octets[RECORD_TEXT_MAX];
};

/* An end of a connection. */
struct record_end {
    uint16_t port;
    struct record_text address;
};

/* What is asked. Truth values are 0 or 1. */
struct request {
    uint32_t operation;
    uint8_t certain; /* the sender or recipient is accepted for sure: nothing is answered */
    union {
        struct {
            uint32_t missing; /* as sandbox_enter has it */
        } unconfined;
        struct {
            uint8_t receiving; /* a message */
        } status;
        struct {
            uint8_t named; /* a proxy names them: the following */
            struct record_end client, local;
            struct record_text hostname, user;
        } client;
        struct {
            uint8_t silent;
            struct record_text wrong;
        } no_proxy;
        struct {
            uint8_t login; /* by LOGIN, not PLAIN */
            struct record_text user, password;
        } credentials;
        struct {
            uint8_t extended, utf8;
            struct record_text helo, envid, ret;
            struct record_text mailbox;
        } sender;
        struct {
            struct record_text notify, orcpt;
            struct record_text mailbox;
        } recipient;
        struct {
            uint8_t each;    /* to the next recipient alone */
            uint32_t trace;  /* octets of ours in front */
            uint64_t stored; /* octets */
            uint64_t size;   /* as RFC 1870 counts */
        } delivery;
        struct {
            uint32_t verdict;
            int32_t error; /* of writing to the spool, -errno; 0 for none */
            uint64_t size;
            struct record_text form;
        } discard;
        struct {
            uint32_t errors;
            struct record_text helo, how, pipelined_behind;
        } end;
    };
};

/* What is answered. Descriptors may come beside it. */
struct answer {
    uint32_t verdict;
    uint8_t sockets; /* the descriptors are such */
    uint8_t settled; /* nothing is left to be done about the message */
    struct record_text text;
};

/* `text`, cut to fit. */
struct record_text record_text(struct span text);

/* Borrowed from `text`; as long as that says, which may be more than it has. */
struct span record_span(const struct record_text *text);

/*
 * Sends `length` octets as one record, and up to RECORD_DESCRIPTORS_MAX descriptors, which stay
 * open here. `flags` are those of sendmsg(2). 0, or -errno: with MSG_DONTWAIT -EAGAIN where the
 * other side has not read those before.
 */
int record_send(int socket, const void *octets, size_t length, const int *descriptors, size_t count,
                int flags);

/*
 * Receives a record of `length` octets, and up to `count` descriptors into `descriptors`, -1 where
 * none came, close-on-exec, the caller's to close. `flags` are those of recvmsg(2). 0; or -errno:
 * -EPIPE where the other side is gone, -EBADMSG where the record has another length.
 */
int record_receive(int socket, void *octets, size_t length, int *descriptors, size_t count,
                   int flags);

#endif
