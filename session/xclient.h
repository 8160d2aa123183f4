/*
 * The attributes of XCLIENT, Postfix's command by which a trusted proxy tells whom it speaks for.
 * Whether it is trusted is not decided here, and of addresses the grammar alone is checked.
 */
#ifndef SESSION_XCLIENT_H
#define SESSION_XCLIENT_H

#include "session/text/text.h"

enum {
    XCLIENT_VALUE_MAX = 256, /* octets, of which none may have more than 255, but HELO is cut */
    XCLIENT_PORT_MAX = 65535
};

/* In the order in which they are offered. */
enum xclient_attribute {
    XCLIENT_NAME, /* a name that is safe in a header; any other is unknown */
    XCLIENT_ADDR, /* an address literal of RFC 5321 4.1.3 without its brackets */
    XCLIENT_PORT, /* a number */
    XCLIENT_PROTO,
    XCLIENT_HELO,  /* any octets, as for helo_copy */
    XCLIENT_LOGIN, /* UTF-8 without control characters */
    XCLIENT_DESTADDR,
    XCLIENT_DESTPORT,
    XCLIENT_ATTRIBUTES
};

/* What one command told. */
struct xclient {
    struct {
        bool told;
        uint16_t length; /* 0 if it was not told, or the proxy does not know it either */
        char octets[XCLIENT_VALUE_MAX];
    } values[XCLIENT_ATTRIBUTES];
};

/*@ predicate attribute_ok(integer attribute) = XCLIENT_NAME <= attribute < XCLIENT_ATTRIBUTES;
    predicate value_ok(struct xclient *xclient, integer attribute) =
        xclient->values[attribute].length <= XCLIENT_VALUE_MAX &&
        (attribute == XCLIENT_LOGIN ==> xclient->values[attribute].length < XCLIENT_VALUE_MAX);
    predicate xclient_ok(struct xclient *xclient) = \valid(xclient) &&
        \forall integer i; attribute_ok(i) ==> value_ok(xclient, i); */
/* Nothing was told. */
/*@ requires \valid(xclient);
    assigns *xclient;
    ensures xclient_ok(xclient); */
void xclient_clear(struct xclient *xclient);

/* Whether a client's host may be named so: NAME. */
/*@ requires readable(value);
    assigns \nothing;
    ensures \result ==> 0 < value.length < XCLIENT_VALUE_MAX; */
bool xclient_is_name(struct span value);

/* Parses the command's argument; false if `*offender`, an attribute, is wrong. */
/*@ requires \valid(xclient) && readable(argument) && \valid(offender);
    requires \separated(xclient, offender, argument.octets + (0 .. argument.length - 1));
    assigns *xclient, *offender;
    ensures xclient_ok(xclient);
    ensures !\result ==> readable(*offender); */
bool xclient_parse(struct xclient *xclient, struct span argument, struct span *offender);

/* The attribute's value, empty if the proxy does not know it; octets are NULL if none was told. */
/*@ requires xclient_ok(xclient) && attribute_ok(attribute);
    assigns \nothing;
    ensures readable(\result) && \result.length <= XCLIENT_VALUE_MAX;
    ensures attribute == XCLIENT_LOGIN ==> \result.length < XCLIENT_VALUE_MAX;
    ensures \result.length > 0 ==> \result.octets == &xclient->values[attribute].octets[0]; */
struct span xclient_value(const struct xclient *xclient, enum xclient_attribute attribute);

/* The same of an address, without the tag of an IPv6 one. */
/*@ requires xclient_ok(xclient) && attribute_ok(attribute);
    assigns \nothing;
    ensures readable(\result); */
struct span xclient_address(const struct xclient *xclient, enum xclient_attribute attribute);

/* Whether a port was told; 0 if the proxy does not know it. */
/*@ requires xclient_ok(xclient) && attribute_ok(attribute) && \valid(port);
    assigns *port; */
bool xclient_port(const struct xclient *xclient, enum xclient_attribute attribute, unsigned *port);

/* Adds the names of the attributes, each after a space, for the reply to EHLO. */
/*@ requires text_ok(line);
    assigns line->length, line->octets[0 .. line->size - 1];
    ensures text_ok(line); */
void xclient_add_names(struct text *line);

#endif
