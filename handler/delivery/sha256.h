/*
 * SHA-256 (FIPS 180-4), for names of messages in the done-list. Our own, since a static build can
 * load no library for it.
 */
#ifndef HANDLER_DELIVERY_SHA256_H
#define HANDLER_DELIVERY_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_OCTETS = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* octets so far */
    unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *octets, size_t length);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_OCTETS]);

#endif
