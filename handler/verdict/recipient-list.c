#include "handler/verdict/recipient-list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/verdict/entry.h"

bool recipient_list_open(struct recipient_list *list, const char *path, struct problem *problem)
{
    struct stat status;
    char octet;
    /* A pipe does not wait for its writer: it is refused. */
    *list = (struct recipient_list){.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (list->descriptor < 0 || fstat(list->descriptor, &status) != 0 ||
        pread(list->descriptor, &octet, 1, 0) < 0)
        return problem_set(problem, EX_CONFIG, "%s: %s", path, strerror(errno));
    list->is_open = status.st_size <= RECIPIENT_LIST_MAX;
    return list->is_open ||
           problem_set(problem, EX_CONFIG, "%s: longer than %d octets", path, RECIPIENT_LIST_MAX);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Reads up to `max` octets from the start of the file. Returns how many, or -errno. */
static ssize_t read_octets(int descriptor, char *octets, size_t max)
{
    size_t used = 0;
    while (used < max) {
        ssize_t length = pread(descriptor, octets + used, max - used, (off_t)used);
        if (length < 0 && errno != EINTR)
            return -errno;
        if (length == 0)
            break;
        used += length > 0 ? (size_t)length : 0;
    }
    return (ssize_t)used;
}

/* Reads the file into `octets`, with room for one more: -EAGAIN if it changes meanwhile. */
static int read_unchanged(int descriptor, char *octets, const struct stat *before)
{
    struct stat after;
    ssize_t length = read_octets(descriptor, octets, (size_t)before->st_size + 1);
    if (length < 0)
        return (int)length;
    if (fstat(descriptor, &after) != 0)
        return -errno;
    bool unchanged = length == before->st_size && after.st_size == before->st_size &&
                     is_same_time(&after.st_mtim, &before->st_mtim);
    return unchanged ? 0 : -EAGAIN;
}

/* Without the mark that some editors put in front of UTF-8; joined files have it within. */
static struct span skip_byte_order_mark(struct span line)
{
    struct span mark = span_of("\xef\xbb\xbf");
    bool is_marked = line.length >= mark.length && span_equal(span_first(line, mark.length), mark);
    return is_marked ? span_after(line, mark.length) : line;
}

bool recipient_list_next(struct span *text, struct span *entry, unsigned *lines)
{
    while (text->length > 0) {
        struct span line = span_first(*text, span_find(*text, '\n'));
        *text = span_after(*text, line.length + (line.length < text->length ? 1 : 0));
        ++*lines;
        *entry = span_trim(skip_byte_order_mark(line));
        if (entry->length > 0 && entry->octets[0] != '#')
            return true;
    }
    return false;
}

/*
 * The address of an entry, without needless quotes, and without the "@*" in front of all below a
 * domain; borrowed from the entry or `mailbox`.
 */
static struct span address_of(struct span entry, struct mailbox *mailbox)
{
    struct span address = entry_address(entry);
    if (address.length > 3 && memcmp(address.octets, "@*.", 3) == 0)
        return span_after(address, 2);
    bool is_quoted = address.octets[0] == '"' && entry_parse_mailbox(address, mailbox);
    return is_quoted ? mailbox_whole(mailbox) : address;
}

/* Eight octets at a time, the same for letters of either case: one bit of each octet is set. */
static uint32_t hash_of(struct span address)
{
    const uint64_t case_bits = 0x2020202020202020, factor = 0x9e3779b97f4a7c15;
    uint64_t hash = address.length;
    while (address.length > 0) {
        uint64_t word = 0;
        size_t length = address.length < sizeof word ? address.length : sizeof word;
        memcpy(&word, address.octets, length);
        hash = (hash ^ (word | case_bits)) * factor;
        hash ^= hash >> 29;
        address = span_after(address, length);
    }
    return (uint32_t)(hash >> 32 ^ hash);
}

static struct span entry_at(const struct recipient_list *list, uint32_t place)
{
    struct span rest = span_after(list->text, place - 1);
    return span_trim(span_first(rest, span_find(rest, '\n')));
}

/* The place of the entry for `address`, or the free one that it would get. */
static uint32_t *find_place(const struct recipient_list *list, struct span address)
{
    struct mailbox mailbox;
    size_t last = list->place_count - 1;
    size_t i = hash_of(address) & last;
    while (list->places[i] != 0 &&
           !span_equal(address_of(entry_at(list, list->places[i]), &mailbox), address))
        i = (i + 1) & last;
    return &list->places[i];
}

static size_t count_lines(struct span text)
{
    size_t count = 0;
    for (; text.length > 0; count++) {
        size_t length = span_find(text, '\n');
        text = span_after(text, length + (length < text.length ? 1 : 0));
    }
    return count;
}

/* Makes the index, if there is memory for it: twice as large as need be, so that a free place is
 * always near. */
static void index_entries(struct recipient_list *list)
{
    struct span text = list->text, entry;
    struct mailbox mailbox;
    unsigned lines = 0;
    size_t min = 2 * count_lines(text);
    list->place_count = 2;
    while (list->place_count < min)
        list->place_count *= 2;
    list->places = calloc(list->place_count, sizeof *list->places);
    while (list->places != NULL && recipient_list_next(&text, &entry, &lines)) {
        uint32_t *place = find_place(list, address_of(entry, &mailbox));
        if (*place == 0) /* else there is one for it before */
            *place = (uint32_t)(entry.octets - list->text.octets) + 1;
    }
}

/* Looks at every entry, for all addresses at once. */
static struct span scan(const struct recipient_list *list, const struct span *addresses,
                        size_t count)
{
    struct span text = list->text, found = span_empty(), entry;
    struct mailbox mailbox;
    unsigned lines = 0;
    while (count > 0 && recipient_list_next(&text, &entry, &lines)) {
        struct span address = address_of(entry, &mailbox);
        size_t i = 0;
        while (i < count && !span_equal(address, addresses[i]))
            i++;
        if (i < count) {
            found = entry;
            count = i; /* only addresses before it can win */
        }
    }
    return found;
}

int recipient_list_read(struct recipient_list *list)
{
    struct stat status;
    if (list->is_read)
        return 0;
    if (fstat(list->descriptor, &status) != 0)
        return -errno;
    if (status.st_size > RECIPIENT_LIST_MAX)
        return -EFBIG;
    char *octets = malloc((size_t)status.st_size + 1);
    if (octets == NULL)
        return -ENOMEM;
    int result = read_unchanged(list->descriptor, octets, &status);
    if (result < 0) {
        free(octets);
        return result;
    }
    list->text = (struct span){octets, (size_t)status.st_size};
    list->is_read = true;
    return 0;
}

struct span recipient_list_find(struct recipient_list *list, const struct span *addresses,
                                size_t count)
{
    struct span entry = span_empty();
    if (list->is_searched && list->places == NULL)
        index_entries(list);
    list->is_searched = true;
    if (list->places == NULL)
        return scan(list, addresses, count);
    for (size_t i = 0; entry.length == 0 && i < count; i++) {
        uint32_t place = *find_place(list, addresses[i]);
        if (place != 0)
            entry = entry_at(list, place);
    }
    return entry;
}

struct span recipient_list_find_same(struct recipient_list *list, struct span entry)
{
    struct mailbox mailbox;
    struct span address = address_of(entry, &mailbox);
    return recipient_list_find(list, &address, 1);
}

unsigned recipient_list_line(const struct recipient_list *list, struct span entry)
{
    struct span before = {list->text.octets, (size_t)(entry.octets - list->text.octets)};
    unsigned line = 1;
    for (size_t end; (end = span_find(before, '\n')) < before.length; line++)
        before = span_after(before, end + 1);
    return line;
}
