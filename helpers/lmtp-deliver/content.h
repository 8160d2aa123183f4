/*
 * The message on standard input, and how it goes to the server: with CR LF behind each line,
 * whichever line end it has, and by DATA with dots stuffed. It is read twice, in pieces.
 */
#ifndef HELPERS_LMTP_DELIVER_CONTENT_H
#define HELPERS_LMTP_DELIVER_CONTENT_H

#include <sys/types.h>

#include "helpers/lmtp-deliver/server.h"

struct content {
    off_t offset;            /* of its first octet */
    unsigned long long size; /* octets as they are sent, dots that are stuffed not counted */
    bool is_text;            /* its first line has no CR LF: each bare LF is a line end */
    bool is_8bit;            /* it has octets above 127 */
    bool is_binary;          /* BINARYMIME alone lets its octets pass: it has bare CRs, or bare LFs
                                among CR LFs */
    char last;               /* its last octet, LF if it is empty */
};

/* Reads the message and finds what it is. 0, or -errno. */
int content_scan(struct content *content);

/* Sends its octets, as many as `size`. By DATA with stuffed dots, and with CR LF, dot, CR LF. */
bool content_send_bdat(const struct content *content, struct server *server);
bool content_send_data(const struct content *content, struct server *server);

#endif
