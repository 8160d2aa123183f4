#include "handler/verdict/recipients.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "handler/endpoint.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/verdict/entry.h"
#include "handler/verdict/recipient-route.h"

bool recipients_open(struct recipients *recipients, const struct options *options,
                     const char *hostname, const char *local_address, struct problem *problem)
{
    *recipients = (struct recipients){
        .options = options, .hostname = hostname, .local_address = local_address};
    return options->recipients == NULL ||
           recipient_list_open(&recipients->list, options->recipients, problem);
}

/* Whether `literal`, with its brackets, is the address of our end of the connection. */
static bool is_our_literal(const struct recipients *recipients, struct span literal)
{
    const struct span tag = span_of("[IPv6:");
    struct endpoint given;
    bool tagged = literal.length > tag.length && span_equal(span_first(literal, tag.length), tag);
    struct span inner = span_after(literal, tagged ? tag.length : 1);
    inner.length--;
    return endpoint_parse(&given, inner) && strcmp(given.text, recipients->local_address) == 0;
}

/* Whether the name of --domain, of which each form is one, means `domain`. */
static bool means(const char *name, const struct idn_forms *domain)
{
    if (strncmp(name, "*.", 2) == 0)
        return idn_is_below(domain, span_of(name + 2));
    return strcmp(name, "*") == 0 || idn_is_form(domain, span_of(name));
}

bool recipients_is_ours(const struct recipients *recipients, const struct idn_forms *domain)
{
    const struct options_domains *domains = &recipients->options->domains;
    for (unsigned i = 0; i < domains->count; i++)
        if (means(domains->names[i], domain))
            return true;
    if (domain->names[0].octets[0] == '[')
        return is_our_literal(recipients, domain->names[0]);
    return domains->count == 0 && (idn_is_form(domain, span_of(recipients->hostname)) ||
                                   idn_is_form(domain, span_of("localhost")));
}

struct span recipients_user(const struct route *route, struct span local, char delimiter,
                            char octets[LOCAL_PART_MAX])
{
    struct mailbox named;
    bool is_named = entry_names_mailbox(route->last);
    struct span address = is_named ? entry_address(route->last) : route->address;
    bool is_parsed = address.length > 0 && entry_parse_mailbox(address, &named);
    struct local_parts parts =
        recipient_route_split(is_parsed ? mailbox_local(&named) : local, delimiter);
    struct span user = local_part_unquote(parts.user, octets);
    if (!is_named)
        span_make_lower((struct room){octets, user.length});
    return user;
}

/* Reads the list, unless that is done; false, and logged once, if it cannot be read. */
static bool read_list(struct recipients *recipients)
{
    int result = recipient_list_read(&recipients->list);
    if (result < 0 && !recipients->list_reported)
        log_trouble("%s: %s; recipients are deferred; see " PAGE_RECIPIENTS,
                    recipients->options->recipients,
                    result == -EAGAIN ? "it changes while it is read" : strerror(-result));
    recipients->list_reported |= result < 0;
    return result == 0;
}

void recipients_report(struct recipients *recipients, struct span entry, const char *fault)
{
    const char *path = recipients->options->recipients;
    struct span address = entry_address(entry);
    if (recipients->entry_reported)
        return;
    recipients->entry_reported = true;
    if (entry.length == 0)
        log_trouble("%s: %s; its mail is deferred; see " PAGE_RECIPIENTS, path, fault);
    else
        log_trouble("%s:%u: %.*s: %s; its mail is deferred; see " PAGE_RECIPIENTS, path,
                    recipient_list_line(&recipients->list, entry), (int)address.length,
                    address.octets, fault);
}

/* Whether an unknown recipient may stand in a malformed line; logs the first of these, once. */
static bool may_be_malformed(struct recipients *recipients)
{
    struct span text = recipients->list.text, domain = span_empty(), entry;
    unsigned line = 0;
    if (recipients->is_looked_through)
        return recipients->is_malformed;
    recipients->is_looked_through = true;
    while (recipient_list_next(&text, &entry, &line)) {
        struct span address = entry_address(entry);
        if (entry_is_address_at(address, &domain))
            continue;
        log_trouble("%s:%u: '%.*s' is neither local@domain nor @domain; who is not in the list is "
                    "deferred; see " PAGE_RECIPIENTS,
                    recipients->options->recipients, line, (int)address.length, address.octets);
        recipients->is_malformed = true;
        break;
    }
    return recipients->is_malformed;
}

static struct recipients_answer answer_with(enum verdict verdict)
{
    return (struct recipients_answer){verdict, span_empty(), route_none};
}

