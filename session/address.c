#include "session/address.h"

#include <assert.h>

#include "session/text/utf8.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* atext, RFC 5322 3.2.3. */
static bool is_atom_character(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool address_is_atom(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_atom_character(text.octets[i]))
            return false;
    return text.length > 0;
}

/* How many octets of the atom go on at the front of `text`; RFC 6531 3.3 lets UTF-8 in. */
static size_t atom_step(struct span text)
{
    return is_atom_character(text.octets[0]) ? 1 : utf8_length(text);
}

/* A character that may stand within quotes, by itself or behind a backslash. */
static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* One that needs the backslash, unlike qtextSMTP of RFC 5321 4.1.2. */
static bool needs_backslash(char c)
{
    return c == '"' || c == '\\';
}

/*
 * One label of a domain: letters, digits, inner hyphens, and underscores, which real names hold; or
 * a U-label (RFC 5890 2.3.2.1).
 */
static bool label_is_valid(struct span label)
{
    bool ascii = span_is_ascii(label);
    if (label.length == 0 || (ascii && label.length > LABEL_MAX))
        return false;
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
    for (;;) {
        size_t dot = span_find(text, '.');
        if (!label_is_valid(span_first(text, dot)))
            return false;
        if (dot == text.length)
            return true;
        text = span_after(text, dot + 1);
    }
}

/* Four numbers up to 255, of up to three digits, with dots between them. */
static bool ipv4_is_valid(struct span text)
{
    for (int field = 1;; field++) {
        size_t dot = span_find(text, '.');
        uint64_t value;
        if (dot > 3 || !span_number(span_first(text, dot), &value) || value > 255 ||
            (field == 4) != (dot == text.length))
            return false;
        if (field == 4)
            return true;
        text = span_after(text, dot + 1);
    }
}

/*
 * Colon-separated groups of hex digits, an IPv4 address perhaps in the place of the last two.
 * Returns how many groups there are, -1 if there is anything else. No text has no groups.
 */
static int count_ipv6_groups(struct span text, bool may_end_in_ipv4)
{
    int groups = 0;
    while (text.length > 0) {
        size_t colon = span_find(text, ':');
        if (colon == text.length && may_end_in_ipv4 && ipv4_is_valid(text))
            return groups + 2;
        if (colon == 0 || colon > 4 || colon + 1 == text.length)
            return -1;
        for (size_t i = 0; i < colon; i++)
            if (!is_hex_digit(text.octets[i]))
                return -1;
        groups++;
        text = span_after(text, colon == text.length ? colon : colon + 1);
    }
    return groups;
}

static bool ipv6_is_valid(struct span text)
{
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (text.octets[i] != ':' || text.octets[i + 1] != ':')
            continue;
        int before = count_ipv6_groups(span_first(text, i), false);
        int behind = count_ipv6_groups(span_after(text, i + 2), true);
        return before >= 0 && behind >= 0 && before + behind <= 6;
    }
    return count_ipv6_groups(text, true) == 8;
}

bool literal_is_valid(struct span text)
{
    static const char tag[] = "IPv6:";
    if (text.length < 2 || text.octets[0] != '[' || text.octets[text.length - 1] != ']')
        return false;
    text = (struct span){text.octets + 1, text.length - 2};
    if (text.length >= sizeof tag - 1 && span_equal(span_first(text, sizeof tag - 1), span_of(tag)))
        return ipv6_is_valid(span_after(text, sizeof tag - 1));
    return ipv4_is_valid(text) || ipv6_is_valid(text); /* some leave the tag out */
}

