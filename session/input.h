/*
 * Reads the lines that the client sends between messages: commands, and what AUTH asked for. It
 * ends the session if they are not SMTP.
 */
#ifndef SESSION_INPUT_H
#define SESSION_INPUT_H

#include "session/state.h"

/* Reads one line and does what it says; false if no whole line is here. */
bool input_read_line(struct session *session);

/* Whether the line that is here so far ends with a bare LF, which does not end it. */
bool input_stops_at_lf(const struct session *session);

/* Refuses such a line, and what will come of it; false if there is none. */
bool input_cut_line(struct session *session);

#endif
