#include "handler/delivery/edits.h"

#include <stdio.h>

/* Parses the path that `text` is as a whole, in the characters that the envelope allows. */
static bool parse_mailbox(struct mailbox *mailbox, enum path_kind kind, struct span text,
                          const struct envelope *envelope)
{
    return text.length > 0 && (envelope->parameters.utf8 || span_is_ascii(text)) &&
           path_parse(&text, kind, mailbox) == PATH_RESULT_OK && text.length == 0;
}

static bool is_named(const struct mailbox *mailbox, struct span address)
{
    struct span whole = mailbox_whole(mailbox);
    return whole.length == address.length &&
           memcmp(whole.octets, address.octets, whole.length) == 0;
}

/*
 * Removes or restores the client's recipient of that name; whether there is one. Who is the same as
 * one before is not told to filters, and gets nothing if that one is removed.
 */
static bool set_removed(struct edits *edits, const struct transaction *transaction,
                        const struct mailbox *mailbox, bool is_removed)
{
    const struct envelope *envelope = &transaction->envelope;
    bool found = false;
    for (unsigned i = 0; i < envelope->count; i++) {
        if (transaction_is_repeated(transaction, i) ||
            !is_named(mailbox, envelope_line(&envelope->recipients, i)))
            continue;
        found = true;
        if (edits->is_removed[i] != is_removed)
            edits->removed += is_removed ? 1U : -1U;
        edits->is_removed[i] = is_removed;
    }
    return found;
}

/* The number of the one who was added by that name; `added` if there is none. */
static unsigned find_added(const struct edits *edits, const struct mailbox *mailbox)
{
    unsigned i = 0;
    while (i < edits->added && !is_named(mailbox, mailbox_whole(&edits->recipients[i])))
        i++;
    return i;
}

/* Each edit returns false if the text is not what it takes. */

static bool set_sender(struct edits *edits, struct span text, const struct transaction *transaction)
{
    struct span path = text.length > 0 ? text : span_of("<>");
    edits->has_sender = true;
    return parse_mailbox(&edits->sender, PATH_KIND_REVERSE, path, &transaction->envelope) &&
           (edits->sender.length == 0 || mailbox_domain(&edits->sender).length > 0);
}

static bool add_recipient(struct edits *edits, struct span text,
                          const struct transaction *transaction)
{
    struct mailbox mailbox;
    if (!parse_mailbox(&mailbox, PATH_KIND_FORWARD, text, &transaction->envelope))
        return false;
    if (set_removed(edits, transaction, &mailbox, false) ||
        find_added(edits, &mailbox) < edits->added)
        return true;
    if (edits->added == EDITS_ADDED_MAX ||
        transaction->envelope.count + edits->added >= ENVELOPE_RECIPIENTS_MAX)
        return false;
    edits->recipients[edits->added++] = mailbox;
    return true;
}

static bool remove_recipient(struct edits *edits, struct span text,
                             const struct transaction *transaction)
{
    struct mailbox mailbox;
    if (!parse_mailbox(&mailbox, PATH_KIND_FORWARD, text, &transaction->envelope))
        return false;
    unsigned at = find_added(edits, &mailbox);
    if (at == edits->added)
        return set_removed(edits, transaction, &mailbox, true);
    edits->added--;
    memmove(edits->recipients + at, edits->recipients + at + 1,
            (edits->added - at) * sizeof *edits->recipients);
    return true;
}

static bool set_quarantine(struct edits *edits, struct span text,
                           const struct transaction *transaction)
{
    (void)transaction; /* it stays */
    if (text.length == 0 || text.length > EDITS_TEXT_MAX || !text_is_harmless(text))
        return false;
    memcpy(edits->quarantine, text.octets, text.length);
    edits->quarantine_length = text.length;
    return true;
}

static bool parse_line(struct edits *edits, struct span line, const struct transaction *transaction)
{
    static const struct {
        const char *name;
        enum edit touches;
        bool (*edit)(struct edits *edits, struct span text, const struct transaction *transaction);
    } rows[] = {
        {"sender", EDIT_SENDER, set_sender},
        {"recipient", EDIT_RECIPIENTS, add_recipient},
        {"not", EDIT_RECIPIENTS, remove_recipient},
        {"quarantine", EDIT_QUARANTINE, set_quarantine},
    };
    size_t length = span_find(line, ' ');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (length != strlen(rows[i].name) || memcmp(line.octets, rows[i].name, length) != 0)
            continue;
        edits->touched |= rows[i].touches;
        return rows[i].edit(edits, span_trim(span_after(line, length)), transaction);
    }
    return false;
}

const char *edits_parse(struct edits *edits, struct span lines,
                        const struct transaction *transaction)
{
    static char wrong[64];
    edits->touched = 0;
    while (lines.length > 0) {
        size_t length = span_find(lines, '\n');
        struct span line = span_first(lines, length);
        lines = span_after(lines, length < lines.length ? length + 1 : length);
        if (!parse_line(edits, line, transaction)) {
            (void)snprintf(wrong, sizeof wrong, "%.*s", (int)line.length, line.octets); /* cut */
            return wrong;
        }
    }
    return NULL;
}

bool edits_are_any(const struct edits *edits)
{
    return edits->has_sender || edits->removed > 0 || edits->added > 0 ||
           edits->quarantine_length > 0;
}
