#include "header.h"

void header_begin(struct header *header, const struct mailbox *recipient)
{
    header->over = header->delivered = false;
    header->received = 0;
    header->recipient.length = 0;
    if (recipient != NULL)
        header->recipient = *recipient;
    header->line_length = 0;
}

/* Whether `line` is a field of that name; sets `value` to what is behind the colon, then. */
static bool is_field(struct span line, const char *name, struct span *value)
{
    size_t colon = span_find(line, ':');
    if (colon == line.length || !span_equal(span_first(line, colon), span_of(name)))
        return false;
    *value = span_trim(span_after(line, colon + 1));
    return true;
}

static void end_line(struct header *header)
{
    struct span line = {header->line, header->line_length};
    struct span recipient = mailbox_whole(&header->recipient);
    struct span value;
    if (is_field(line, "Received", &value))
        header->received++;
    else if (recipient.length > 0 && line.length < sizeof header->line &&
             is_field(line, "Delivered-To", &value))
        header->delivered = header->delivered || span_equal(value, recipient);
    header->over = span_trim(line).length == 0;
    header->line_length = 0;
}

void header_look(struct header *header, struct span octets)
{
    while (!header->over && octets.length > 0) {
        size_t length = span_find(octets, '\n');
        size_t room = sizeof header->line - header->line_length;
        size_t kept = length < room ? length : room;
        memcpy(header->line + header->line_length, octets.octets, kept);
        header->line_length += kept;
        if (length < octets.length)
            end_line(header);
        octets = span_after(octets, length < octets.length ? length + 1 : length);
    }
}

bool header_shows_loop(const struct header *header)
{
    return header->delivered || header->received >= HEADER_RECEIVED_LOOP;
}
