/*
 * Confines the session process, which reads what clients say: it can then read, write and wait on
 * the descriptors that it has, and end; nothing else. There is no way back.
 */
#ifndef HANDLER_SANDBOX_H
#define HANDLER_SANDBOX_H

#include <stdint.h>

/* What a kernel may not have, as bits. */
enum sandbox_part {
    SANDBOX_NO_NEW_PRIVILEGES = 1,
    SANDBOX_SECCOMP = 2,  /* all other system calls end the process: see filter.c */
    SANDBOX_LANDLOCK = 4, /* no file, no connection, no signal to others */
    SANDBOX_LIMITS = 8,   /* no processes, no more memory, few descriptors */
    SANDBOX_NOT_DUMPABLE = 16
};

enum { SANDBOX_WORDS_MAX = 64 };

/*
 * Enters the sandbox with all descriptors below `descriptors`; others may still be received, up to
 * that number. Standard error is nowhere then. No file written gets longer than `file_max` octets.
 * Returns what is missing.
 */
unsigned sandbox_enter(unsigned descriptors, uint64_t file_max);

/* The names of what is missing, with commas between; "" for nothing. */
const char *sandbox_words(unsigned missing, char words[SANDBOX_WORDS_MAX]);

#endif
