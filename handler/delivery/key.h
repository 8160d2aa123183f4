/*
 * The name of a message: equal for a retry, on any host, and another for another sender, recipient
 * or content. It is the SHA-256 of sender, NUL, each recipient in the order of their octets with a
 * NUL behind it, and the SHA-256 of the content that the client sent.
 */
#ifndef HANDLER_DELIVERY_KEY_H
#define HANDLER_DELIVERY_KEY_H

#include <stdbool.h>
#include <sys/types.h>

#include "handler/delivery/sha256.h"
#include "session.h"

enum { KEY_TEXT_LENGTH = 2 * SHA256_OCTETS };

struct key {
    unsigned char octets[SHA256_OCTETS];
};

/* The content's digest, once it is made. Zeros at first, and for each message. */
struct key_content {
    bool is_made;
    unsigned char octets[SHA256_OCTETS];
};

/* Makes it, unless it is, of what `message` holds from offset `at` on. 0, or -errno. */
int key_read_content(struct key_content *content, int message, off_t at);

/* `recipients`: up to ENVELOPE_RECIPIENTS_MAX lines, as envelope_lines has them. */
struct key key_make(const struct key_content *content, struct span sender, struct span recipients);

/* Writes it in hexadecimal digits, and a NUL. */
void key_write(char text[KEY_TEXT_LENGTH + 1], const struct key *key);

#endif
