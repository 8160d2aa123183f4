#include "recipients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"

bool recipients_open(struct recipients *recipients, const struct options *options,
                     const char *hostname, const char *local_address, struct problem *problem)
{
    *recipients = (struct recipients){options, hostname, local_address, NULL};
    if (options->recipients == NULL)
        return true;
    recipients->list = fopen(options->recipients, "re");
    if (recipients->list == NULL || (fgetc(recipients->list) == EOF && ferror(recipients->list)))
        return problem_set(problem, EX_CONFIG, "%s: %s", options->recipients, strerror(errno));
    return true;
}

/* Whether `literal`, with its brackets, is the address of our end of the connection. */
static bool is_our_literal(const struct recipients *recipients, struct span literal)
{
    static const char tag[] = "[IPv6:";
    unsigned char given[sizeof(struct in6_addr)], ours[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    bool is_ipv6 =
        literal.length > strlen(tag) && span_equal(span_first(literal, strlen(tag)), span_of(tag));
    struct span inner = span_after(literal, is_ipv6 ? strlen(tag) : 1);
    int family = is_ipv6 ? AF_INET6 : AF_INET;
    if (inner.length > sizeof text)
        return false;
    memcpy(text, inner.octets, inner.length - 1);
    text[inner.length - 1] = '\0';
    return inet_pton(family, text, given) == 1 &&
           inet_pton(family, recipients->local_address, ours) == 1 &&
           memcmp(given, ours, is_ipv6 ? sizeof(struct in6_addr) : sizeof(struct in_addr)) == 0;
}

static bool is_our_domain(const struct recipients *recipients, struct span domain)
{
    const struct options_domains *domains = &recipients->options->domains;
    for (unsigned i = 0; i < domains->count; i++)
        if (strcmp(domains->names[i], "*") == 0 || span_equal(domain, span_of(domains->names[i])))
            return true;
    if (domain.octets[0] == '[')
        return is_our_literal(recipients, domain);
    return domains->count == 0 && (span_equal(domain, span_of(recipients->hostname)) ||
                                   span_equal(domain, span_of("localhost")));
}

struct local_parts recipients_split(struct span local, char delimiter)
{
    size_t at = span_find(local, delimiter);
    bool whole = at == 0 || at == local.length || local.octets[0] == '"';
    return (struct local_parts){
        .user = whole ? local : span_first(local, at),
        .extension = whole ? span_empty() : span_after(local, at + 1),
    };
}

/* Reads the next entry, without blanks around it; false at the end. */
static bool next_entry(FILE *list, char **line, size_t *size, struct span *entry, unsigned *number)
{
    ssize_t length;
    while ((length = getline(line, size, list)) >= 0) {
        ++*number;
        struct span text = {*line, (size_t)length};
        while (text.length > 0 && strchr(" \t\r\n", text.octets[text.length - 1]) != NULL)
            text.length--;
        while (text.length > 0 && strchr(" \t", text.octets[0]) != NULL)
            text = span_after(text, 1);
        *entry = text;
        if (text.length > 0 && text.octets[0] != '#')
            return true;
    }
    return false;
}

static bool parse_entry(struct span entry, struct mailbox *mailbox)
{
    char path[PATH_OCTETS_MAX + 2];
    if (entry.length >= PATH_OCTETS_MAX)
        return false;
    (void)snprintf(path, sizeof path, "<%.*s>", (int)entry.length, entry.octets); /* fits */
    struct span text = span_of(path);
    return path_parse(&text, PATH_KIND_FORWARD, mailbox) == PATH_RESULT_OK && text.length == 0;
}

/* Whether `entry` is `local` and `domain` with an @ between them; quotes may be needless in it. */
static bool names(struct span entry, struct span local, struct span domain)
{
    struct mailbox canonical;
    if (entry.octets[0] == '"' && parse_entry(entry, &canonical))
        entry = mailbox_whole(&canonical);
    return entry.length == local.length + 1 + domain.length &&
           span_equal(span_first(entry, local.length), local) &&
           entry.octets[local.length] == '@' &&
           span_equal(span_after(entry, local.length + 1), domain);
}

static enum verdict look_up(const struct recipients *recipients, struct span local,
                            struct span domain)
{
    struct span user = recipients_split(local, recipients->options->recipient_delimiter).user;
    struct span entry;
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool found = false;
    rewind(recipients->list);
    while (!found && next_entry(recipients->list, &line, &size, &entry, &number))
        found = names(entry, span_empty(), domain) || names(entry, local, domain) ||
                names(entry, user, domain);
    free(line);
    if (found)
        return VERDICT_ACCEPTED;
    if (!ferror(recipients->list))
        return VERDICT_UNKNOWN_MAILBOX;
    log_trouble("%s: %s", recipients->options->recipients, strerror(errno));
    return VERDICT_DEFERRED;
}

enum verdict recipients_judge(const struct recipients *recipients, const struct mailbox *mailbox)
{
    struct span local = mailbox_local(mailbox);
    struct span domain = mailbox_domain(mailbox);
    if (domain.length > 0 && !is_our_domain(recipients, domain))
        return VERDICT_RELAYING_DENIED;
    if (recipients->list == NULL || span_equal(local, span_of("postmaster")))
        return VERDICT_ACCEPTED; /* RFC 5321 4.5.1: postmaster is always there */
    return look_up(recipients, local,
                   domain.octets[0] == '[' ? span_of(recipients->hostname) : domain);
}

/* Our own literals are looked up by the hostname, so that none belongs in the list. */
static bool entry_is_valid(struct span entry)
{
    struct mailbox mailbox;
    if (entry.octets[0] == '@')
        return domain_is_valid(span_after(entry, 1));
    return parse_entry(entry, &mailbox) && mailbox_domain(&mailbox).length > 0 &&
           mailbox_domain(&mailbox).octets[0] != '[';
}

bool recipients_check(const struct recipients *recipients, struct problem *problem)
{
    struct span entry;
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool valid = true;
    if (recipients->list == NULL)
        return true;
    rewind(recipients->list);
    while (valid && next_entry(recipients->list, &line, &size, &entry, &number)) {
        valid = entry_is_valid(entry);
        if (!valid)
            problem_set(problem, EX_CONFIG, "%s:%u: '%.*s' is neither local@domain nor @domain",
                        recipients->options->recipients, number, (int)entry.length, entry.octets);
    }
    free(line);
    return valid;
}
