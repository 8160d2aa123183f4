/*
 * The file that lists recipients. It is read once, before the first look-up, into memory of our
 * own, so that no writer can change what a session has seen. The first look-up scans it; later ones
 * use an index. What an entry says is read by entry.c, and which is for a recipient is decided by
 * recipient-route.c.
 */
#ifndef HANDLER_VERDICT_RECIPIENT_LIST_H
#define HANDLER_VERDICT_RECIPIENT_LIST_H

#include <stdint.h>

#include "handler/problem.h"
#include "session.h"

enum { RECIPIENT_LIST_MAX = 32 * 1024 * 1024 }; /* octets */

/* Zeros until it is opened. The caller owns its memory. */
struct recipient_list {
    struct span text; /* of the file, once it has been read, for recipient_list_next */
    bool is_open;     /* recipient_list_open has succeeded */
    int descriptor;   /* this and what follows are private */
    bool is_read;
    bool is_searched; /* once or more */
    uint32_t
        *places; /* beginnings of entries, by their hash: an octet's number from 1, 0 for none */
    size_t place_count; /* a power of two */
};

/*
 * False, with `problem` filled in, if the file cannot be read, from its start each time, or is
 * larger than RECIPIENT_LIST_MAX.
 */
bool recipient_list_open(struct recipient_list *list, const char *path, struct problem *problem);

/*
 * Reads the file, unless that is done. 0, -EAGAIN if somebody writes to it meanwhile, or another
 * -errno; a later call tries again.
 */
int recipient_list_read(struct recipient_list *list);

/*
 * The entry for the first of `count` addresses that has one, and of several entries the first: its
 * whole line without blanks around it, borrowed; empty for none. The entry "@*.NAME" is for the
 * address ".NAME". Case does not matter in ASCII, nor do needless quotes in the list. The file must
 * have been read.
 */
struct span recipient_list_find(struct recipient_list *list, const struct span *addresses,
                                size_t count);

/* The first entry with the address of `entry`, which is in the list; perhaps itself. */
struct span recipient_list_find_same(struct recipient_list *list, struct span entry);

/* Splits the next entry off `*text`, the list's at first, and counts lines; false at the end. */
bool recipient_list_next(struct span *text, struct span *entry, unsigned *lines);

/* The number of the line that `entry`, borrowed from the list, is on. */
unsigned recipient_list_line(const struct recipient_list *list, struct span entry);

#endif
