#include "handler/listener/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"
#include "session/text/span.h"

/* The entry of the user `name`, or of that number, which need not have one; NULL if there is none.
 */
static const struct passwd *find_entry(const char *name)
{
    static char root[] = "/";
    static struct passwd number;
    uint64_t id;
    const struct passwd *entry = getpwnam(name);
    if (entry != NULL || !span_number(span_of(name), &id) || id >= UINT32_MAX)
        return entry;
    number = (struct passwd){.pw_name = (char *)name, .pw_dir = root}; /* it is only read */
    number.pw_uid = number.pw_gid = (uid_t)id;
    entry = getpwuid(number.pw_uid);
    return entry != NULL ? entry : &number;
}

bool user_find(struct user *user, const char *name, struct problem *problem)
{
    bool is_root = geteuid() == 0;
    *user = (struct user){.is_ours = true};
    if (name == NULL)
        return !is_root || problem_set(problem, EX_USAGE,
                                       "listen as root: say who serves with --user NAME, or that "
                                       "root does with --user root");
    const struct passwd *entry = find_entry(name);
    if (entry == NULL)
        return problem_set(problem, EX_USAGE, "option user: no such user: %s", name);
    user->is_ours = entry->pw_uid == geteuid();
    user->id = entry->pw_uid;
    user->group = entry->pw_gid;
    bool fits = snprintf(user->name, sizeof user->name, "%s", entry->pw_name) < USER_NAME_MAX &&
                snprintf(user->home, sizeof user->home, "%s", entry->pw_dir) < USER_HOME_MAX;
    if (!fits)
        return problem_set(problem, EX_USAGE, "option user: a name or home that is too long");
    return user->is_ours || is_root ||
           problem_set(problem, EX_USAGE, "option user: only root can become %s", name);
}

bool user_become(const struct user *user, bool hidden, struct problem *problem)
{
    if (user->is_ours)
        return true;
    if (initgroups(user->name, user->group) != 0 ||
        setresgid(user->group, user->group, user->group) != 0 ||
        setresuid(user->id, user->id, user->id) != 0 || setenv("HOME", user->home, 1) != 0 ||
        setenv("USER", user->name, 1) != 0 || setenv("LOGNAME", user->name, 1) != 0)
        return problem_set(problem, EX_OSERR, "user %s: %s", user->name, strerror(errno));
    (void)confine_hide(hidden); /* cannot fail */
    return setuid(0) != 0 || problem_set(problem, EX_OSERR, "user %s: is root still", user->name);
}

void user_blame(const struct user *user, struct problem *problem)
{
    size_t length = strlen(problem->text);
    if (!user->is_ours)
        (void)snprintf(problem->text + length, sizeof problem->text - length, " (as the user %s)",
                       user->name); /* or cut */
}
