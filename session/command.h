/*
 * The commands of RFC 5321 4.1.1, the phases that allow them, and what each does to the session.
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include "session/state.h"

/* Runs one command line: queues its reply, or sets the want that must be settled first. */
void command_run(struct session *session, struct span line);

/*
 * Refuses a line that is too long, or has invalid characters, with `reply`. `line` is at least its
 * beginning. If it is a BDAT, so that octets follow, the session ends.
 */
void command_refuse(struct session *session, struct span line, enum reply reply);

#endif
