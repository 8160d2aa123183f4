#include "handler/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void confine_silence(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0)
        (void)close(STDERR_FILENO); /* other processes keep theirs */
    if (null > STDERR_FILENO)
        (void)close(null); /* the copy stays */
}

static bool forbid_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool confine_hide(bool hidden)
{
    return prctl(PR_SET_DUMPABLE, hidden ? 0 : 1) == 0;
}

/* The type of `resource` differs among libraries; the kernel knows its number. */
static bool limit(unsigned resource, uint64_t max)
{
    const uint64_t limits[] = {max, max}; /* soft and hard */
    uint64_t found[] = {UINT64_MAX, UINT64_MAX};
    if (syscall(SYS_prlimit64, 0, resource, limits, NULL) == 0)
        return true;
    /* EPERM: the limit is lower already, or a filter that is not ours forbids to set it. */
    bool is_known = errno == EPERM && syscall(SYS_prlimit64, 0, resource, NULL, found) == 0;
    return max == UINT64_MAX || (is_known && found[1] <= max);
}

static bool set_limits(const struct confinement *confinement)
{
    bool limited = (confinement->forks || limit(RLIMIT_NPROC, 0)) && limit(RLIMIT_CORE, 0);
    for (size_t i = 0; i < confinement->limit_count; i++)
        limited = limit(confinement->limits[i].resource, confinement->limits[i].max) && limited;
    return limited;
}

/* Adds a rule that allows `rights` on and beneath each of `paths`, if it exists. */
static bool allow(int rules, const char *const *paths, uint64_t rights)
{
    bool allowed = true;
    for (; paths != NULL && *paths != NULL; paths++) {
        int place = open(*paths, O_PATH | O_CLOEXEC);
        const struct landlock_path_beneath_attr rule = {.allowed_access = rights,
                                                        .parent_fd = place};
        if (place < 0)
            continue;
        allowed =
            syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 &&
            allowed;
        (void)close(place); /* the rule has it */
    }
    return allowed;
}

/* Denies all that this kernel's Landlock handles, but for what the confinement allows. */
static bool close_file_system(const struct confinement *confinement)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    /* How many rights on files each version knows. */
    static const unsigned char file_rights[] = {0, 13, 14, 15, 15, 16};
    struct {
        uint64_t files, network, scopes;
    } denied = {0, 0, 0};
    if (version <= 0)
        return false;
    size_t known = sizeof file_rights - 1;
    denied.files = (1ULL << file_rights[(size_t)version < known ? (size_t)version : known]) - 1;
    denied.network = version >= 4 ? 3 : 0; /* bind, connect */
    denied.scopes = version >= 6 ? 3 : 0;  /* abstract sockets, signals */
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &denied, size, 0);
    if (rules < 0)
        return false;
    bool restricted = allow(rules, confinement->readable, LANDLOCK_ACCESS_FS_READ_FILE) &&
                      allow(rules, confinement->executable,
                            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE) &&
                      syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    (void)close(rules); /* they are in force */
    return restricted;
}

static bool filter_system_calls(const struct confinement *confinement)
{
    const struct sock_fprog program = {(unsigned short)confinement->filter_length,
                                       (struct sock_filter *)confinement->filter}; /* only read */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

unsigned confine_enter(const struct confinement *confinement)
{
    unsigned missing = 0;
#ifndef SANITIZED /* a sanitizer reports there */
    if (!confinement->speaks)
        confine_silence();
#endif
    if (!forbid_new_privileges())
        missing |= CONFINE_NO_NEW_PRIVILEGES;
    if (!confine_hide(true))
        missing |= CONFINE_NOT_DUMPABLE;
    if (!close_file_system(confinement))
        missing |= CONFINE_LANDLOCK;
    if (!set_limits(confinement))
        missing |= CONFINE_LIMITS;
    if (!filter_system_calls(confinement))
        missing |= CONFINE_SECCOMP;
    return missing;
}

void confine_add_words(char words[CONFINE_WORDS_MAX], const char *whom, unsigned missing)
{
    static const struct {
        enum confine_part part;
        const char *word;
    } parts[] = {
        {CONFINE_NO_NEW_PRIVILEGES, "no_new_privs"},
        {CONFINE_SECCOMP, "seccomp"},
        {CONFINE_LANDLOCK, "Landlock"},
        {CONFINE_LIMITS, "rlimits"},
        {CONFINE_NOT_DUMPABLE, "dumpable"},
    };
    size_t used = strlen(words);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if ((missing & parts[i].part) == 0)
            continue;
        int length = snprintf(words + used, CONFINE_WORDS_MAX - used, "%s%s%s", used > 0 ? "," : "",
                              whom, parts[i].word);
        used += length > 0 ? (size_t)length : 0; /* all fit, for each process */
    }
}
