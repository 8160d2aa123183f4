#include "helpers/tls-relay/shelter.h"

#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "handler/confine.h"
#include "helpers/tls-relay/keys.h"

enum { ARGUMENTS_MAX = KEYS_FILES_MAX + 8, PLACES_MAX = 2 * KEYS_FILES_MAX + 8 };

/* The directory of `file`; a copy that lives as long as we do. */
static const char *directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (slash == NULL)
        return ".";
    return slash == file ? "/" : strndup(file, (size_t)(slash - file));
}

/* Renewed files come to lie beside the old ones, or in the directories that links there name. */
static size_t add_directories(const char **places, const char *file)
{
    static char whole[PATH_MAX];
    places[0] = directory_of(file);
    places[1] = realpath(file, whole) != NULL ? directory_of(whole) : places[0];
    return 2;
}

/* The callback of dl_iterate_phdr(3): the loader that this program names; a static one has none. */
static int find_loader(struct dl_phdr_info *program, size_t size, void *to)
{
    const char **loader = to;
    (void)size; /* it has what every version has */
    for (size_t i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_INTERP)
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): ELF's addresses are numbers */
            *loader = (const char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
    return 1; /* the program is the first */
}

void shelter_enter(char **files, const char *client_ca)
{
    static const struct sock_filter filter[] = {
#include "handler/filter-keeper.inc"
    };
    static const struct confine_limit limits[] = {
        {RLIMIT_NOFILE, 64}, {RLIMIT_DATA, 64UL * 1024 * 1024}, /* octets: many times what we use */
    };
    const char *readable[PLACES_MAX] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64",
                                        "/etc/ld.so.cache"};
    const char *executable[3] = {"/proc/self/exe"};
    size_t count = 5;
    for (; *files != NULL && count < PLACES_MAX - 5; files++)
        count += add_directories(readable + count, *files);
    if (client_ca != NULL)
        (void)add_directories(readable + count, client_ca);
    (void)dl_iterate_phdr(find_loader, &executable[1]);
    const struct confinement confinement = {
        .filter = filter,
        .filter_length = sizeof filter / sizeof *filter,
        .limits = limits,
        .limit_count = sizeof limits / sizeof *limits,
        .readable = readable,
        .executable = executable,
        .forks = true,
        .speaks = true,
    };
    char words[CONFINE_WORDS_MAX] = "";
    unsigned missing = 0;
#ifndef SANITIZED /* a sanitizer does more than that when it begins */
    missing = confine_enter(&confinement);
#else
    (void)confinement; /* as above */
#endif
    confine_add_words(words, "keeper:", missing);
    if (missing != 0)
        fprintf(stderr, "tls-relay: unconfined=%s\n", words);
}

void shelter_execute(char **argv)
{
    static char confined[] = "--confined";
    char *arguments[ARGUMENTS_MAX + 1] = {argv[0]};
    size_t count = 1;
    bool known = false;
    for (size_t i = 1; argv[i] != NULL && count < ARGUMENTS_MAX - 1; i++) {
        known = known || strcmp(argv[i], confined) == 0;
        arguments[count++] = argv[i];
    }
    if (!known) {
        memmove(arguments + 3, arguments + 2, (count - 2) * sizeof *arguments);
        arguments[2] = confined; /* behind --keep */
    }
    (void)execv("/proc/self/exe", arguments); /* returns if it fails */
}
