/*
 * What a milter answers, and how: packets become values, or are malformed. Reads and writes
 * nothing, and believes nothing.
 */
#ifndef HELPERS_MILTER_FILTER_ANSWER_H
#define HELPERS_MILTER_FILTER_ANSWER_H

#include "helpers/milter-filter/packet.h"
#include "helpers/reply.h"

/* What a milter need not be sent, or does not answer: bits of the protocol that it has chosen. */
enum {
    PROTOCOL_NO_CONNECT = 0x1,
    PROTOCOL_NO_HELO = 0x2,
    PROTOCOL_NO_MAIL = 0x4,
    PROTOCOL_NO_RCPT = 0x8,
    PROTOCOL_NO_BODY = 0x10,
    PROTOCOL_NO_HEADER = 0x20,
    PROTOCOL_NO_END_OF_HEADER = 0x40,
    PROTOCOL_SILENT_HEADER = 0x80,
    PROTOCOL_NO_DATA = 0x200,
    PROTOCOL_SILENT_CONNECT = 0x1000,
    PROTOCOL_SILENT_HELO = 0x2000,
    PROTOCOL_SILENT_MAIL = 0x4000,
    PROTOCOL_SILENT_RCPT = 0x8000,
    PROTOCOL_SILENT_DATA = 0x10000,
    PROTOCOL_SILENT_END_OF_HEADER = 0x40000,
    PROTOCOL_SILENT_BODY = 0x80000,
    PROTOCOL_LEADING_SPACE = 0x100000, /* values have the blank behind the colon */
    PROTOCOL_ALL = 0x1fffff,           /* what Postfix and Sendmail offer: all but larger packets */
    ACTIONS_ALL = 0x1ff,
    PROTOCOL_VERSION = 6,
    PROTOCOL_VERSION_MIN = 2
};

/* Stages for which a milter may name the macros that it wants, by the protocol's numbers. */
enum { MACRO_STAGES = 7 };

struct agreement {
    uint32_t protocol;
    bool is_asked[MACRO_STAGES];
    struct span asked[MACRO_STAGES]; /* names, with blanks between them; borrowed */
};

/*@ predicate agreement_ok(struct agreement *agreement) = \valid_read(agreement) &&
        \forall integer i; 0 <= i < MACRO_STAGES && agreement->is_asked[i] ==>
            readable(agreement->asked[i]); */
/* Parses the answer to the offer; false if it is malformed, or wants what was not offered. */
/*@ requires \valid_read(packet) && readable(packet->data) && \valid(agreement);
    requires \separated(agreement, packet);
    assigns *agreement;
    ensures agreement_ok(agreement); */
bool answer_parse_agreement(const struct packet *packet, struct agreement *agreement);

enum answer_kind {
    ANSWER_CONTINUE,
    ANSWER_ACCEPT,
    ANSWER_REJECT,
    ANSWER_DEFER,
    ANSWER_REPLY, /* of SMTP, in `name` */
    ANSWER_DISCARD,
    ANSWER_SKIP,  /* no more of the body is wanted */
    ANSWER_CLOSE, /* the connection with the client */
    ANSWER_PROGRESS,
    ANSWER_QUARANTINE, /* the first of those that come before the answer to the end */
    ANSWER_APPEND,
    ANSWER_INSERT,
    ANSWER_CHANGE,
    ANSWER_BODY, /* octets in `name` */
    ANSWER_SENDER,
    ANSWER_ADD_RECIPIENT,
    ANSWER_DELETE_RECIPIENT
};

struct answer {
    enum answer_kind kind;
    uint32_t index;
    struct span name, value; /* the strings, as many as it has; the other is empty */
};

/* Parses the packet; false if it is no answer. */
/*@ requires \valid_read(packet) && readable(packet->data) && \valid(answer);
    requires \separated(answer, packet);
    assigns *answer;
    ensures \result ==> readable(answer->name) && readable(answer->value); */
bool answer_parse(const struct packet *packet, struct answer *answer);

/*
 * Parses the lines of a reply with its code, 4xx or 5xx, in which "%" is doubled; false if they are
 * not one.
 */
/*@ requires readable(lines) && \valid(reply);
    assigns *reply;
    ensures reply_ok(reply); */
bool answer_parse_reply(struct span lines, struct reply *reply);

#endif
