/*
 * Packets of the milter protocol: a 32-bit length, which is of what follows, a command of one
 * octet, and its data. Numbers are big-endian, strings end with NUL. Reads and writes nothing, and
 * believes no octet.
 */
#ifndef HELPERS_MILTER_FILTER_PACKET_H
#define HELPERS_MILTER_FILTER_PACKET_H

#include "session/text/span.h"
#include "session/text/text.h"

enum {
    PACKET_HEAD = 4,              /* octets of the length */
    PACKET_SENT_MAX = 65535,      /* octets of data that libmilter takes */
    PACKET_TAKEN_MAX = 2 * 65535, /* octets behind the length that we take, as Postfix does */
    PACKET_ROOM = PACKET_HEAD + 1 + PACKET_SENT_MAX
};

struct packet {
    char command;
    struct span data; /* borrowed from the input */
};

enum packet_state { PACKET_PARTIAL, PACKET_WHOLE, PACKET_MALFORMED };

/* Takes a packet from the front of `input`, if all of it is there. */
enum packet_state packet_take(struct span *input, struct packet *packet);

/*
 * These take a number or a string from the front of `data`; false if there is none. A string is
 * without its NUL.
 */
bool packet_take_number(struct span *data, uint32_t *number);
bool packet_take_string(struct span *data, struct span *string);

/* Begins a packet in `room`, which has PACKET_ROOM octets. */
struct text packet_begin(struct room room, char command);

void packet_add_number(struct text *packet, uint32_t number, unsigned octets);

/*
 * Adds the string and its NUL, if there is room for two NULs, and cuts it to fit. It loses NULs,
 * and CRs before LFs: the lines of a field's value end with LF alone.
 */
void packet_add_string(struct text *packet, struct span string);

/* Writes the length; returns the octets of the whole packet. */
size_t packet_end(struct text *packet);

#endif
