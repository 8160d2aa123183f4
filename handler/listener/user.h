/*
 * Gives up root once the sockets are bound.
 */
#ifndef HANDLER_LISTENER_USER_H
#define HANDLER_LISTENER_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "handler/problem.h"

enum { USER_NAME_MAX = 256, USER_HOME_MAX = 4096 };

struct user {
    bool is_ours; /* whom we run as already; what follows is unset */
    uid_t id;
    gid_t group;
    char name[USER_NAME_MAX];
    char home[USER_HOME_MAX];
};

/*
 * Finds the user of that `name` or number, which need not be known, and is the group then, too;
 * NULL is who we run as, but not if that is root. False, with `problem` filled in, if there is no
 * such user, or if we cannot become it.
 */
bool user_find(struct user *user, const char *name, struct problem *problem);

/*
 * Becomes the user for good, with its groups, and with HOME, USER and LOGNAME of its own; `hidden`
 * is that of confine_hide, which this would undo. False, with `problem` filled in, if that fails.
 */
bool user_become(const struct user *user, bool hidden, struct problem *problem);

/* Adds to `problem` as whom it was found, if root became the user: it may read less. */
void user_blame(const struct user *user, struct problem *problem);

#endif
