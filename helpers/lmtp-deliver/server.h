/*
 * The connection to the LMTP server: octets out, whole replies in. It knows no command. All
 * functions that return false have said on standard error what is wrong; the connection is of no
 * use then.
 */
#ifndef HELPERS_LMTP_DELIVER_SERVER_H
#define HELPERS_LMTP_DELIVER_SERVER_H

#include "helpers/reply.h"

enum { SERVER_OUTPUT_SIZE = 64 * 1024 };

struct server {
    const char *name; /* as it was given to us */
    const char *step; /* what we have said last, for what goes wrong */
    int socket;
    size_t start, end; /* of the octets in `input` that are not read yet */
    size_t length;     /* of the octets in `output` that are not sent yet */
    char input[REPLY_LINE_MAX];
    char output[SERVER_OUTPUT_SIZE];
};

/* Connects to the server of that name (peer.h), which lives as long as `server`. */
bool server_open(struct server *server, const char *name);

/* Puts octets behind those that wait to be sent; sends them if there is no room. */
bool server_send(struct server *server, const void *octets, size_t length);

/*
 * Sends all that waits, and asks for a reply behind it: a server that has said something already
 * does not answer us.
 */
bool server_ask(struct server *server);

/* Reads a whole reply; `extensions`, if not NULL, gets what all but its first line offer. */
bool server_read(struct server *server, struct reply *reply, unsigned *extensions);

/* Says that we are done, and does not wait for the answer; errors do not matter any more. */
void server_quit(struct server *server);

#endif
