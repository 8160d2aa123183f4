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
/*@ requires \valid(input) && readable(*input) && \valid(packet) && \separated(packet, input);
    assigns *input, *packet;
    ensures rest_of(*input, \old(*input));
    ensures \result == PACKET_WHOLE ==> readable(packet->data); */
enum packet_state packet_take(struct span *input, struct packet *packet);

/*
 * These take a number or a string from the front of `data`; false if there is none. A string is
 * without its NUL.
 */
/*@ requires \valid(data) && readable(*data) && \valid(number) && \separated(number, data);
    assigns *data, *number;
    ensures rest_of(*data, \old(*data));
    ensures \result ==> data->length < \old(data->length); */
bool packet_take_number(struct span *data, uint32_t *number);
/*@ requires \valid(data) && readable(*data) && \valid(string) && \separated(string, data);
    assigns *data, *string;
    ensures rest_of(*data, \old(*data));
    ensures \result ==> string->octets == \old(data->octets) && readable(*string) &&
        data->length < \old(data->length); */
bool packet_take_string(struct span *data, struct span *string);

/* Begins a packet in `room`, which has PACKET_ROOM octets. */
/*@ requires writable(room) && room.length >= PACKET_ROOM;
    assigns room.octets[0 .. PACKET_ROOM - 1];
    ensures \result.octets == room.octets && \result.size == PACKET_ROOM;
    ensures \result.length == PACKET_HEAD + 1; */
struct text packet_begin(struct room room, char command);

/* Adds its last `octets`, up to 4. */
/*@ requires text_ok(packet) && octets <= 4;
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet) && packet->length >= \old(packet->length); */
void packet_add_number(struct text *packet, uint32_t number, unsigned octets);

/*
 * Adds the string and its NUL, if there is room for two NULs, and cuts it to fit. It loses NULs,
 * and CRs before LFs: the lines of a field's value end with LF alone.
 */
/*@ requires text_ok(packet) && readable(string);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet) && packet->length >= \old(packet->length); */
void packet_add_string(struct text *packet, struct span string);

/* Writes the length; returns the octets of the whole packet. */
/*@ requires text_ok(packet) && packet->size >= PACKET_HEAD;
    assigns packet->octets[0 .. PACKET_HEAD - 1];
    ensures \result == packet->length; */
size_t packet_end(struct text *packet);

#endif
