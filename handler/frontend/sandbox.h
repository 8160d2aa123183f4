/*
 * Confines the frontend, which reads what clients say: it can then read, write and poll the
 * descriptors that it has, and exit; nothing else.
 */
#ifndef HANDLER_FRONTEND_SANDBOX_H
#define HANDLER_FRONTEND_SANDBOX_H

#include "handler/confine.h"

/*
 * Enters the sandbox with all descriptors below `descriptors`; others may still be received, up to
 * that number. Standard error leads nowhere then. No file that is written gets longer than
 * `file_max` octets, and the process has `seconds` of processor time. Returns the missing parts.
 */
unsigned sandbox_enter(unsigned descriptors, uint64_t file_max, uint64_t seconds);

#endif