/* Obeys the entry that was found. */
static struct recipients_answer follow(struct recipients *recipients, struct span entry)
{
    struct recipients_answer answer = answer_with(VERDICT_ACCEPTED);
    const char *fault = recipient_route_follow(
        &recipients->list, entry, recipients->options->recipient_delimiter, &answer.route);
    struct entry last = entry_parse(answer.route.last);
    if (fault != NULL) {
        recipients_report(recipients, answer.route.last, fault);
        answer.verdict = VERDICT_MISCONFIGURED;
    } else if (last.kind == ENTRY_REFUSAL) {
        bool is_deferral = reply_has_status(last.text) && last.text.octets[0] == '4';
        answer.verdict = is_deferral ? VERDICT_MAILBOX_UNAVAILABLE : VERDICT_UNKNOWN_MAILBOX;
        answer.text = last.text;
    }
    return answer;
}

static bool is_postmaster(struct span local)
{
    return span_equal(local, span_of("postmaster"));
}

struct span recipients_any_postmaster(const struct recipients *recipients)
{
    struct span text = recipients->list.text, entry;
    unsigned line = 0;
    while (recipient_list_next(&text, &entry, &line))
        if (entry_is_of_postmaster(entry))
            return entry;
    return span_empty();
}

/* By the entry, or if that refuses by the command of the options. */
static struct recipients_answer follow_for_postmaster(struct recipients *recipients,
                                                      struct span entry)
{
    struct recipients_answer answer = follow(recipients, entry);
    bool is_taken = answer.verdict == VERDICT_ACCEPTED || answer.verdict == VERDICT_MISCONFIGURED;
    return is_taken ? answer : answer_with(VERDICT_ACCEPTED);
}

/* RFC 5321 4.5.1: always there, be it the one of another domain. */
static struct recipients_answer answer_postmaster(struct recipients *recipients, struct span local,
                                                  const struct idn_forms *domain)
{
    const struct options *options = recipients->options;
    struct span own =
        recipient_route_find(&recipients->list, local, domain, options->recipient_delimiter, true);
    if (own.length > 0)
        return follow_for_postmaster(recipients, own);
    struct span any = options->command == NULL ? recipients_any_postmaster(recipients) : own;
    if (any.length == 0)
        return answer_with(VERDICT_ACCEPTED);
    struct recipients_answer answer = follow_for_postmaster(recipients, any);
    answer.route.entry = span_empty(); /* which is another's */
    return answer;
}

/* By the list. */
static struct recipients_answer look_up(struct recipients *recipients, struct span local,
                                        const struct idn_forms *domain)
{
    const char delimiter = recipients->options->recipient_delimiter;
    if (!read_list(recipients))
        return answer_with(VERDICT_DEFERRED);
    if (is_postmaster(local))
        return answer_postmaster(recipients, local, domain);
    struct span entry = recipient_route_find(&recipients->list, local, domain, delimiter, false);
    if (entry.length > 0)
        return follow(recipients, entry);
    return answer_with(may_be_malformed(recipients) ? VERDICT_MISCONFIGURED
                                                    : VERDICT_UNKNOWN_MAILBOX);
}

static struct recipients_answer decide(struct recipients *recipients, struct span local,
                                       const struct idn_forms *domain)
{
    struct idn_forms ours;
    bool has_name = domain->names[0].length > 0 && domain->names[0].octets[0] != '[';
    if (domain->names[0].length > 0 && !recipients_is_ours(recipients, domain))
        return answer_with(VERDICT_RELAYING_DENIED);
    if (recipients->options->recipients == NULL)
        return answer_with(VERDICT_ACCEPTED);
    if (!has_name) {
        idn_list_forms(span_of(recipients->hostname), &ours);
        domain = &ours;
    }
    return look_up(recipients, local, domain);
}

struct recipients_answer recipients_ask(struct recipients *recipients,
                                        const struct mailbox *mailbox)
{
    struct idn_forms domain;
    idn_list_forms(mailbox_domain(mailbox), &domain);
    struct recipients_answer answer = decide(recipients, mailbox_local(mailbox), &domain);
    if (answer.verdict == VERDICT_ACCEPTED || !domain.unknown)
        return answer;
    if (!recipients->library_reported)
        log_trouble(
            "libidn2 is missing: a recipient with a non-ASCII domain is deferred; see " PAGE_FILE);
    recipients->library_reported = true;
    return answer_with(VERDICT_MISCONFIGURED);
}

bool recipients_known(const struct recipients *recipients, const struct mailbox *mailbox)
{
    struct idn_forms domain;
    if (recipients->options->recipients != NULL || !idn_has_one_form(mailbox_domain(mailbox)))
        return false;
    idn_list_forms(mailbox_domain(mailbox), &domain);
    return domain.names[0].length == 0 || recipients_is_ours(recipients, &domain);
}
