/*
 * Clients that speak another protocol: a browser or a server that an attacker directs to us, or one
 * that took the wrong port; and, if that matters, those that do not wait for our replies. What they
 * send may hold lines that are commands and must not be run, so the session ends at the first sign
 * of such a client.
 */
#ifndef SESSION_ABUSE_H
#define SESSION_ABUSE_H

#include "session/state.h"

/*
 * What `input`, with which the client's first line that is not empty begins, shows: the form of
 * abuse in a word, or NULL; if it is `*undecided`, more octets must come. A command begins with a
 * letter; a TLS record may never have a line end.
 */
const char *abuse_find(struct span input, enum newlines newlines, bool *undecided);

/* Whether the line begins an HTTP request (RFC 9112 3): "POST /path HTTP/1.1". */
bool abuse_is_http(struct span line);

/*
 * Whether what follows the command depends on its reply: octets that were sent before that are
 * content to one server, and commands to another.
 */
bool abuse_must_wait(const char *verb);

/*
 * Ends the session for that form of abuse: one of abuse_find, "http", "early" for octets before the
 * greeting, or "pipelining" for octets before a reply.
 */
void abuse_end(struct session *session, const char *form);

#endif
