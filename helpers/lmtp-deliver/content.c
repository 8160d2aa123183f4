#include "helpers/lmtp-deliver/content.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One buffer for both readings. */
static char piece[64 * 1024];

/* Reads the piece at `offset`, and moves that behind it. Its length, 0 at the end, or -errno. */
static ssize_t read_piece(off_t *offset)
{
    ssize_t length;
    do
        length = pread(STDIN_FILENO, piece, sizeof piece, *offset);
    while (length < 0 && errno == EINTR);
    *offset += length > 0 ? length : 0;
    return length < 0 ? -errno : length;
}

/* What the scan counts. */
struct counts {
    unsigned long long octets, line_feeds, returns; /* the last two if they are bare */
    bool has_line;
};

static void count(struct content *content, struct counts *counts, size_t length)
{
    unsigned char all = 0;
    char last = content->last;
    for (size_t i = 0; i < length; i++) {
        char octet = piece[i];
        all |= (unsigned char)octet;
        counts->line_feeds += octet == '\n' && last != '\r';
        counts->returns += last == '\r' && octet != '\n';
        if (octet == '\n' && !counts->has_line) {
            counts->has_line = true;
            content->is_text = last != '\r';
        }
        last = octet;
    }
    content->last = last;
    content->is_8bit = content->is_8bit || all > 127;
    counts->octets += length;
}

int content_scan(struct content *content)
{
    struct counts counts = {0};
    ssize_t length;
    *content = (struct content){.offset = lseek(STDIN_FILENO, 0, SEEK_CUR), .last = '\n'};
    off_t offset = content->offset;
    if (offset < 0)
        return -errno;
    content->is_text = true;
    while ((length = read_piece(&offset)) > 0)
        count(content, &counts, (size_t)length);
    counts.returns += content->last == '\r';
    content->size = counts.octets + (content->is_text ? counts.line_feeds : 0);
    content->is_binary = counts.returns > 0 || (!content->is_text && counts.line_feeds > 0);
    return (int)length;
}

/* A message on its way. */
struct passage {
    struct server *server;
    bool is_text, is_stuffed;
    char last;               /* octet that was sent; LF in front of the message */
    unsigned long long left; /* octets to send: by BDAT one more would be a command */
};

static bool send_octets(struct passage *passage, const char *octets, size_t length)
{
    if (length > passage->left) {
        fputs("lmtp-deliver: the message has grown\n", stderr);
        return false;
    }
    passage->left -= length;
    return server_send(passage->server, octets, length);
}

/* Sends a line, or as much of it as the piece has; `is_ended` by LF, which is not in `length`. */
static bool send_line(struct passage *passage, const char *line, size_t length, bool is_ended)
{
    if (passage->is_stuffed && passage->last == '\n' && length > 0 && line[0] == '.' &&
        !server_send(passage->server, ".", 1))
        return false;
    if (length > 0)
        passage->last = line[length - 1];
    if (!send_octets(passage, line, length))
        return false;
    if (!is_ended)
        return true;
    bool is_bare = passage->is_text && passage->last != '\r';
    passage->last = '\n';
    return send_octets(passage, is_bare ? "\r\n" : "\n", is_bare ? 2 : 1);
}

static bool send_piece(struct passage *passage, size_t length)
{
    const char *end = piece + length;
    for (const char *line = piece; line < end;) {
        const char *line_feed = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = line_feed == NULL ? end : line_feed;
        if (!send_line(passage, line, (size_t)(line_end - line), line_feed != NULL))
            return false;
        line = line_end + (line_feed != NULL);
    }
    return true;
}

static bool send_content(const struct content *content, struct server *server, bool is_stuffed)
{
    struct passage passage = {server, content->is_text, is_stuffed, '\n', content->size};
    off_t offset = content->offset;
    ssize_t length;
    while ((length = read_piece(&offset)) > 0)
        if (!send_piece(&passage, (size_t)length))
            return false;
    if (length == 0 && passage.left == 0)
        return true;
    fprintf(stderr, "lmtp-deliver: standard input: %s\n",
            length < 0 ? strerror((int)-length) : "the message has shrunk");
    return false;
}

bool content_send_bdat(const struct content *content, struct server *server)
{
    return send_content(content, server, false);
}

bool content_send_data(const struct content *content, struct server *server)
{
    return send_content(content, server, true) &&
           (content->last == '\n' || server_send(server, "\r\n", 2)) &&
           server_send(server, ".\r\n", 3);
}
