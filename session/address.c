#include "address.h"

#include <assert.h>

#include "utf8.h"

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

/* One label of a domain: letters, digits and inner hyphens, or a U-label (RFC 5890 2.3.2.1). */
static bool label_is_valid(struct span label)
{
    bool ascii = span_is_ascii(label);
    if (label.length == 0 || (ascii && label.length > LABEL_MAX))
        return false;
    for (size_t i = 0; i < label.length;) {
        char c = label.octets[i];
        bool at_edge = i == 0 || i == label.length - 1;
        bool in_ascii = is_letter(c) || is_digit(c) || (c == '-' && !at_edge);
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

/* Four numbers up to 255 with dots between them. */
static bool ipv4_is_valid(struct span text)
{
    for (int field = 1;; field++) {
        size_t dot = span_find(text, '.');
        unsigned value = 0;
        if (dot == 0 || dot > 3)
            return false;
        for (size_t i = 0; i < dot; i++) {
            if (!is_digit(text.octets[i]))
                return false;
            value = value * 10 + (unsigned)(text.octets[i] - '0');
        }
        if (value > 255 || (field == 4) != (dot == text.length))
            return false;
        if (field == 4)
            return true;
        text = span_after(text, dot + 1);
    }
}

/*
 * Colon-separated groups of hex digits, an IPv4 address perhaps in the place of the last two.
 * Returns how many groups stand there, -1 where something else does. No text has no groups.
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
    return ipv4_is_valid(text);
}

/* How many octets at the front of `input` make a dot-string; 0 where there is none. */
static size_t dot_string_length(struct span input)
{
    size_t length = 0;
    while (length < input.length) {
        bool after_atom = length > 0 && input.octets[length - 1] != '.';
        bool dot = input.octets[length] == '.' && after_atom;
        size_t step = dot ? 1 : atom_step(span_after(input, length));
        if (step == 0)
            break;
        length += step;
    }
    return length > 0 && input.octets[length - 1] == '.' ? 0 : length;
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

/* Takes the quotes off where what they hold is a dot-string, and every needless backslash. */
static void append_quoted_string(struct mailbox *mailbox, struct span quoted)
{
    char octets[LOCAL_PART_MAX];
    size_t length = 0;
    for (size_t i = 1; i < quoted.length - 1; i++) {
        if (quoted.octets[i] == '\\')
            i++;
        octets[length++] = quoted.octets[i];
    }
    struct span inner = {octets, length};
    if (length > 0 && dot_string_length(inner) == length) {
        append_span(mailbox, inner);
        return;
    }
    append(mailbox, '"');
    for (size_t i = 0; i < length; i++) {
        if (needs_backslash(octets[i]))
            append(mailbox, '\\');
        append(mailbox, octets[i]);
    }
    append(mailbox, '"');
}

/* A domain or an address literal, up to the octet that cannot belong to it. */
static enum path_result take_domain(struct span *input, struct span *domain)
{
    size_t length = 0;
    if (input->length > 0 && input->octets[0] == '[') {
        length = span_find(*input, ']');
        if (length == input->length)
            return PATH_RESULT_MALFORMED;
        length++;
    } else {
        while (length < input->length && strchr(">,:", input->octets[length]) == NULL)
            length++;
    }
    *domain = span_first(*input, length);
    *input = span_after(*input, length);
    if (domain->length > DOMAIN_MAX)
        return PATH_RESULT_TOO_LONG;
    return domain_is_valid_utf8(*domain) || literal_is_valid(*domain) ? PATH_RESULT_OK
                                                                      : PATH_RESULT_MALFORMED;
}

static bool take(struct span *input, char c)
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
        if (!take(input, '@'))
            return PATH_RESULT_MALFORMED;
        enum path_result result = take_domain(input, &domain);
        if (result != PATH_RESULT_OK)
            return result;
    } while (take(input, ','));
    return take(input, ':') ? PATH_RESULT_OK : PATH_RESULT_MALFORMED;
}

static enum path_result take_local_part(struct span *input, struct mailbox *mailbox)
{
    size_t length = dot_string_length(*input);
    bool quoted = length == 0;
    if (quoted)
        length = quoted_string_length(*input);
    if (length == 0)
        return PATH_RESULT_MALFORMED;
    if (length > LOCAL_PART_MAX)
        return PATH_RESULT_TOO_LONG;
    if (quoted)
        append_quoted_string(mailbox, span_first(*input, length));
    else
        append_span(mailbox, span_first(*input, length));
    mailbox->local_length = mailbox->length;
    *input = span_after(*input, length);
    return PATH_RESULT_OK;
}

static enum path_result take_mailbox(struct span *input, enum path_kind kind,
                                     struct mailbox *mailbox)
{
    enum path_result result = take_local_part(input, mailbox);
    if (result != PATH_RESULT_OK)
        return result;
    if (!take(input, '@')) {
        bool stands_alone =
            kind == PATH_KIND_FORWARD && span_equal(mailbox_whole(mailbox), span_of("postmaster"));
        return stands_alone ? PATH_RESULT_OK : PATH_RESULT_MALFORMED;
    }
    struct span domain;
    result = take_domain(input, &domain);
    if (result != PATH_RESULT_OK)
        return result;
    if (mailbox->length + 1 + domain.length > PATH_OCTETS_MAX - 2)
        return PATH_RESULT_TOO_LONG;
    append(mailbox, '@');
    append_span(mailbox, domain);
    return PATH_RESULT_OK;
}

enum path_result path_parse(struct span *input, enum path_kind kind, struct mailbox *mailbox)
{
    struct span start = *input;
    *mailbox = (struct mailbox){.length = 0};
    if (!take(input, '<'))
        return PATH_RESULT_MALFORMED;
    if (kind == PATH_KIND_REVERSE && take(input, '>'))
        return PATH_RESULT_OK;
    enum path_result result = skip_source_route(input);
    if (result == PATH_RESULT_OK)
        result = take_mailbox(input, kind, mailbox);
    if (result != PATH_RESULT_OK)
        return result;
    if (!take(input, '>'))
        return PATH_RESULT_MALFORMED;
    return start.length - input->length > PATH_OCTETS_MAX ? PATH_RESULT_TOO_LONG : PATH_RESULT_OK;
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
