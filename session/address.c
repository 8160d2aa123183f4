#include "session/address.h"

#include <assert.h>

#include "session/literal.h"
#include "session/text/text.h"
#include "session/text/utf8.h"

/*@ assigns \nothing; */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*@ assigns \nothing; */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* atext, RFC 5322 3.2.3. */
/*@ assigns \nothing; */
static bool is_atom_character(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool address_is_atom(struct span text)
{
    /*@ loop invariant 0 <= i <= text.length;
        loop assigns i;
        loop variant text.length - i; */
    for (size_t i = 0; i < text.length; i++)
        if (!is_atom_character(text.octets[i]))
            return false;
    return text.length > 0;
}

/* How many octets of the atom go on at the front of `text`; RFC 6531 3.3 lets UTF-8 in. */
/*@ requires readable(text) && text.length > 0;
    assigns \nothing;
    ensures \result <= text.length; */
static size_t atom_step(struct span text)
{
    return is_atom_character(text.octets[0]) ? 1 : utf8_length(text);
}

/* A character that may stand within quotes, by itself or behind a backslash. */
/*@ assigns \nothing; */
static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* One that needs the backslash, unlike qtextSMTP of RFC 5321 4.1.2. */
/*@ assigns \nothing; */
static bool needs_backslash(char c)
{
    return c == '"' || c == '\\';
}

/*
 * One label of a domain: letters, digits, inner hyphens, and underscores, which real names hold; or
 * a U-label (RFC 5890 2.3.2.1).
 */
/*@ requires readable(label);
    assigns \nothing; */
static bool label_is_valid(struct span label)
{
    bool ascii = span_is_ascii(label);
    if (label.length == 0 || (ascii && label.length > LABEL_MAX))
        return false;
    /*@ loop invariant 0 <= i <= label.length;
        loop assigns i;
        loop variant label.length - i; */
    for (size_t i = 0; i < label.length;) {
        char c = label.octets[i];
        bool at_edge = i == 0 || i == label.length - 1;
        bool in_ascii = is_letter(c) || is_digit(c) || c == '_' || (c == '-' && !at_edge);
        size_t step = in_ascii ? 1 : utf8_length(span_after(label, i));
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

bool domain_is_valid(struct span text)
{
    return span_is_ascii(text) && domain_is_valid_utf8(text);
}

bool domain_is_valid_utf8(struct span text)
{
    if (text.length > DOMAIN_MAX)
        return false;
    /*@ loop invariant rest_of(text, \at(text, Pre));
        loop assigns text;
        loop variant text.length; */
    for (;;) {
        size_t dot = span_find(text, '.');
        if (!label_is_valid(span_first(text, dot)))
            return false;
        if (dot == text.length)
            return true;
        text = span_after(text, dot + 1);
    }
}

/* How many octets at the front of `input` are dots or of atoms. */
/*@ requires readable(input);
    assigns \nothing;
    ensures \result <= input.length; */
static size_t dotted_length(struct span input)
{
    size_t length = 0;
    /*@ loop invariant 0 <= length <= input.length;
        loop assigns length;
        loop variant input.length - length; */
    while (length < input.length) {
        bool dot = input.octets[length] == '.';
        size_t step = dot ? 1 : atom_step(span_after(input, length));
        if (step == 0)
            break;
        length += step;
    }
    return length;
}

/* Whether it is a dot-string: atoms with one dot between two. */
/*@ requires readable(text);
    assigns \nothing; */
static bool is_dot_string(struct span text)
{
    char before = '.';
    /*@ loop invariant 0 <= i <= text.length;
        loop assigns i, before;
        loop variant text.length - i; */
    for (size_t i = 0; i < text.length; i++) {
        if (text.octets[i] == '.' && before == '.')
            return false;
        before = text.octets[i];
    }
    return before != '.' && dotted_length(text) == text.length;
}

/* How many octets at the front of `input` make a quoted string, quotes included; 0 if none do. */
/*@ requires readable(input);
    assigns \nothing;
    ensures \result <= input.length; */
static size_t quoted_string_length(struct span input)
{
    if (input.length == 0 || input.octets[0] != '"')
        return 0;
    /*@ loop invariant 1 <= i <= input.length;
        loop assigns i;
        loop variant input.length - i; */
    for (size_t i = 1; i < input.length;) {
        if (input.octets[i] == '"')
            return i + 1;
        bool escaped = input.octets[i] == '\\';
        size_t at = escaped ? i + 1 : i;
        if (at == input.length)
            return 0;
        size_t step = is_printable(input.octets[at]) ? 1 : utf8_length(span_after(input, at));
        if (step == 0 || (escaped && step > 1))
            return 0;
        i = at + step;
    }
    return 0;
}

/*@ requires \valid(mailbox) && mailbox->length == mailbox->local_length <= LOCAL_PART_MAX;
    requires readable(domain) && domain.length <= DOMAIN_MAX;
    requires \separated(mailbox, domain.octets + (0 .. domain.length - 1));
    assigns mailbox->length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures mailbox_ok(mailbox); */
static void append_domain(struct mailbox *mailbox, struct span domain)
{
    struct room room = {mailbox->octets + mailbox->length, domain.length + 1};
    assert(room.length <= sizeof mailbox->octets - mailbox->length);
    room.octets[0] = '@';
    memcpy(room.octets + 1, domain.octets, domain.length);
    span_make_lower(room);
    mailbox->length += room.length;
}

struct span local_part_unquote(struct span local, char octets[LOCAL_PART_MAX])
{
    bool is_quoted = local.length > 1 && local.octets[0] == '"';
    struct span inner = is_quoted ? span_first(span_after(local, 1), local.length - 2) : local;
    size_t length = 0;
    /*@ loop invariant length <= i <= inner.length + 1 && length <= inner.length;
        loop assigns i, length, octets[0 .. LOCAL_PART_MAX - 1];
        loop variant inner.length - i; */
    for (size_t i = 0; i < inner.length; i++) {
        if (is_quoted && inner.octets[i] == '\\')
            i++;
        octets[length++] = inner.octets[i];
    }
    return (struct span){octets, length};
}

/* Adds it within quotes only if it must be, and without needless backslashes. */
/*@ requires text_ok(text) && readable(local);
    requires \separated(text, local.octets + (0 .. local.length - 1));
    assigns text->length, text->octets[0 .. text->size - 1];
    ensures text_ok(text); */
static void add_local_part(struct text *text, struct span local)
{
    if (is_dot_string(local)) {
        text_add(text, local);
        return;
    }
    text_add_string(text, "\"");
    /*@ loop invariant 0 <= i <= local.length && text_ok(text);
        loop assigns i, text->length, text->octets[0 .. text->size - 1];
        loop variant local.length - i; */
    for (size_t i = 0; i < local.length; i++) {
        text_add_string(text, needs_backslash(local.octets[i]) ? "\\" : "");
        text_add(text, (struct span){local.octets + i, 1});
    }
    text_add_string(text, "\"");
}

/* A domain or an address literal, up to the octet that cannot belong to it. */
/*@ requires parsable(input) && \valid(domain);
    requires \separated(domain, input, input->octets + (0 .. input->length - 1));
    assigns *input, *domain;
    ensures parsable(input) && rest_of(*input, \old(*input));
    ensures \result == PATH_RESULT_OK ==> domain->octets == \old(input->octets) &&
        domain->length <= DOMAIN_MAX && domain->length <= \old(input->length); */
static enum path_result parse_domain(struct span *input, struct span *domain)
{
    size_t length = 0;
    if (input->length > 0 && input->octets[0] == '[') {
        length = span_find(*input, ']');
        if (length == input->length)
            return PATH_RESULT_MALFORMED;
        length++;
    } else {
        /*@ loop invariant length <= input->length;
            loop assigns length;
            loop variant input->length - length; */
        while (length < input->length && strchr("> ,:", input->octets[length]) == NULL)
            length++;
    }
    *domain = span_first(*input, length);
    *input = span_after(*input, length);
    if (domain->length > DOMAIN_MAX)
        return PATH_RESULT_TOO_LONG;
    return domain_is_valid_utf8(*domain) || literal_is_valid(*domain) ? PATH_RESULT_OK
                                                                      : PATH_RESULT_MALFORMED;
}

/*@ requires parsable(input);
    assigns *input;
    ensures parsable(input) && rest_of(*input, \old(*input));
    ensures \result ==> input->length < \old(input->length); */
static bool skip(struct span *input, char c)
{
    if (input->length == 0 || input->octets[0] != c)
        return false;
    *input = span_after(*input, 1);
    return true;
}

/* "@one,@two:", accepted and dropped (RFC 5321 4.1.1.3, appendix C). */
/*@ requires parsable(input);
    assigns *input;
    ensures parsable(input) && rest_of(*input, \old(*input)); */
static enum path_result skip_source_route(struct span *input)
{
    struct span domain;
    if (input->length == 0 || input->octets[0] != '@')
        return PATH_RESULT_OK;
    /*@ loop invariant parsable(input) && rest_of(*input, \at(*input, Pre));
        loop assigns *input, domain;
        loop variant input->length; */
    do {
        if (!skip(input, '@'))
            return PATH_RESULT_MALFORMED;
        enum path_result result = parse_domain(input, &domain);
        if (result != PATH_RESULT_OK)
            return result;
    } while (skip(input, ','));
    return skip(input, ':') ? PATH_RESULT_OK : PATH_RESULT_MALFORMED;
}

/* A quoted string, or atoms with dots anywhere: if these make no dot-string, they get quotes. */
/*@ requires parsable(input) && \valid(mailbox) && mailbox_ok(mailbox);
    requires \separated(mailbox, input, input->octets + (0 .. input->length - 1));
    assigns *input, mailbox->length, mailbox->local_length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures parsable(input) && rest_of(*input, \old(*input)) && mailbox_ok(mailbox);
    ensures \result == PATH_RESULT_OK ==> mailbox->length == mailbox->local_length; */
static enum path_result parse_local_part(struct span *input, struct mailbox *mailbox)
{
    char octets[LOCAL_PART_MAX];
    struct text text = {.octets = mailbox->octets, .size = sizeof mailbox->octets};
    size_t length = quoted_string_length(*input);
    if (length == 0)
        length = dotted_length(*input);
    if (length == 0)
        return PATH_RESULT_MALFORMED;
    if (length > LOCAL_PART_MAX)
        return PATH_RESULT_TOO_LONG;
    add_local_part(&text, local_part_unquote(span_first(*input, length), octets));
    if (text.length > LOCAL_PART_MAX) /* with quotes */
        return PATH_RESULT_TOO_LONG;
    mailbox->length = mailbox->local_length = text.length;
    *input = span_after(*input, length);
    return PATH_RESULT_OK;
}

/* Without a domain: the postmaster, and any sender, but no parameter behind a path that is missing.
 */
/*@ requires readable(local);
    assigns \nothing; */
static bool may_stand_alone(struct span local, enum path_kind kind)
{
    if (kind == PATH_KIND_FORWARD)
        return span_equal(local, span_of("postmaster"));
    return span_find(local, '=') == local.length && !span_equal(local, span_of("SMTPUTF8")) &&
           !span_equal(local, span_of("PRDR"));
}

/*@ requires parsable(input) && \valid(mailbox) && mailbox_ok(mailbox);
    requires \separated(mailbox, input, input->octets + (0 .. input->length - 1));
    assigns *input, mailbox->length, mailbox->local_length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures parsable(input) && rest_of(*input, \old(*input)) && mailbox_ok(mailbox); */
static enum path_result parse_mailbox(struct span *input, enum path_kind kind,
                                      struct mailbox *mailbox)
{
    enum path_result result = parse_local_part(input, mailbox);
    if (result != PATH_RESULT_OK)
        return result;
    if (!skip(input, '@'))
        return may_stand_alone(mailbox_whole(mailbox), kind) ? PATH_RESULT_OK
                                                             : PATH_RESULT_MALFORMED;
    struct span domain;
    result = parse_domain(input, &domain);
    if (result != PATH_RESULT_OK)
        return result;
    append_domain(mailbox, domain);
    return PATH_RESULT_OK;
}

enum path_result path_parse(struct span *input, enum path_kind kind, struct mailbox *mailbox)
{
    mailbox->length = mailbox->local_length = 0;
    bool bracketed = skip(input, '<');
    size_t before = input->length;
    if (bracketed && kind == PATH_KIND_REVERSE && skip(input, '>'))
        return PATH_RESULT_OK;
    enum path_result result = skip_source_route(input);
    if (result == PATH_RESULT_OK)
        result = parse_mailbox(input, kind, mailbox);
    if (result != PATH_RESULT_OK)
        return result;
    if (before - input->length > PATH_OCTETS_MAX)
        return PATH_RESULT_TOO_LONG;
    return !bracketed || skip(input, '>') ? PATH_RESULT_OK : PATH_RESULT_MALFORMED;
}

void mailbox_add_domain(struct mailbox *mailbox, struct span domain)
{
    if (mailbox->length > 0 && mailbox->length == mailbox->local_length)
        append_domain(mailbox, domain);
}

struct span mailbox_whole(const struct mailbox *mailbox)
{
    return (struct span){mailbox->octets, mailbox->length};
}

struct span mailbox_local(const struct mailbox *mailbox)
{
    return (struct span){mailbox->octets, mailbox->local_length};
}

struct span mailbox_domain(const struct mailbox *mailbox)
{
    if (mailbox->local_length == mailbox->length)
        return (struct span){mailbox->octets, 0};
    return span_after(mailbox_whole(mailbox), mailbox->local_length + 1);
}
