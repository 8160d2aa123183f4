#include "helpers/milter-filter/packet.h"

/*@ requires \valid_read(octets + (0 .. 3));
    assigns \nothing; */
static uint32_t read_number(const char *octets)
{
    uint32_t number = 0;
    /*@ loop invariant 0 <= i <= 4;
        loop assigns i, number;
        loop variant 4 - i; */
    for (size_t i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)octets[i];
    return number;
}

enum packet_state packet_take(struct span *input, struct packet *packet)
{
    if (input->length < PACKET_HEAD)
        return PACKET_PARTIAL;
    uint32_t length = read_number(input->octets);
    if (length == 0 || length > PACKET_TAKEN_MAX)
        return PACKET_MALFORMED;
    if (input->length - PACKET_HEAD < length)
        return PACKET_PARTIAL;
    packet->command = input->octets[PACKET_HEAD];
    packet->data = (struct span){input->octets + PACKET_HEAD + 1, length - 1};
    *input = span_after(*input, PACKET_HEAD + length);
    return PACKET_WHOLE;
}

bool packet_take_number(struct span *data, uint32_t *number)
{
    if (data->length < 4)
        return false;
    *number = read_number(data->octets);
    *data = span_after(*data, 4);
    return true;
}

bool packet_take_string(struct span *data, struct span *string)
{
    size_t length = span_find(*data, '\0');
    if (length == data->length)
        return false;
    *string = span_first(*data, length);
    *data = span_after(*data, length + 1);
    return true;
}

/*@ requires text_ok(packet);
    assigns packet->length, packet->octets[0 .. packet->size - 1];
    ensures text_ok(packet) && packet->length >= \old(packet->length); */
static void add_octet(struct text *packet, char octet)
{
    text_add(packet, (struct span){&octet, 1});
}

struct text packet_begin(struct room room, char command)
{
    room.octets[PACKET_HEAD] = command;
    return (struct text){room.octets, PACKET_HEAD + 1, PACKET_ROOM};
}

void packet_add_number(struct text *packet, uint32_t number, unsigned octets)
{
    /*@ loop invariant octets <= 4 && text_ok(packet);
        loop invariant packet->length >= \at(packet->length, Pre);
        loop assigns octets, packet->length, packet->octets[0 .. packet->size - 1];
        loop variant octets; */
    for (; octets > 0; octets--)
        add_octet(packet, (char)(number >> 8 * (octets - 1)));
}

/* Whether the octet at `at` is lost. */
/*@ requires readable(string) && at < string.length;
    assigns \nothing; */
static bool is_lost(struct span string, size_t at)
{
    bool is_line_end = at + 1 < string.length && string.octets[at + 1] == '\n';
    return string.octets[at] == '\0' || (string.octets[at] == '\r' && is_line_end);
}

void packet_add_string(struct text *packet, struct span string)
{
    if (packet->size - packet->length < 2)
        return;
    /*@ loop invariant 0 <= i <= string.length && text_ok(packet);
        loop invariant packet->length >= \at(packet->length, Pre);
        loop assigns i, packet->length, packet->octets[0 .. packet->size - 1];
        loop variant string.length - i; */
    for (size_t i = 0; i < string.length && packet->size - packet->length > 2; i++)
        if (!is_lost(string, i))
            add_octet(packet, string.octets[i]);
    add_octet(packet, '\0');
}

size_t packet_end(struct text *packet)
{
    struct text head = {.octets = packet->octets, .size = PACKET_HEAD};
    packet_add_number(&head, (uint32_t)(packet->length - PACKET_HEAD), PACKET_HEAD);
    return packet->length;
}
