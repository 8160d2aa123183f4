/*
 * Carries octets between the client, behind TLS on standard input and output, and the handler,
 * in plaintext. The end of either side is passed on by itself.
 */
#ifndef HELPERS_TLS_RELAY_CARRY_H
#define HELPERS_TLS_RELAY_CARRY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CARRY_PLAIN_DESCRIPTOR = 4, CARRY_BUFFER_SIZE = 64 * 1024 };

struct pipe {
    size_t start, end; /* of the octets in the buffer */
    bool source_over;  /* nothing more comes */
    bool sink_over;    /* and that was passed on, or the sink is gone */
    char octets[CARRY_BUFFER_SIZE];
};

struct relay {
    SSL *tls;
    short tls_wants;               /* POLLIN or POLLOUT if TLS waits for the network, else 0 */
    bool client_ended;             /* its side of the connection */
    bool network_is_empty;         /* until the next poll: the last read did not fill `ahead` */
    bool plain_is_readable;        /* PLAIN has octets, or its end */
    bool peer_is_gone;             /* the other end of PLAIN is closed */
    size_t ahead_start, ahead_end; /* of what TLS has not read yet */
    char ahead[CARRY_BUFFER_SIZE];
    int64_t farewell; /* when it ends; 0 before it begins */
    struct pipe inward, outward;
};

/*
 * Lets the server accept the client on standard input and output, without waiting for it. False if
 * there is no memory.
 */
bool carry_accept(struct relay *relay, SSL_CTX *server);

/*
 * Whether TLS goes on after a call that returned `result`; relay->tls_wants has what it waits for.
 */
bool carry_goes_on(struct relay *relay, int result);

/* Milliseconds of the monotonic clock. */
int64_t carry_clock(void);

/* Carries until both sides have ended, or one is gone; if the peer of PLAIN is, exits. */
void carry_octets(struct relay *relay);

#endif
