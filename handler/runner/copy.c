#include "handler/runner/copy.h"

#include <errno.h>
#include <unistd.h>

#include "session/field.h"
#include "session/trace.h"

/* As the session adds it for a single recipient. */
static bool adds_delivered_to(const struct runner *runner)
{
    return runner->one_recipient && !runner->options->lmtp;
}

/* Notes the recipients of the message who are `named`. */
static void note_named(struct runner *runner, struct span named)
{
    const struct envelope *envelope = &runner->transaction.envelope;
    const struct edits *edits = &runner->filtered.edits;
    bool *has_named = runner->copies.has_named;
    for (unsigned i = 0; i < envelope->count; i++)
        if (span_equal(envelope_line(&envelope->recipients, i), named))
            has_named[i] = true;
    for (unsigned i = 0; i < edits->added; i++)
        if (span_equal(mailbox_whole(&edits->recipients[i]), named))
            has_named[envelope->count + i] = true;
}

/* Notes whom the whole fields of `header` name, behind which the body may begin. */
static void scan(struct runner *runner, struct span header)
{
    bool is_first = true, is_over = false;
    size_t length = span_find(header, '\n');
    while (!is_over && length < header.length) {
        struct span name = span_empty(), line = span_first(header, length);
        enum field_line kind = field_parse(line, true, &name);
        if (kind == FIELD_LINE_NAMED && span_equal(name, span_of("Delivered-To")))
            note_named(runner, field_value(line));
        is_over = kind == FIELD_LINE_EMPTY || kind == FIELD_LINE_OTHER ||
                  (kind == FIELD_LINE_FOLDED && is_first);
        is_first = false;
        header = span_after(header, length + 1);
        length = span_find(header, '\n');
    }
}

bool copy_shows_loop(struct runner *runner, unsigned index, const struct stored *message)
{
    if (!adds_delivered_to(runner))
        return false;
    if (!runner->copies.is_scanned) {
        static char octets[COPY_HEADER_MAX];
        off_t from = (off_t)message->front.at + message->front.length;
        ssize_t length = pread(message->descriptor, octets, sizeof octets, from);
        scan(runner, (struct span){octets, length < 0 ? 0 : (size_t)length});
        runner->copies.is_scanned = true;
    }
    return runner->copies.has_named[index];
}

bool copy_is_too_much(const struct runner *runner)
{
    uint64_t octets = runner->copies.octets;
    return octets > 0 && octets + runner->transaction.stored > COPY_OCTETS_MAX;
}

/* Writes our trace fields, which name `sender` and `recipient`, to the front of `output`. */
static void write_trace(const struct runner *runner, const struct mailbox *sender,
                        const struct mailbox *recipient, struct room *output)
{
    const struct transaction *transaction = &runner->transaction;
    const struct connection *connection = runner->connection;
    const struct trace trace = {
        .sender = mailbox_whole(sender),
        .recipient = recipient != NULL ? mailbox_whole(recipient) : span_empty(),
        .delivered_to = adds_delivered_to(runner),
        .helo = transaction_helo(transaction),
        .client_hostname = span_of(connection->client_hostname),
        .client_address = span_of(connection->client.text),
        .user = transaction_user(transaction),
        .hostname = span_of(runner->hostname),
        .protocol = transaction_protocol(transaction),
        .id = transaction_id(transaction),
        .time = transaction->time,
    };
    trace_write(&trace, runner_line_ending(runner), output);
}

int copy_open(struct runner *runner, const struct mailbox *sender, const struct mailbox *recipient,
              const struct stored *message, uint64_t *length)
{
    const struct part front = message->front, received = message->received;
    char octets[TRACE_FIELDS_MAX];
    struct room output = {octets, sizeof octets};
    write_trace(runner, sender, recipient, &output);
    struct span trace = {octets, sizeof octets - output.length};
    size_t first = received.length > 0 ? trace_find_received(trace) : trace.length;
    off_t end = (off_t)front.at + front.length;
    const struct spool_piece pieces[] = {
        {span_empty(), 0, front.at},
        {span_first(trace, first), end, received.length > 0 ? received.at : end},
        {span_after(trace, first), received.length > 0 ? received.at + received.length : end,
         (off_t)message->length},
    };
    int copy = spool_copy(&runner->spool, message->descriptor, pieces, 3, length);
    runner->copies.octets += *length; /* or as many that were tried */
    return copy;
}
