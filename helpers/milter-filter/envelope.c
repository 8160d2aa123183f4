#include "helpers/milter-filter/envelope.h"

/*@ requires edits_ok(edits) && \valid_read(verb) && readable(value);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
static bool add_line(struct envelope_edits *edits, const char *verb, struct span value)
{
    struct text text = {edits->lines, edits->length, sizeof edits->lines};
    text_add_string(&text, verb);
    text_add_string(&text, " ");
    text_add(&text, value);
    text_add_string(&text, "\n");
    edits->length = text.length;
    return text.length < text.size; /* else it may be cut */
}

/*@ requires readable(address);
    assigns \nothing;
    ensures readable(\result); */
static struct span without_brackets(struct span address)
{
    bool has_them = address.length >= 2 && address.octets[0] == '<' &&
                    address.octets[address.length - 1] == '>';
    return has_them ? (struct span){address.octets + 1, address.length - 2} : address;
}

/*@ requires edits_ok(edits) && \valid_read(verb) && readable(address);
    assigns edits->length, edits->lines[0 .. ENVELOPE_LINES_MAX - 1];
    ensures edits_ok(edits); */
static bool add_address(struct envelope_edits *edits, const char *verb, struct span address)
{
    return address.length > 0 && !span_has_controls(address) && add_line(edits, verb, address);
}

bool envelope_set_sender(struct envelope_edits *edits, struct span address)
{
    address = without_brackets(address);
    return add_address(edits, "sender", address.length > 0 ? address : span_of("<>"));
}

bool envelope_add_recipient(struct envelope_edits *edits, struct span address)
{
    return add_address(edits, "recipient", without_brackets(address));
}

/*@ requires readable(a) && readable(b);
    assigns \nothing; */
static bool is_same(struct span a, struct span b)
{
    return a.length == b.length && memcmp(a.octets, b.octets, a.length) == 0;
}

/* Whether one of the lines is that. */
/*@ requires readable(lines) && readable(line);
    assigns \nothing; */
static bool has_line(struct span lines, struct span line)
{
    /*@ loop invariant rest_of(lines, \at(lines, Pre));
        loop assigns lines;
        loop variant lines.length; */
    while (lines.length > 0) {
        size_t length = span_find(lines, '\n');
        if (is_same(span_first(lines, length), line))
            return true;
        lines = span_after(lines, length + (length < lines.length));
    }
    return false;
}

bool envelope_delete_recipient(struct envelope_edits *edits, struct span address)
{
    char octets[ENVELOPE_REASON_MAX * 4];
    struct text added = {.octets = octets, .size = sizeof octets};
    address = without_brackets(address);
    text_add_string(&added, "recipient ");
    text_add(&added, address);
    if (!has_line(edits->recipients, address) &&
        !has_line((struct span){edits->lines, edits->length}, text_span(&added)))
        return true;
    return add_address(edits, "not", address);
}

bool envelope_quarantine(struct envelope_edits *edits, struct span reason)
{
    return add_line(edits, "quarantine", reason.length > 0 ? reason : span_of("no reason"));
}
