#include "handler/frontend/sandbox.h"

#include <sys/resource.h>

static const struct sock_filter filter[] = {
#include "handler/filter-frontend.inc"
};

unsigned sandbox_enter(unsigned descriptors, uint64_t file_max, uint64_t seconds)
{
    const struct confine_limit limits[] = {
        {RLIMIT_NOFILE, descriptors},
        {RLIMIT_FSIZE, file_max},
        {RLIMIT_CPU, seconds},
#ifndef SANITIZED /* a sanitizer has memory of its own */
        {RLIMIT_DATA, 0},
        {RLIMIT_STACK, 1024UL * 1024}, /* octets: several times what is used */
#endif
    };
    const struct confinement confinement = {
        .filter = filter,
        .filter_length = sizeof filter / sizeof *filter,
        .limits = limits,
        .limit_count = sizeof limits / sizeof *limits,
    };
    return confine_enter(&confinement);
}
