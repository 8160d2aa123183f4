/*
 * The connection to the milter: packets out, packets in, at the same time, so that neither side
 * waits for the other to read. It knows no command. All functions that return false have said on
 * standard error what is wrong; the connection is of no use then.
 */
#ifndef HELPERS_MILTER_FILTER_SERVER_H
#define HELPERS_MILTER_FILTER_SERVER_H

#include "helpers/milter-filter/packet.h"

enum { SERVER_OUTPUT_SIZE = 2 * PACKET_ROOM };

struct server {
    const char *name; /* as it was given to us */
    const char *step; /* what we have said last, for what goes wrong */
    int socket;
    int patience;           /* milliseconds in which something must move */
    bool is_deaf;           /* it has closed its end; we may still read what it said before */
    struct span input_left; /* what of the input is not taken yet */
    size_t sent, length;    /* of the output: what was sent, and all */
    char input[PACKET_HEAD + PACKET_TAKEN_MAX];
    char output[SERVER_OUTPUT_SIZE];
};

/* Connects to the server of that name (peer.h), which lives as long as `server`. */
bool server_open(struct server *server, const char *name, int patience);

/*@ predicate server_ok(struct server *server) = \valid_read(server) &&
        \valid_read(server->name) && \valid_read(server->step); */

/* Says on standard error what is wrong. Returns false. */
/*@ requires server_ok(server) && \valid_read(what);
    assigns \nothing;
    ensures !\result; */
bool server_complain(const struct server *server, const char *what);

/* Whether there is no room for a packet; otherwise one may be begun (packet.h) in the room. */
bool server_is_full(const struct server *server);
struct room server_room(struct server *server);

/* Adds the packet that was begun there. */
void server_add(struct server *server, struct text *packet);

/* Whether something waits to be sent. */
bool server_has_output(const struct server *server);

/* Waits until octets have come or gone. */
bool server_move(struct server *server);

/*
 * Takes the next packet, borrowed until octets come; sets its command to 0 if none has come whole.
 */
bool server_take(struct server *server, struct packet *packet);

/* Says that we are done, and does not wait; errors do not matter any more. */
void server_quit(struct server *server);

#endif
