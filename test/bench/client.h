/*
 * An SMTP client that costs little itself, over a socket or TLS. Whatever it did not expect, such
 * as a reply of another kind, ends the program with a line that says what it was.
 */
#ifndef TEST_BENCH_CLIENT_H
#define TEST_BENCH_CLIENT_H

#include <stddef.h>

enum { CLIENT_INPUT_MAX = 64 * 1024, CLIENT_BLOCK_MAX = 64 * 1024 };

struct ssl_st; /* of OpenSSL */

struct client {
    int descriptor;
    struct ssl_st *tls; /* NULL for plaintext */
    size_t begin, end;
    char input[CLIENT_INPUT_MAX]; /* read, and from `begin` to `end` not looked at yet */
};

/* The octets of a message as they are sent, in whole lines. */
struct block {
    size_t length;
    char octets[CLIENT_BLOCK_MAX];
};

/* Takes a descriptor that is connected. */
void client_begin(struct client *client, int descriptor);

/* Connects to `port` of 127.0.0.1, from the address number `source` of 127.0.0.0/8. */
void client_connect(struct client *client, unsigned port, unsigned source);

/* The client's end of TLS over a descriptor that is connected; the caller frees it. */
struct ssl_st *client_make_tls(int descriptor);

/* The handshake, with any certificate. */
void client_secure(struct client *client);

void client_send(struct client *client, const char *octets, size_t length);
void client_say(struct client *client, const char *line);

/* Reads a reply, all its lines; its first digit must be `first`. */
void client_expect(struct client *client, char first);

/* Reads the greeting, says EHLO, and with `starttls` does that and says EHLO again. */
void client_greet(struct client *client, int starttls);

/* Says QUIT, reads until the end, whatever that is, and closes. */
void client_quit(struct client *client);

/* Says that nothing more comes, as far as that can be said, reads until the end and closes. */
void client_finish(struct client *client);

/* Reads until the end and closes. */
void client_end(struct client *client);

/* Lines of `octet`, up to `length` octets in all; of dots, the first of a line is for SMTP. */
void block_fill(struct block *block, char octet, size_t length);

#endif
