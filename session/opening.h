/*
 * How a message begins: what decodes it and passes its header are made new, and the trace fields
 * are put in front (RFC 5321 4.4).
 */
#ifndef SESSION_OPENING_H
#define SESSION_OPENING_H

#include "session/state.h"

/* Opens the message, which comes in this encoding. */
/*@ requires session_ok(session) && session->want == WANT_NOTHING;
    requires session->envelope.count > 0;
    assigns session->content.state, session->content.encoding, session->content.newlines,
            session->content.line_ending, session->content.size, session->content.bare_lf_count,
            session->content.bad_line_end, session->content.smuggled_end,
            session->header.recipient, session->header.hostname,
            session->header.over, session->header.is_traced, session->header.begun,
            session->header.passed, session->header.left_out, session->header.delivered,
            session->header.is_astray, session->header.after_return, session->header.has_return,
            session->header.is_broken, session->header.is_held, session->header.line_ending,
            session->header.kind, session->header.received, session->header.added,
            session->header.line_length,
            session->octets[0 .. SESSION_OCTETS_MAX - 1], session->octets_length,
            session->trace_length, session->message_open, session->storing, session->verdict;
    ensures session_ok(session);
    ensures left_to_read(session) == \old(left_to_read(session));
    ensures session->replies.end == \old(session->replies.end); */
void opening_begin(struct session *session, enum encoding encoding);

#endif
