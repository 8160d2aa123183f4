/*
 * XCLIENT, as Postfix has it: a proxy that may be believed tells whom it speaks for. Who may be is
 * for others to say, as are the addresses, beyond their grammar.
 */
#ifndef SESSION_XCLIENT_H
#define SESSION_XCLIENT_H

#include "span.h"

struct session;
struct text;

enum { XCLIENT_VALUE_MAX = 255, /* octets */ XCLIENT_PORT_MAX = 65535 };

/* In the order in which they are offered. */
enum xclient_attribute {
    XCLIENT_NAME, /* a name that is safe in a header */
    XCLIENT_ADDR, /* an address literal of RFC 5321 4.1.3 without its brackets */
    XCLIENT_PORT, /* a number */
    XCLIENT_PROTO,
    XCLIENT_HELO,
    XCLIENT_LOGIN, /* UTF-8 without control characters */
    XCLIENT_DESTADDR,
    XCLIENT_DESTPORT,
    XCLIENT_ATTRIBUTES
};

/* What one command told. */
struct xclient {
    struct {
        bool told;
        size_t length; /* 0 where the proxy does not know it either */
        char octets[XCLIENT_VALUE_MAX];
    } values[XCLIENT_ATTRIBUTES];
};

/* Whether the attribute was told, and what; octets are NULL where it was not. */
struct span xclient_value(const struct xclient *xclient, enum xclient_attribute attribute);

/*
 * An address without the tag of an IPv6 one, empty where the proxy does not know it; octets are
 * NULL where none was told.
 */
struct span xclient_address(const struct xclient *xclient, enum xclient_attribute attribute);

/* Whether a port was told; 0 where the proxy does not know it. */
bool xclient_port(const struct xclient *xclient, enum xclient_attribute attribute, unsigned *port);

/* Runs XCLIENT: `argument` is its attributes. */
void xclient_run(struct session *session, struct span argument);

/* Goes on once the client is taken for what was told, or not: it is back at the greeting. */
void xclient_answer(struct session *session, bool taken);

/* The names of the attributes with a space in front of each, for the reply to EHLO. */
void xclient_add_names(struct text *line);

#endif
