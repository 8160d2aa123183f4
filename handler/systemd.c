#include "handler/systemd.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "handler/library.h"

#define SONAME "libsystemd.so.0"

LIBRARY_NOTE note = {
    LIBRARY_NOTE_OF,
    "[{\"feature\":\"systemd\",\"description\":\"Socket activation, journal and status\","
    "\"priority\":\"recommended\",\"soname\":[\"" SONAME "\"]}]"};

static struct {
    __typeof__(sd_listen_fds_with_names) *listen_fds_with_names;
    __typeof__(sd_journal_sendv) *journal_sendv;
    __typeof__(sd_notify) *notify;
    __typeof__(sd_watchdog_enabled) *watchdog_enabled;
} library;

static bool load(void)
{
    static enum library_state state;
    static const struct library_function functions[] = {
        {"sd_listen_fds_with_names", &library.listen_fds_with_names},
        {"sd_journal_sendv", &library.journal_sendv},
        {"sd_notify", &library.notify},
        {"sd_watchdog_enabled", &library.watchdog_enabled},
    };
    return library_load_once(&state, SONAME, functions, sizeof functions / sizeof *functions);
}

/* Picks the connection among `count` descriptors: the one of that name, or the first. */
static int pick(char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (names != NULL && strcmp(names[i], "connection") == 0)
            return SD_LISTEN_FDS_START + i;
    return SD_LISTEN_FDS_START;
}

bool systemd_take_descriptors(struct systemd_descriptors *passed, struct problem *problem)
{
    char **names = NULL;
    *passed = (struct systemd_descriptors){.first = SD_LISTEN_FDS_START, .connection = -1};
    if (getenv("LISTEN_FDS") == NULL || getenv("LISTEN_PID") == NULL)
        return true;
    if (!load())
        return problem_set(problem, EX_OSERR, "cannot load %s: %s", SONAME, dlerror());
    int count = library.listen_fds_with_names(1, &names);
    if (count < 0)
        return problem_set(problem, EX_OSERR, "sd_listen_fds: %s", strerror(-count));
    if (count > 0)
        passed->connection = pick(names, count);
    passed->count = count;
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return true;
}

bool systemd_journal_send(const struct iovec *fields, size_t count)
{
    /* The library reports success if no journal listens. */
    bool listens = access("/run/systemd/journal/socket", W_OK) == 0;
    return listens && load() && library.journal_sendv(fields, (int)count) >= 0;
}

int64_t systemd_watchdog_interval(void)
{
    uint64_t microseconds = 0;
    bool watched =
        getenv("WATCHDOG_USEC") != NULL && load() && library.watchdog_enabled(0, &microseconds) > 0;
    return watched ? (int64_t)(microseconds / 2000) : -1;
}

void systemd_notify(const char *state)
{
    if (getenv("NOTIFY_SOCKET") != NULL && load())
        (void)library.notify(0, state); /* a status is only informative */
}
