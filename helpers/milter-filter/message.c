#include "helpers/milter-filter/message.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { NEW_MESSAGE = 3, PIECE_MAX = 64 * 1024 };

static bool complain(const char *what, const char *reason)
{
    char line[256];
    int length = snprintf(line, sizeof line, "milter-filter: %s: %s\n", what, reason); /* fits */
    (void)!write(STDERR_FILENO, line, (size_t)length); /* the status tells, too */
    return false;
}

/* Maps standard input. It cannot shrink: the runner has sealed it, or it is ours alone. */
static bool map(struct message *message)
{
    struct stat status;
    if (fstat(STDIN_FILENO, &status) != 0)
        return complain("standard input", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return complain("standard input", "not a file");
    message->octets = span_empty();
    if (status.st_size == 0)
        return true;
    void *octets = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (octets == MAP_FAILED)
        return complain("standard input", strerror(errno));
    message->octets = (struct span){octets, (size_t)status.st_size};
    return true;
}

int message_open(struct message *message, size_t trace_size, struct span id)
{
    message->has_new_body = false;
    message->wire = (struct wire){false, false};
    if (!map(message))
        return EX_TEMPFAIL;
    message->body = memfd_create("body", MFD_CLOEXEC);
    if (message->body < 0) {
        (void)complain("memfd_create", strerror(errno)); /* that it failed is known */
        return EX_TEMPFAIL;
    }
    if (!fields_parse(&message->fields, message->octets, trace_size, id)) {
        (void)complain("standard input", "too many header fields"); /* as above */
        return EX_DATAERR;
    }
    message->is_text = message->fields.line_end[0] == '\n';
    return EX_OK;
}

bool message_write_octets(int file, struct span octets)
{
    while (octets.length > 0) {
        ssize_t written = write(file, octets.octets, octets.length);
        if (written < 0 && errno != EINTR)
            return complain("write", strerror(errno));
        octets = span_after(octets, written > 0 ? (size_t)written : 0);
    }
    return true;
}

bool message_add_body(struct message *message, struct span octets)
{
    static char piece[PIECE_MAX];
    message->has_new_body = true;
    while (octets.length > 0) {
        struct text text = {.octets = piece, .size = sizeof piece};
        octets = wire_decode(&message->wire, octets, message->is_text, &text);
        if (!message_write_octets(message->body, text_span(&text)))
            return false;
    }
    return true;
}

/* Puts octets behind those that wait, and writes these if there is no room. */
static bool put(struct text *text, struct span octets)
{
    if (text->size - text->length < octets.length) {
        if (!message_write_octets(NEW_MESSAGE, text_span(text)))
            return false;
        text->length = 0;
    }
    if (octets.length > text->size)
        return message_write_octets(NEW_MESSAGE, octets);
    text_add(text, octets);
    return true;
}

static bool write_header(const struct fields *fields)
{
    static char piece[PIECE_MAX];
    struct text text = {.octets = piece, .size = sizeof piece};
    if (!put(&text, fields->front))
        return false;
    for (size_t i = 0; i < fields->count; i++) {
        struct span field = fields->list[i].text;
        bool is_open = field.octets[field.length - 1] != '\n';
        if (!put(&text, field) || (is_open && !put(&text, span_of(fields->line_end))))
            return false;
    }
    return message_write_octets(NEW_MESSAGE, text_span(&text));
}

static bool write_new_body(struct message *message)
{
    off_t offset = 0;
    if (!message_write_octets(message->body, wire_finish(&message->wire, message->is_text)))
        return false;
    for (;;) {
        ssize_t sent = sendfile(NEW_MESSAGE, message->body, &offset, 1 << 30);
        if (sent < 0 && errno != EINTR)
            return complain("sendfile", strerror(errno));
        if (sent == 0)
            return true;
    }
}

bool message_write(struct message *message)
{
    const struct fields *fields = &message->fields;
    struct span body = fields_body(fields), rest = fields->rest;
    bool is_apart = rest.length > body.length; /* an empty line is there */
    if (fields->edits == 0 && !message->has_new_body)
        return true;
    if (!write_header(fields))
        return false;
    if ((rest.length > 0 || message->has_new_body) && !is_apart &&
        !message_write_octets(NEW_MESSAGE, span_of(fields->line_end)))
        return false;
    if (!message->has_new_body)
        return message_write_octets(NEW_MESSAGE, rest);
    return message_write_octets(NEW_MESSAGE, span_first(rest, rest.length - body.length)) &&
           write_new_body(message);
}
