/*
 * libFuzzer target: the list of recipients. The first line of the input is an address; the rest is
 * the file. Asserted is that
 *
 * - each entry is read into parts of its own line, and an address is found by its line;
 * - what --check takes is never deferred, and its command has words;
 * - postmaster is never refused;
 * - the scan and the index find the same.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler/delivery/route.h"
#include "handler/log.h"
#include "handler/verdict/entry.h"
#include "handler/verdict/recipients-check.h"

static char path[64];
static int file = -1;
static struct options options;
static struct recipients recipients;
static struct problems problems;

static void write_file(struct span text)
{
    if (file < 0) {
        file = memfd_create("list", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file); /* fits */
    }
    assert(file >= 0 && ftruncate(file, 0) == 0);
    assert(pwrite(file, text.octets, text.length, 0) == (ssize_t)text.length);
}

static void begin(void)
{
    static char *command[] = {"true", NULL};
    struct problem problem;
    options.domains.names[0] = "*";
    options.domains.count = 1;
    options.recipients = path;
    options.recipient_delimiter = '+';
    options.command = command;
    log_open(LOG_OPTION_NONE, false);
    assert(recipients_open(&recipients, &options, "mx.example.org", "", &problem));
}

/* Gives back what a process keeps to its end. */
static void end(void)
{
    (void)close(recipients.list.descriptor); /* it was only read */
    free((void *)recipients.list.text.octets);
    free(recipients.list.places);
}

static bool is_within(struct span part, struct span whole)
{
    return part.length == 0 || (part.octets >= whole.octets &&
                                part.octets + part.length <= whole.octets + whole.length);
}

static void check_route(const struct recipients_answer *answer)
{
    static struct routed routed;
    const struct route *route = &answer->route;
    struct problem problem;
    char user[LOCAL_PART_MAX];
    struct span text = recipients.list.text;
    assert(is_within(route->entry, text) && is_within(route->last, text));
    assert(is_within(route->address, text) && is_within(answer->text, text));
    assert(recipients_user(route, span_of("x"), '+', user).length <= sizeof user);
    struct entry entry = entry_parse(route->last);
    if (answer->verdict != VERDICT_ACCEPTED || entry.kind != ENTRY_COMMAND)
        return;
    routed.text = span_empty(); /* the list before may have been at the same place */
    bool is_found = route_find(&routed, entry.text, &problem);
    assert(is_found || !problems_allow(&problems));
    assert(!is_found || (routed.words[0][0] != '\0' && routed.command.path[0] != '\0'));
}

/* Asks about the address, which is one of a client's. */
static struct recipients_answer ask(const struct mailbox *mailbox)
{
    struct recipients_answer answer = recipients_ask(&recipients, mailbox);
    struct recipients_answer again = recipients_ask(&recipients, mailbox);
    bool is_postmaster = span_equal(mailbox_local(mailbox), span_of("postmaster"));
    assert(answer.verdict == again.verdict);
    assert(answer.route.entry.octets == again.route.entry.octets);
    assert(answer.route.last.octets == again.route.last.octets);
    assert(!is_postmaster || verdict_outcome(answer.verdict) != OUTCOME_REFUSED);
    assert(answer.verdict != VERDICT_MISCONFIGURED || !problems_allow(&problems));
    check_route(&answer);
    return answer;
}

/* Asks about each address of the list itself. */
static void ask_all(void)
{
    struct span text = recipients.list.text, line, domain = span_empty();
    unsigned lines = 0;
    while (recipient_list_next(&text, &line, &lines)) {
        struct entry entry = entry_parse(line);
        struct mailbox mailbox;
        bool is_address = entry_is_address(entry.address);
        assert(is_within(entry.address, line) && is_within(entry.text, line));
        assert(entry_is_address_at(entry.address, &domain) == is_address);
        assert(recipient_list_line(&recipients.list, line) == lines);
        if (is_address && entry_names_mailbox(line) &&
            entry_parse_mailbox(entry.address, &mailbox)) {
            struct recipients_answer answer = ask(&mailbox);
            assert(answer.verdict != VERDICT_RELAYING_DENIED);
            assert(answer.route.entry.length > 0 || entry_is_of_postmaster(entry.address));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    struct span first = span_first(input, span_find(input, '\n'));
    struct mailbox mailbox;
    if (first.length == size)
        return 0;
    write_file(span_after(input, first.length + 1));
    begin();
    problems = (struct problems){0};
    recipients_check(&recipients, &problems);
    end();
    begin();
    if (path_parse(&first, PATH_KIND_FORWARD, &mailbox) == PATH_RESULT_OK)
        (void)ask(&mailbox); /* it has asserted what there is to say */
    assert(recipient_list_read(&recipients.list) == 0);
    ask_all();
    end();
    return 0;
}
