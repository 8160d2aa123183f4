/*
 * The listener's keeper of keys (helpers/tls-relay/keep.h), if sessions can speak TLS with
 * certificates of their options: each session has a socket to it. It ends with the listener, and is
 * started anew if it ends before, at most once a second; what sessions ask meanwhile waits.
 */
#ifndef HANDLER_LISTENER_KEEPER_H
#define HANDLER_LISTENER_KEEPER_H

#include "handler/options/options.h"
#include "handler/relay.h"

/* The caller owns its memory, zeros at first. */
struct keeper {
    bool is_open;   /* both sockets */
    bool is_wanted; /* by the options */
    int ours, its;
    pid_t process; /* 0 if none runs */
    int64_t started;
    char path[PROCESS_PATH_MAX];
    struct relay_files files;
};

/*
 * Starts a keeper as `options` have it, with standard error if that is usable; one from before
 * ends, and its relays do not. Returns the socket for sessions, or -1 if there is no keeper: the
 * log says why if TLS is wanted.
 */
int keeper_begin(struct keeper *keeper, const struct options *options, bool stderr_is_usable,
                 char *const *environment);

/* The process has ended, by `status`. False if it is not the keeper. */
bool keeper_ended(struct keeper *keeper, pid_t process, int status);

/*
 * Starts it anew if it has ended, but not too soon. When that must be tried again, or WAIT_FOREVER.
 */
int64_t keeper_tend(struct keeper *keeper, int64_t now, bool stderr_is_usable,
                    char *const *environment);

#endif
