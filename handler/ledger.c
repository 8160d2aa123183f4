#include "handler/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/process.h"

#define VARIABLE "SMTP_HANDLER_LEDGER"

char ledger_variable[] = VARIABLE "=3";

struct ledger_page {
    _Atomic uint32_t crowded;
};

enum { SLOTS = 4096, SLOTS_NEAR = 8 /* a network has one of these */ };

struct ledger_failures {
    _Atomic uint64_t slots[SLOTS]; /* see write_slot; 0 at first */
};

/* Both begin at a page, however large the machine's pages are. */
enum { FAILURES_AT = 64 * 1024, LEDGER_OCTETS = 2 * FAILURES_AT };

static const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/* The page, mapped with `rights`; NULL if that fails. */
static struct ledger_page *map_page(int descriptor, int rights)
{
    void *page = mmap(NULL, sizeof(struct ledger_page), rights, MAP_SHARED, descriptor, 0);
    return page == MAP_FAILED ? NULL : page;
}

int ledger_make(struct ledger *ledger)
{
    *ledger = (struct ledger){.descriptor = -1};
    int descriptor = memfd_create("ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0)
        return -errno;
    int result = process_move(&descriptor);
    if (result < 0)
        return result;
    if (ftruncate(descriptor, LEDGER_OCTETS) != 0 || fcntl(descriptor, F_ADD_SEALS, seals) != 0 ||
        (ledger->page = map_page(descriptor, PROT_READ | PROT_WRITE)) == NULL) {
        result = -errno;
        (void)close(descriptor); /* it holds nothing yet */
        return result;
    }
    ledger->descriptor = descriptor;
    return 0;
}

void ledger_set_crowded(struct ledger *ledger, bool crowded)
{
    if (ledger->page != NULL)
        atomic_store_explicit(&ledger->page->crowded, crowded, memory_order_relaxed);
}

/* Whether ledger_make made the descriptor: it has that size for ever. */
static bool is_whole(int descriptor)
{
    struct stat status;
    return fcntl(descriptor, F_GET_SEALS) == seals && fstat(descriptor, &status) == 0 &&
           status.st_size == LEDGER_OCTETS;
}

struct ledger ledger_take(void)
{
    struct ledger ledger = {.descriptor = -1};
    const char *value = getenv(VARIABLE);
    if (value == NULL)
        return ledger;
    bool handed = strcmp(value, strchr(ledger_variable, '=') + 1) == 0;
    if (unsetenv(VARIABLE) == 0 && handed && is_whole(LEDGER_DESCRIPTOR)) {
        ledger.descriptor = LEDGER_DESCRIPTOR;
        ledger.page = map_page(LEDGER_DESCRIPTOR, PROT_READ);
    }
    return ledger;
}

bool ledger_is_there(const struct ledger *ledger)
{
    return ledger->page != NULL;
}

bool ledger_is_crowded(const struct ledger *ledger)
{
    return ledger->page != NULL &&
           atomic_load_explicit(&ledger->page->crowded, memory_order_relaxed) != 0;
}

void ledger_open_failures(struct ledger *ledger)
{
    if (ledger->descriptor < 0)
        return;
    void *failures = mmap(NULL, sizeof(struct ledger_failures), PROT_READ | PROT_WRITE, MAP_SHARED,
                          ledger->descriptor, FAILURES_AT);
    ledger->failures = failures == MAP_FAILED ? NULL : failures;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->descriptor >= 0)
        (void)close(ledger->descriptor); /* the memory stays */
    ledger->descriptor = -1;
}

/* The parts of a slot. It is one word, so that it changes atomically. */
enum { COUNT_BITS = 4, COUNT_MAX = (1 << COUNT_BITS) - 1, SECOND_MASK = (1 << 28) - 1 };

static uint64_t write_slot(uint32_t network, uint32_t now, unsigned count)
{
    return (uint64_t)network << 32 | (now & SECOND_MASK) << COUNT_BITS | count;
}

static uint32_t network_of(uint64_t slot)
{
    return (uint32_t)(slot >> 32);
}

static uint32_t age_of(uint64_t slot, uint32_t now)
{
    return (now - ((uint32_t)slot >> COUNT_BITS)) & SECOND_MASK;
}

/* How many failures still count. */
static unsigned count_of(uint64_t slot, uint32_t now)
{
    const uint32_t forgotten = 600; /* seconds */
    return age_of(slot, now) < forgotten ? (unsigned)slot & COUNT_MAX : 0;
}

/* The network's slot, or else the oldest of those that it may have; `*seen` is its value. */
static _Atomic uint64_t *find_slot(struct ledger_failures *failures, uint64_t hash, uint32_t now,
                                   uint64_t *seen)
{
    _Atomic uint64_t *oldest = NULL;
    for (size_t i = 0; i < SLOTS_NEAR; i++) {
        _Atomic uint64_t *slot = &failures->slots[(hash + i) % SLOTS];
        uint64_t value = atomic_load(slot);
        bool is_found = network_of(value) == (uint32_t)(hash >> 32);
        if (oldest == NULL || is_found || age_of(value, now) > age_of(*seen, now)) {
            oldest = slot;
            *seen = value;
        }
        if (is_found)
            break;
    }
    return oldest;
}

static bool counts(const struct ledger *ledger, const struct endpoint *client)
{
    return ledger->failures != NULL && client->text[0] != '\0';
}

static uint64_t hash_network(const struct endpoint *client)
{
    const uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t hash = client->prefix * factor;
    return (hash ^ hash >> 29) * factor;
}

static uint32_t seconds_now(void)
{
    return (uint32_t)(clock_milliseconds() / 1000);
}

/* The count of the network in a slot as it is `seen`. */
static unsigned count_in(uint64_t seen, uint64_t hash, uint32_t now)
{
    return network_of(seen) == (uint32_t)(hash >> 32) ? count_of(seen, now) : 0;
}

unsigned ledger_count_failures(struct ledger *ledger, const struct endpoint *client)
{
    uint64_t hash = hash_network(client), seen = 0;
    uint32_t now = seconds_now();
    if (!counts(ledger, client))
        return 0;
    (void)find_slot(ledger->failures, hash, now, &seen); /* what is seen there is enough */
    return count_in(seen, hash, now);
}

unsigned ledger_add_failure(struct ledger *ledger, const struct endpoint *client)
{
    uint64_t hash = hash_network(client), seen = 0, next;
    uint32_t now = seconds_now();
    _Atomic uint64_t *slot;
    unsigned count;
    if (!counts(ledger, client))
        return 0;
    do {
        slot = find_slot(ledger->failures, hash, now, &seen);
        count = count_in(seen, hash, now);
        count += count < COUNT_MAX ? 1 : 0;
        next = write_slot((uint32_t)(hash >> 32), now, count);
    } while (!atomic_compare_exchange_strong(slot, &seen, next));
    return count;
}
