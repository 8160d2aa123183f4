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
/*@ requires readable(input) && \valid(undecided);
    assigns *undecided;
    ensures \result == \null || (\valid_read(\result) && !*undecided); */
const char *abuse_find(struct span input, enum newlines newlines, bool *undecided);

/* Whether the line begins an HTTP request (RFC 9112 3): "POST /path HTTP/1.1". */
/*@ requires readable(line);
    assigns \nothing; */
bool abuse_is_http(struct span line);

/*
 * Whether what follows the command depends on its reply: octets that were sent before that are
 * content to one server, and commands to another.
 */
/*@ requires \valid_read(verb);
    assigns \nothing; */
bool abuse_must_wait(const char *verb);

/*
 * Ends the session for that form of abuse: one of abuse_find, "http", "early" for octets before the
 * greeting, or "pipelining" for octets before a reply.
 */
/*@ requires session_ok(session) && \valid_read(form);
    requires replies_fit(&session->replies, REPLY_LINE_MAX);
    assigns session->counts.abuse, session->phase, session->want, session->verdict,
            session->counts.errors, session->counts.unreported, session->errors.count,
            session->errors.set_aside, session->subject,
            session->refusals, session->refusal_is_due, session->refusal.subject,
            session->refusal.reply, session->refusal.in_transaction, session->refusal.size,
            session->refusal.length, session->refusal.octets[0 .. REFUSAL_TEXT_MAX - 1],
            session->unexpected_length, session->unexpected[0 .. SESSION_UNEXPECTED_MAX - 1],
            session->replies.end, session->replies.octets[0 .. REPLIES_MAX - 1];
    ensures session_ok(session) && session->phase == PHASE_OVER;
    ensures session->want == WANT_DISCARD || session->want == \old(session->want);
    ensures session->replies.end <= \old(session->replies.end) + REPLY_LINE_MAX;
    ensures left_to_read(session) == \old(left_to_read(session)); */
void abuse_end(struct session *session, const char *form);

#endif
