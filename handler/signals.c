#include "handler/signals.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

static volatile sig_atomic_t stop, reload;
static sigset_t poll_mask;

static void note_stop(int number)
{
    (void)number; /* always SIGTERM */
    stop = 1;
}

static void note_reload(int number)
{
    (void)number; /* always SIGHUP */
    reload = 1;
}

/* A handler that does nothing still ends a wait. */
static void note_nothing(int number)
{
    (void)number; /* always SIGCHLD */
}

static const struct {
    void (*handler)(int number);
    int number;
    bool blocked;
    bool for_listener; /* others ignore it: it may be sent to a whole service */
} rows[] = {
    {note_stop, SIGTERM, true, false}, {note_nothing, SIGCHLD, true, false},
    {note_reload, SIGHUP, true, true}, {SIG_IGN, SIGPIPE, false, false}, /* EPIPE tells the same */
    {SIG_IGN, SIGXFSZ, false, false}, /* so does EFBIG: the spool is full */
};

enum { ROWS = sizeof rows / sizeof *rows };

bool signals_begin(bool listens, struct problem *problem)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < ROWS; i++) {
        bool handled = listens || !rows[i].for_listener;
        struct sigaction action = {.sa_handler = handled ? rows[i].handler : SIG_IGN};
        if (sigaction(rows[i].number, &action, NULL) != 0)
            return problem_set(problem, EX_OSERR, "sigaction: %s", strerror(errno));
        if (handled && rows[i].blocked)
            sigaddset(&blocked, rows[i].number);
    }
    if (sigprocmask(SIG_BLOCK, &blocked, &poll_mask) != 0)
        return problem_set(problem, EX_OSERR, "sigprocmask: %s", strerror(errno));
    for (size_t i = 0; i < ROWS; i++)
        sigdelset(&poll_mask, rows[i].number);
    return true;
}

const sigset_t *signals_poll_mask(void)
{
    return &poll_mask;
}

bool signals_stop_pending(void)
{
    /* A wait that ends at once, because octets are there, does not let a signal in. */
    sigset_t pending;
    return stop != 0 || (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1);
}

bool signals_stop_caught(void)
{
    return stop != 0;
}

bool signals_reload_caught(void)
{
    bool wanted = reload != 0;
    reload = 0;
    return wanted;
}

bool signals_restore(bool for_session)
{
    const struct sigaction initial = {.sa_handler = SIG_DFL};
    sigset_t mask;
    sigemptyset(&mask);
    if (for_session)
        sigaddset(&mask, SIGTERM);
    for (size_t i = 0; i < ROWS; i++)
        if (sigaction(rows[i].number, &initial, NULL) != 0)
            return false;
    return sigprocmask(SIG_SETMASK, &mask, NULL) == 0;
}
