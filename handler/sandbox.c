#include "sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "connection.h"

/* The program for seccomp(2), as filter.c wrote it when this was built. */
static const struct sock_filter filter[] = {
#include "filter.inc"
};

static bool forbid_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Nobody may look into its memory, or trace it. */
static bool hide(void)
{
    return prctl(PR_SET_DUMPABLE, 0) == 0;
}

/* By its number: libraries differ in what type it has. EPERM: the limit is a lower one already. */
static bool limit(unsigned resource, uint64_t most)
{
    const uint64_t limits[] = {most, most}; /* soft and hard */
    return syscall(SYS_prlimit64, 0, resource, limits, NULL) == 0 || errno == EPERM;
}

static bool set_limits(unsigned descriptors, uint64_t file_max)
{
    const uint64_t stack = 1024UL * 1024; /* octets: several times what is used */
    bool limited = limit(RLIMIT_NOFILE, descriptors) && limit(RLIMIT_NPROC, 0) &&
                   limit(RLIMIT_FSIZE, file_max) && limit(RLIMIT_CORE, 0);
#ifndef SANITIZED
    limited = limited && limit(RLIMIT_DATA, 0) && limit(RLIMIT_STACK, stack);
#else
    (void)stack; /* a sanitizer has memory of its own */
#endif
    return limited;
}

/* Denies all that this kernel's Landlock knows of: a ruleset without a rule. */
static bool close_file_system(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    /* The rights on files, of connections, and beyond the process: as many as each version has. */
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
    bool restricted = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    (void)close(rules); /* they are in force */
    return restricted;
}

static bool filter_system_calls(void)
{
    const struct sock_fprog program = {sizeof filter / sizeof *filter,
                                       (struct sock_filter *)filter}; /* it is only read */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

unsigned sandbox_enter(unsigned descriptors, uint64_t file_max)
{
    unsigned missing = 0;
#ifndef SANITIZED                       /* a sanitizer says there what it found */
    connection_detach_standard_error(); /* it is the log, and whoever reads that believes us */
#endif
    if (!forbid_new_privileges())
        missing |= SANDBOX_NO_NEW_PRIVILEGES;
    if (!hide())
        missing |= SANDBOX_NOT_DUMPABLE;
    if (!close_file_system())
        missing |= SANDBOX_LANDLOCK;
    if (!set_limits(descriptors, file_max))
        missing |= SANDBOX_LIMITS;
    if (!filter_system_calls())
        missing |= SANDBOX_SECCOMP;
    return missing;
}

const char *sandbox_words(unsigned missing, char words[SANDBOX_WORDS_MAX])
{
    static const struct {
        enum sandbox_part part;
        const char *word;
    } parts[] = {
        {SANDBOX_NO_NEW_PRIVILEGES, "no_new_privs"},
        {SANDBOX_SECCOMP, "seccomp"},
        {SANDBOX_LANDLOCK, "Landlock"},
        {SANDBOX_LIMITS, "rlimits"},
        {SANDBOX_NOT_DUMPABLE, "dumpable"},
    };
    size_t used = 0;
    words[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if ((missing & parts[i].part) == 0)
            continue;
        int length = snprintf(words + used, SANDBOX_WORDS_MAX - used, "%s%s", used > 0 ? "," : "",
                              parts[i].word);
        used += length > 0 ? (size_t)length : 0; /* all of them fit */
    }
    return words;
}
