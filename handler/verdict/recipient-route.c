#include "handler/verdict/recipient-route.h"

#include <stdio.h>

#include "handler/verdict/entry.h"

enum { ADDRESS_MAX = MAILBOX_MAX + 1 }; /* with a NUL */

/* Addresses that an entry may be for, in the order in which they count. */
struct addresses {
    struct span spans[(3 + DOMAIN_MAX / 2) * IDN_FORMS_MAX];
    size_t count;
    char octets[3 * IDN_FORMS_MAX][ADDRESS_MAX];
};

struct local_parts recipient_route_split(struct span local, char delimiter)
{
    size_t at = span_find(local, delimiter);
    bool whole = at == 0 || at == local.length || local.octets[0] == '"';
    return (struct local_parts){
        .user = whole ? local : span_first(local, at),
        .extension = whole ? span_empty() : span_after(local, at + 1),
    };
}

/* Adds `local`, which may be empty, at every form of the domain. */
static void add_addresses(struct addresses *addresses, struct span local,
                          const struct idn_forms *domain)
{
    for (unsigned i = 0; i < domain->count; i++) {
        char *octets = addresses->octets[addresses->count];
        struct span name = domain->names[i];
        int length = snprintf(octets, ADDRESS_MAX, "%.*s@%.*s", (int)local.length, local.octets,
                              (int)name.length, name.octets); /* fits */
        addresses->spans[addresses->count++] = (struct span){octets, (size_t)length};
    }
}

/* Adds ".NAME", for an entry "@*.NAME", of all domains that the forms are below. */
static void add_domains_above(struct addresses *addresses, const struct idn_forms *domain)
{
    for (unsigned i = 0; i < domain->count; i++) {
        struct span rest = domain->names[i];
        for (size_t dot; (dot = span_find(rest, '.')) < rest.length;
             rest = span_after(rest, dot + 1))
            addresses->spans[addresses->count++] = span_after(rest, dot);
    }
}

static struct span within_quotes(struct span quoted)
{
    return (struct span){quoted.octets + 1, quoted.length - 2};
}

struct span recipient_route_find(struct recipient_list *list, struct span local,
                                 const struct idn_forms *domain, char delimiter, bool is_whole)
{
    struct span user = recipient_route_split(local, delimiter).user;
    static struct addresses addresses;
    addresses.count = 0;
    add_addresses(&addresses, local, domain);
    if (local.octets[0] == '"') /* an entry has dots anywhere, too, and needs no quotes for them */
        add_addresses(&addresses, within_quotes(local), domain);
    if (!is_whole) {
        if (user.length < local.length)
            add_addresses(&addresses, user, domain);
        add_addresses(&addresses, span_empty(), domain);
        add_domains_above(&addresses, domain);
    }
    return recipient_list_find(list, addresses.spans, addresses.count);
}

/* The entry "@domain" or "@*.domain" itself. */
static struct span find_domain(struct recipient_list *list, struct span address)
{
    struct span domain = entry_domain(address), name = entry_domain_name(domain);
    static struct addresses addresses;
    struct idn_forms forms;
    addresses.count = 0;
    if (name.length < domain.length) {
        addresses.spans[addresses.count++] = span_after(domain, 1);
    } else {
        idn_list_forms(domain, &forms);
        add_addresses(&addresses, span_empty(), &forms);
    }
    return recipient_list_find(list, addresses.spans, addresses.count);
}

/* The entry that an alias for `address` means; empty for none. */
static struct span find_meant(struct recipient_list *list, struct span address, char delimiter)
{
    struct mailbox mailbox;
    struct idn_forms forms;
    if (!entry_names_mailbox(address))
        return find_domain(list, address);
    if (!entry_parse_mailbox(address, &mailbox))
        return span_empty();
    idn_list_forms(mailbox_domain(&mailbox), &forms);
    return recipient_route_find(list, mailbox_local(&mailbox), &forms, delimiter, false);
}

/* Whether the way to `entry` has passed it before; `seen` are its `count` entries. */
static bool is_loop(struct span entry, const char *const *seen, unsigned count)
{
    while (count > 0 && seen[count - 1] != entry.octets)
        count--;
    return count > 0;
}

/* Blames the entry at which the way begins. */
static const char *blame_first(struct route *route, const char *fault)
{
    route->last = route->entry;
    return fault;
}

const char *recipient_route_follow(struct recipient_list *list, struct span entry, char delimiter,
                                   struct route *route)
{
    const char *seen[RECIPIENT_ROUTE_STEPS_MAX + 1];
    *route = (struct route){.entry = entry, .last = entry, .address = span_empty()};
    for (unsigned steps = 0;; steps++) {
        struct entry parsed = entry_parse(route->last);
        const char *fault = entry_find_fault(&parsed);
        if (fault != NULL || parsed.kind != ENTRY_ALIAS)
            return fault;
        if (steps == RECIPIENT_ROUTE_STEPS_MAX)
            return blame_first(route, "more than ten aliases, one after another");
        seen[steps] = route->last.octets;
        struct span next = find_meant(list, parsed.text, delimiter);
        if (next.length == 0)
            return "no entry is for the address behind =; add one";
        if (is_loop(next, seen, steps + 1))
            return blame_first(route, "the alias leads back to itself; write a command behind one");
        if (entry_names_mailbox(parsed.text))
            route->address = parsed.text;
        route->last = next;
    }
}
