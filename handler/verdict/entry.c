#include "handler/verdict/entry.h"

#include <ctype.h>

#include "handler/options/words.h"

/* The octets of a quoted string at the front of `text`; all of it if no quote ends it. */
static size_t quoted_length(struct span text)
{
    size_t i = 1;
    while (i < text.length && text.octets[i] != '"')
        i += text.octets[i] == '\\' ? 2 : 1;
    return i < text.length ? i + 1 : text.length;
}

struct span entry_address(struct span line)
{
    size_t quoted = line.length > 0 && line.octets[0] == '"' ? quoted_length(line) : 0;
    struct span rest = span_after(line, quoted);
    rest = span_first(rest, span_find(rest, ' '));
    return span_first(line, quoted + span_find(rest, '\t'));
}

struct entry entry_parse(struct span line)
{
    struct entry entry = {.address = entry_address(line)};
    entry.text = span_trim(words_before_comment(span_after(line, entry.address.length)));
    if (entry.text.length == 0)
        return entry;
    bool is_alias = entry.text.octets[0] == '=', is_refusal = entry.text.octets[0] == '!';
    entry.kind = is_alias ? ENTRY_ALIAS : is_refusal ? ENTRY_REFUSAL : ENTRY_COMMAND;
    if (is_alias || is_refusal)
        entry.text = span_trim(span_after(entry.text, 1));
    return entry;
}

bool entry_names_mailbox(struct span line)
{
    return line.length > 0 && line.octets[0] != '@';
}

bool entry_is_of_postmaster(struct span address)
{
    const struct span start = span_of("postmaster@");
    return address.length > start.length && span_equal(span_first(address, start.length), start);
}

bool entry_parse_mailbox(struct span address, struct mailbox *mailbox)
{
    bool bracketed = address.octets[0] == '<';
    return !bracketed && path_parse(&address, PATH_KIND_FORWARD, mailbox) == PATH_RESULT_OK &&
           address.length == 0;
}

struct span entry_domain(struct span address)
{
    const char *at = memrchr(address.octets, '@', address.length);
    return at == NULL ? span_empty() : span_after(address, (size_t)(at - address.octets) + 1);
}

struct span entry_domain_name(struct span domain)
{
    bool is_all_below = domain.length > 2 && memcmp(domain.octets, "*.", 2) == 0;
    return span_after(domain, is_all_below ? 2 : 0);
}

/* Whether it is, without a doubt, a local part. */
static bool is_plain(struct span local)
{
    size_t i = 0;
    while (i < local.length && local.octets[i] >= '-' && local.octets[i] <= 'z' &&
           (isalnum((unsigned char)local.octets[i]) || local.octets[i] <= '.'))
        i++;
    return i == local.length && i > 0 && i < LOCAL_PART_MAX / 2;
}

/* An address literal of ours is looked up by the hostname, so the list has no literals. */
bool entry_is_address(struct span address)
{
    struct mailbox mailbox;
    if (address.length == 0)
        return false;
    if (address.octets[0] == '@')
        return domain_is_valid_utf8(entry_domain_name(span_after(address, 1)));
    struct span domain = entry_domain(address);
    if (domain.length > 0 && is_plain(span_first(address, address.length - domain.length - 1)))
        return domain_is_valid_utf8(domain);
    return entry_parse_mailbox(address, &mailbox) && mailbox_domain(&mailbox).length > 0 &&
           mailbox_domain(&mailbox).octets[0] != '[';
}

bool entry_is_address_at(struct span address, struct span *domain)
{
    struct span own = entry_domain(address);
    bool is_known = own.length > 0 && own.length == domain->length &&
                    memcmp(own.octets, domain->octets, own.length) == 0;
    if (is_known && is_plain(span_first(address, address.length - own.length - 1)))
        return true;
    bool is_valid = entry_is_address(address);
    if (is_valid && entry_names_mailbox(address))
        *domain = own;
    return is_valid;
}

const char *entry_find_fault(const struct entry *entry)
{
    if (!entry_is_address(entry->address))
        return "is neither local@domain nor @domain";
    if (span_find(entry->text, '\0') < entry->text.length)
        return "a NUL octet behind it: remove it";
    if (entry->kind == ENTRY_ALIAS && !entry_is_address(entry->text))
        return "behind = stands one address, local@domain or @domain; a command stands without =";
    bool has_status = entry->kind == ENTRY_REFUSAL && reply_has_status(entry->text);
    if (has_status && entry->text.octets[0] != '4' && entry->text.octets[0] != '5')
        return "a refusal has a code of 4.x.y or 5.x.y in front, or none";
    return NULL;
}
