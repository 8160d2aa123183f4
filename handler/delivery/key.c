#include "handler/delivery/key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int key_read_content(struct key_content *content, int message, off_t at)
{
    static char octets[64 * 1024];
    struct sha256 hash;
    ssize_t length;
    if (content->is_made)
        return 0;
    sha256_begin(&hash);
    do {
        length = pread(message, octets, sizeof octets, at);
        if (length < 0 && errno != EINTR)
            return -errno;
        if (length > 0)
            sha256_add(&hash, octets, (size_t)length);
        at += length > 0 ? length : 0;
    } while (length != 0);
    sha256_end(&hash, content->octets);
    content->is_made = true;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct span *one = a, *other = b;
    size_t common = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->octets, other->octets, common);
    return order != 0 ? order : (one->length > other->length) - (one->length < other->length);
}

static void add_address(struct sha256 *hash, struct span address)
{
    sha256_add(hash, address.octets, address.length);
    sha256_add(hash, "", 1);
}

static void add_recipients(struct sha256 *hash, struct span lines)
{
    static struct span sorted[ENVELOPE_RECIPIENTS_MAX];
    size_t count = 0;
    while (lines.length > 0 && count < ENVELOPE_RECIPIENTS_MAX) {
        struct span line = span_first(lines, span_find(lines, '\n'));
        sorted[count++] = line;
        lines = span_after(lines, line.length + (line.length < lines.length ? 1 : 0));
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++)
        add_address(hash, sorted[i]);
}

struct key key_make(const struct key_content *content, struct span sender, struct span recipients)
{
    struct sha256 hash;
    struct key key = {{0}};
    sha256_begin(&hash);
    add_address(&hash, sender);
    add_recipients(&hash, recipients);
    sha256_add(&hash, content->octets, SHA256_OCTETS);
    sha256_end(&hash, key.octets);
    return key;
}

void key_write(char text[KEY_TEXT_LENGTH + 1], const struct key *key)
{
    for (size_t i = 0; i < SHA256_OCTETS; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", key->octets[i]); /* fits */
}
