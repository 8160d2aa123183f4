#include "handler/verdict/recipients-check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "handler/delivery/route.h"
#include "handler/verdict/entry.h"
#include "handler/verdict/recipient-route.h"

/* NULL, or why IDNA does not allow the domain name. */
static const char *find_fault(struct span domain)
{
    int result = idn_check(entry_domain_name(domain));
    if (result == 0)
        return NULL;
    return result == -EINVAL ? "no internationalized domain name"
                             : "cannot be compared without libidn2";
}

static void check_domains(const struct options *options, struct problems *problems)
{
    for (unsigned i = 0; i < options->domains.count; i++) {
        const char *name = options->domains.names[i], *fault = find_fault(span_of(name));
        if (fault != NULL)
            problems_add(problems, EX_CONFIG, "%sdomain %s: %s",
                         options_place(options, &options->domains, name).text, name, fault);
    }
}

/* Whether we take mail for the domain of an entry, or for one below it. */
static bool is_ours(const struct recipients *recipients, struct span domain)
{
    struct idn_forms forms;
    if (entry_domain_name(domain).length < domain.length)
        return true; /* which ones below it we have is not looked for */
    idn_list_forms(domain, &forms);
    return recipients_is_ours(recipients, &forms);
}

/* What is checked: an entry on its line. */
struct checked {
    struct recipients *recipients;
    struct problems *problems;
    struct span line;
    struct entry entry;
    char place[OPTIONS_PLACE_MAX]; /* "FILE:LINE: " */
};

static void add(const struct checked *checked, int status, const char *text)
{
    struct span address = checked->entry.address;
    problems_add(checked->problems, status, "%s%.*s: %s", checked->place, (int)address.length,
                 address.octets, text);
}

/* Warns of an entry that is not for whom it seems to be; true if it can accept somebody. */
static bool check_address(const struct checked *checked)
{
    struct span address = checked->entry.address, domain = entry_domain(address);
    int length = (int)address.length;
    if (length > 2 && memcmp(address.octets, "*@", 2) == 0)
        problems_add(checked->problems, EX_OK,
                     "%s'%.*s' is the mailbox '*' alone; '%.*s' is all of the domain",
                     checked->place, length, address.octets, length - 1, address.octets + 1);
    if (is_ours(checked->recipients, domain))
        return true;
    problems_add(checked->problems, EX_OK,
                 "%s'%.*s' accepts nobody: its domain is not ours; add 'domain %.*s'",
                 checked->place, length, address.octets, (int)domain.length, domain.octets);
    return false;
}

/* Warns of a second entry for an address, since the first counts. */
static void check_repetition(const struct checked *checked)
{
    struct recipient_list *list = &checked->recipients->list;
    struct span first = recipient_list_find_same(list, checked->line);
    char text[64];
    if (first.octets == checked->line.octets || checked->problems->count >= PROBLEMS_MAX)
        return;
    (void)snprintf(text, sizeof text, "it is on line %u, too, and the first counts",
                   recipient_list_line(list, first)); /* fits */
    add(checked, EX_OK, text);
}

/* Checks what the entry leads to. */
static void check_way(const struct checked *checked, struct route_programs *programs)
{
    const struct options *options = checked->recipients->options;
    struct route route;
    const char *fault = recipient_route_follow(&checked->recipients->list, checked->line,
                                               options->recipient_delimiter, &route);
    struct entry last = entry_parse(route.last);
    if (fault != NULL && route.last.octets == checked->line.octets)
        add(checked, EX_CONFIG, fault);
    else if (checked->entry.kind == ENTRY_COMMAND)
        route_check(checked->entry.text, checked->place, programs, checked->problems);
    else if (checked->entry.kind == ENTRY_DEFAULT && options->command == NULL)
        add(checked, EX_CONFIG, "no command, and none in the options; write one behind it");
    if (last.kind == ENTRY_REFUSAL && entry_is_of_postmaster(checked->entry.address))
        add(checked, EX_CONFIG, "postmaster must receive: write a command, or nothing, behind it");
}

/* Checks one entry; true if it can accept somebody. */
static bool check_entry(struct checked *checked, struct route_programs *programs)
{
    struct span domain = entry_domain(checked->entry.address);
    if (!entry_is_address(checked->entry.address)) {
        problems_add(checked->problems, EX_CONFIG, "%s'%.*s' is neither local@domain nor @domain",
                     checked->place, (int)checked->entry.address.length,
                     checked->entry.address.octets);
        return false;
    }
    const char *fault = find_fault(domain);
    if (fault != NULL) {
        problems_add(checked->problems, EX_CONFIG, "%sdomain %.*s: %s", checked->place,
                     (int)domain.length, domain.octets, fault);
        return false;
    }
    check_way(checked, programs);
    check_repetition(checked);
    return check_address(checked);
}

static void check_list(struct recipients *recipients, struct problems *problems)
{
    static struct route_programs programs;
    const struct options *options = recipients->options;
    struct checked checked = {.recipients = recipients, .problems = problems};
    struct span text = recipients->list.text;
    unsigned line = 0, entries = 0, accepting = 0;
    for (; recipient_list_next(&text, &checked.line, &line); entries++) {
        checked.entry = entry_parse(checked.line);
        (void)snprintf(checked.place, sizeof checked.place, "%s:%u: ", options->recipients,
                       line); /* may be cut */
        accepting += check_entry(&checked, &programs) ? 1 : 0;
    }
    if (accepting == 0 && !options->submission)
        problems_add(problems, EX_CONFIG, "%soption recipients: %s %s: every recipient is refused",
                     options_place(options, &options->recipients, NULL).text, options->recipients,
                     entries == 0 ? "is empty" : "accepts nobody");
    if (options->command == NULL && recipients_any_postmaster(recipients).length == 0)
        problems_add(problems, EX_CONFIG,
                     "%s: no postmaster@, who must receive, and no command for it in the options; "
                     "add a line: postmaster@DOMAIN COMMAND",
                     options->recipients);
}

void recipients_check(struct recipients *recipients, struct problems *problems)
{
    const struct options *options = recipients->options;
    check_domains(options, problems);
    if (options->recipients == NULL || !recipients->list.is_open)
        return; /* or recipients_open has said why not */
    int result = recipient_list_read(&recipients->list);
    if (result == 0)
        check_list(recipients, problems);
    else
        problems_add(problems, EX_CONFIG, "%s: %s", options->recipients, strerror(-result));
}