/* How many octets at the front of `input` are dots or of atoms. */
static size_t dotted_length(struct span input)
{
    size_t length = 0;
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
static bool is_dot_string(struct span text)
{
    char before = '.';
    for (size_t i = 0; i < text.length; i++) {
        if (text.octets[i] == '.' && before == '.')
            return false;
        before = text.octets[i];
    }
    return before != '.' && dotted_length(text) == text.length;
}

/* How many octets at the front of `input` make a quoted string, quotes included; 0 if none do. */
static size_t quoted_string_length(struct span input)
{
    if (input.length == 0 || input.octets[0] != '"')
        return 0;
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

static void append(struct mailbox *mailbox, char c)
{
    assert(mailbox->length < sizeof mailbox->octets);
    mailbox->octets[mailbox->length++] = c;
}

static void append_span(struct mailbox *mailbox, struct span span)
{
    assert(span.length <= sizeof mailbox->octets - mailbox->length);
    memcpy(mailbox->octets + mailbox->length, span.octets, span.length);
    mailbox->length += span.length;
}

static void append_domain(struct mailbox *mailbox, struct span domain)
{
    append(mailbox, '@');
    append_span(mailbox, domain);
    span_make_lower((struct room){mailbox->octets + mailbox->local_length, domain.length + 1});
}

struct span local_part_unquote(struct span local, char octets[LOCAL_PART_MAX])
{
    bool is_quoted = local.length > 0 && local.octets[0] == '"';
    struct span inner = is_quoted ? span_first(span_after(local, 1), local.length - 2) : local;
    size_t length = 0;
    for (size_t i = 0; i < inner.length; i++) {
        if (is_quoted && inner.octets[i] == '\\')
            i++;
        octets[length++] = inner.octets[i];
    }
    return (struct span){octets, length};
}

/* Appends it within quotes only if it must be, and without needless backslashes. */
static void append_local_part(struct mailbox *mailbox, struct span local)
{
    if (is_dot_string(local)) {
        append_span(mailbox, local);
        return;
    }
    append(mailbox, '"');
    for (size_t i = 0; i < local.length; i++) {
        if (needs_backslash(local.octets[i]))
            append(mailbox, '\\');
        append(mailbox, local.octets[i]);
    }
    append(mailbox, '"');
}

/* A domain or an address literal, up to the octet that cannot belong to it. */
static enum path_result parse_domain(struct span *input, struct span *domain)
{
    size_t length = 0;
    if (input->length > 0 && input->octets[0] == '[') {
        length = span_find(*input, ']');
        if (length == input->length)
            return PATH_RESULT_MALFORMED;
        length++;
    } else {
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

static bool skip(struct span *input, char c)
{
    if (input->length == 0 || input->octets[0] != c)
        return false;
    *input = span_after(*input, 1);
    return true;
}

/* "@one,@two:", accepted and dropped (RFC 5321 4.1.1.3, appendix C). */
static enum path_result skip_source_route(struct span *input)
{
    struct span domain;
    if (input->length == 0 || input->octets[0] != '@')
        return PATH_RESULT_OK;
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
static enum path_result parse_local_part(struct span *input, struct mailbox *mailbox)
{
    char octets[LOCAL_PART_MAX];
    size_t length = quoted_string_length(*input);
    bool quoted = length > 0;
    if (!quoted)
        length = dotted_length(*input);
    struct span local = span_first(*input, length);
    size_t added = quoted || is_dot_string(local) ? 0 : 2; /* quotes */
    if (length == 0)
        return PATH_RESULT_MALFORMED;
    if (length + added > LOCAL_PART_MAX)
        return PATH_RESULT_TOO_LONG;
    append_local_part(mailbox, local_part_unquote(local, octets));
    mailbox->local_length = mailbox->length;
    *input = span_after(*input, length);
    return PATH_RESULT_OK;
}

/* Without a domain: the postmaster, and any sender, but no parameter behind a path that is missing.
 */
static bool may_stand_alone(struct span local, enum path_kind kind)
{
    if (kind == PATH_KIND_FORWARD)
        return span_equal(local, span_of("postmaster"));
    return span_find(local, '=') == local.length && !span_equal(local, span_of("SMTPUTF8")) &&
           !span_equal(local, span_of("PRDR"));
}

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
    *mailbox = (struct mailbox){.length = 0};
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
    if (mailbox->length > 0 && mailbox_domain(mailbox).length == 0)
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
