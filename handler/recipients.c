#include "recipients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "idn.h"
#include "log.h"

bool recipients_open(struct recipients *recipients, const struct options *options,
                     const char *hostname, const char *local_address, struct problem *problem)
{
    *recipients = (struct recipients){options, hostname, local_address, NULL};
    if (options->recipients == NULL)
        return true;
    recipients->list = fopen(options->recipients, "re");
    if (recipients->list == NULL || (fgetc(recipients->list) == EOF && ferror(recipients->list)) ||
        fseek(recipients->list, 0, SEEK_SET) != 0) /* it is read for each recipient */
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
    if (inner.length == 0 || inner.length > sizeof text)
        return false;
    memcpy(text, inner.octets, inner.length - 1);
    text[inner.length - 1] = '\0';
    return inet_pton(family, text, given) == 1 &&
           inet_pton(family, recipients->local_address, ours) == 1 &&
           memcmp(given, ours, is_ipv6 ? sizeof(struct in6_addr) : sizeof(struct in_addr)) == 0;
}

static bool is_our_domain(const struct recipients *recipients, const struct idn_forms *domain)
{
    const struct options_domains *domains = &recipients->options->domains;
    for (unsigned i = 0; i < domains->count; i++)
        if (strcmp(domains->names[i], "*") == 0 || idn_is_form(domain, span_of(domains->names[i])))
            return true;
    if (domain->names[0].octets[0] == '[')
        return is_our_literal(recipients, domain->names[0]);
    return domains->count == 0 && (idn_is_form(domain, span_of(recipients->hostname)) ||
                                   idn_is_form(domain, span_of("localhost")));
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
        *entry = span_trim((struct span){*line, (size_t)length});
        if (entry->length > 0 && entry->octets[0] != '#')
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

/* What is behind the @ of an entry; empty where there is none. */
static struct span domain_of(struct span entry)
{
    const char *at = memrchr(entry.octets, '@', entry.length);
    return at == NULL ? span_empty() : span_after(entry, (size_t)(at - entry.octets) + 1);
}

/* Whether the entry is for the whole domain, the mailbox or its user; it may have needless quotes.
 */
static bool covers(struct span entry, struct span local, struct span user,
                   const struct idn_forms *domain)
{
    struct mailbox canonical;
    if (entry.octets[0] == '"' && parse_entry(entry, &canonical))
        entry = mailbox_whole(&canonical);
    struct span its_domain = domain_of(entry);
    if (its_domain.length == 0 || !idn_is_form(domain, its_domain))
        return false;
    struct span whom = span_first(entry, entry.length - its_domain.length - 1);
    return whom.length == 0 || span_equal(whom, local) || span_equal(whom, user);
}

static enum verdict look_up(const struct recipients *recipients, struct span local,
                            const struct idn_forms *domain)
{
    struct span user = recipients_split(local, recipients->options->recipient_delimiter).user;
    struct span entry;
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool found = false;
    rewind(recipients->list);
    while (!found && next_entry(recipients->list, &line, &size, &entry, &number))
        found = covers(entry, local, user, domain);
    free(line);
    if (found)
        return VERDICT_ACCEPTED;
    if (!ferror(recipients->list))
        return VERDICT_UNKNOWN_MAILBOX;
    log_trouble("%s: %s", recipients->options->recipients, strerror(errno));
    return VERDICT_DEFERRED;
}

static enum verdict judge(const struct recipients *recipients, struct span local,
                          const struct idn_forms *domain)
{
    if (domain->names[0].length > 0 && !is_our_domain(recipients, domain))
        return VERDICT_RELAYING_DENIED;
    if (recipients->list == NULL || span_equal(local, span_of("postmaster")))
        return VERDICT_ACCEPTED; /* RFC 5321 4.5.1: postmaster is always there */
    struct idn_forms ours;
    if (domain->names[0].octets[0] == '[') {
        idn_find_forms(span_of(recipients->hostname), &ours);
        domain = &ours;
    }
    return look_up(recipients, local, domain);
}

enum verdict recipients_judge(const struct recipients *recipients, const struct mailbox *mailbox)
{
    struct idn_forms domain;
    idn_find_forms(mailbox_domain(mailbox), &domain);
    enum verdict verdict = judge(recipients, mailbox_local(mailbox), &domain);
    if (verdict == VERDICT_ACCEPTED || !domain.unknown)
        return verdict;
    log_trouble("a domain name beyond ASCII turned up, and libidn2 is not there");
    return VERDICT_MISCONFIGURED;
}

bool recipients_accept_surely(const struct recipients *recipients, const struct mailbox *mailbox)
{
    return recipients->list == NULL && idn_is_plain(mailbox_domain(mailbox)) &&
           recipients_judge(recipients, mailbox) == VERDICT_ACCEPTED;
}

/* Our own literals are looked up by the hostname, so that none belongs in the list. */
static bool is_entry(struct span entry)
{
    struct mailbox mailbox;
    if (entry.octets[0] == '@')
        return domain_is_valid_utf8(span_after(entry, 1));
    return parse_entry(entry, &mailbox) && mailbox_domain(&mailbox).length > 0 &&
           mailbox_domain(&mailbox).octets[0] != '[';
}

/* Whether IDNA allows the domain name, if it is one beyond ASCII. */
static bool check_domain(struct span domain, struct problem *problem)
{
    int result = idn_check(domain);
    if (result == 0)
        return true;
    return problem_set(problem, EX_CONFIG, "domain %.*s: %s", (int)domain.length, domain.octets,
                       result == -EINVAL ? "no internationalized domain name"
                                         : "cannot be compared without libidn2");
}

static bool check_entry(struct span entry, struct problem *problem)
{
    if (!is_entry(entry))
        return problem_set(problem, EX_CONFIG, "'%.*s' is neither local@domain nor @domain",
                           (int)entry.length, entry.octets);
    return check_domain(domain_of(entry), problem);
}

bool recipients_check(const struct recipients *recipients, struct problem *problem)
{
    struct span entry;
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool valid = true;
    for (unsigned i = 0; i < recipients->options->domains.count; i++)
        if (!check_domain(span_of(recipients->options->domains.names[i]), problem))
            return false;
    if (recipients->list == NULL)
        return true;
    rewind(recipients->list);
    while (valid && next_entry(recipients->list, &line, &size, &entry, &number)) {
        struct problem found;
        valid = check_entry(entry, &found);
        if (!valid)
            problem_set(problem, EX_CONFIG, "%s:%u: %s", recipients->options->recipients, number,
                        found.text);
    }
    free(line);
    return valid;
}
