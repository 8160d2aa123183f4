#include "handler/runner/rewrite.h"

#include <errno.h>
#include <unistd.h>

#include "session/trace.h"

/* Reads the octets of a part that is ours. */
static struct span read_part(const struct stored *message, struct part part,
                             char octets[TRACE_FIELDS_MAX])
{
    ssize_t length = part.length > TRACE_FIELDS_MAX
                         ? -1
                         : pread(message->descriptor, octets, part.length, part.at);
    return (struct span){octets, length < 0 ? 0 : (size_t)length};
}

/* Whether these octets, which the frontend wrote, are fields that begin as our trace does. */
static bool is_trace(const struct runner *runner, struct span octets)
{
    const struct span name = span_of("Return-Path: ");
    char copied[2 * TRACE_FIELDS_MAX];
    struct text copy = {copied, 0, sizeof copied};
    return octets.length > name.length && octets.octets[octets.length - 1] == '\n' &&
           span_equal(span_first(octets, name.length), name) &&
           fields_copy(octets, runner_line_ending(runner), &copy);
}

void rewrite_part(const struct runner *runner, struct stored *message)
{
    char octets[TRACE_FIELDS_MAX];
    struct span trace = read_part(message, message->front, octets);
    if (!is_trace(runner, trace))
        trace.length = 0;
    uint32_t first = (uint32_t)trace_find_received(trace);
    message->front.length = first;
    message->received = (struct part){first, (uint32_t)trace.length - first};
}

/* The octets of the Return-Path with which the front begins. */
static size_t find_return_path(const struct stored *message)
{
    char octets[TRACE_FIELDS_MAX];
    struct span front = read_part(message, message->front, octets);
    size_t length = span_find(front, '\n');
    return length < front.length ? length + 1 : 0;
}

/*
 * What keeps the message apart from fields in front if no trace does: by header.h's rules for
 * trace fields.
 */
static struct span find_separation(const struct runner *runner, const struct stored *message)
{
    char octets[FIELD_BEGINNING_MAX];
    struct span name;
    ssize_t length = pread(message->descriptor, octets, sizeof octets, 0);
    struct span here = {octets, length < 0 ? 0 : (size_t)length};
    size_t line = span_find(here, '\n');
    bool is_traced = message->front.length > 0 || message->received.length > 0;
    switch (field_parse(span_first(here, line), line < here.length, &name)) {
    case FIELD_LINE_NAMED:
    case FIELD_LINE_EMPTY:
        return span_empty();
    case FIELD_LINE_SEPARATOR:
        return is_traced ? span_empty() : span_of("X-Mailbox-Line: ");
    default:
        return is_traced                                        ? span_empty()
               : runner_line_ending(runner) == LINE_ENDING_CRLF ? span_of("\r\n")
                                                                : span_of("\n");
    }
}

int rewrite_front(const struct runner *runner, struct stored *message, struct span fields,
                  const struct mailbox *sender)
{
    char octets[MAILBOX_MAX + 20];
    struct room output = {octets, sizeof octets};
    struct stored made = *message;
    off_t at = made.front.at, end = at + made.front.length, behind = at;
    if (sender != NULL && made.front.length > 0) {
        trace_write_return_path(sender, runner_line_ending(runner), &output);
        behind += (off_t)find_return_path(&made);
    }
    struct span return_path = {octets, sizeof octets - output.length};
    const struct spool_piece pieces[] = {
        {span_empty(), 0, at},
        {return_path, behind, end},
        {fields, end, end},
        {find_separation(runner, &made), end, (off_t)message->length},
    };
    int descriptor = spool_copy(&runner->spool, message->descriptor, pieces, 4, &made.length);
    if (descriptor < 0)
        return descriptor;
    made.descriptor = descriptor;
    made.front.length = (uint32_t)(return_path.length + (size_t)(end - behind));
    if (made.received.length > 0)
        made.received.at += (uint32_t)(made.length - message->length); /* may count down */
    *message = made;
    return 0;
}

/* The header in `octets`: up to the line that ends it, if that is there. */
static struct span find_header(struct span octets)
{
    struct span rest = octets;
    size_t length;
    while ((length = span_find(rest, '\n')) < rest.length) {
        if (span_trim(span_first(rest, length)).length == 0)
            break;
        rest = span_after(rest, length + 1);
    }
    return span_first(octets, octets.length - rest.length);
}

/* Finds the lines `part` in `header`. */
static struct part find_part(struct span header, struct span part)
{
    struct span rest = header;
    while (part.length > 0 && rest.length >= part.length) {
        size_t line = span_find(rest, '\n');
        if (memcmp(rest.octets, part.octets, part.length) == 0)
            return (struct part){(uint32_t)(header.length - rest.length), (uint32_t)part.length};
        if (line == rest.length)
            break;
        rest = span_after(rest, line + 1);
    }
    return (struct part){0, 0};
}

/* Finds in `made` the parts of `before` that are ours, wherever a filter has left them. */
static void find_parts(struct stored *made, const struct stored *before)
{
    static char header[COPY_HEADER_MAX];
    char front[TRACE_FIELDS_MAX], received[TRACE_FIELDS_MAX];
    ssize_t length = pread(made->descriptor, header, sizeof header, 0);
    struct span here = find_header((struct span){header, length < 0 ? 0 : (size_t)length});
    made->front = find_part(here, read_part(before, before->front, front));
    made->received = find_part(here, read_part(before, before->received, received));
    if (made->received.at < made->front.at + made->front.length)
        made->received = (struct part){0, 0}; /* it is theirs now */
}

int rewrite_take(struct stored *message, struct spool *spool)
{
    int result = spool_seal(spool, true);
    int64_t length = result < 0 ? result : spool_length(spool);
    int descriptor = length < 0 ? (int)length : spool_open(spool);
    if (descriptor < 0)
        return descriptor;
    struct stored made = {.descriptor = descriptor, .length = (uint64_t)length};
    find_parts(&made, message);
    *message = made;
    return 0;
}

uint32_t rewrite_trace_size(const struct stored *message)
{
    const struct part *front = &message->front, *received = &message->received;
    bool follows = received->length > 0 && received->at == front->at + front->length;
    if (front->length > 0 && front->at > 0)
        return 0;
    return front->length + (follows ? received->length : 0);
}
